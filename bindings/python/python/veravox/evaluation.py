"""How good a detector is on trials whose truth is known, and a site's own calibration."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from . import _core
from .detector import Detector, builtin
from .errors import InvalidArgumentError

Path: TypeAlias = "str | os.PathLike[str]"


class Interval(NamedTuple):
    """A figure with its interval."""

    value: float
    low: float
    high: float


class Evaluation:
    """What scores are worth on trials, as `evaluate` gives it.

    `figures` has the figures of all trials by name: `eer`, `auc`, `min_dcf`, `act_dcf`, `cllr`, `min_cllr`, and `min_t_dcf`
    where a speaker verification was named. `competent` says whether they tell people from machines better than chance; look
    there first, and at `verdict`, which says it in words. In a notebook it draws itself.
    """

    def __init__(self, text: str, page: str, plots: Sequence[tuple[str, str, bytes]]) -> None:
        self._data: dict[str, Any] = json.loads(text)
        self.html = page
        """The report as a page in one piece."""
        self.svg = {name: svg for name, svg, _ in plots}
        """The plots by name, `det`, `roc`, `histogram` and `reliability`, as the text of an SVG."""
        self.png = {name: png for name, _, png in plots}
        """The same as the bytes of a PNG."""

    @property
    def competent(self) -> bool:
        """Whether the scores tell the classes apart beyond chance, the way that they should."""
        return bool(self._data["competence"]["competent"])

    @property
    def verdict(self) -> str:
        """The judgement in a sentence."""
        return str(self._data["competence"]["verdict"])

    @property
    def cautions(self) -> tuple[str, ...]:
        """What speaks for caution, a sentence each."""
        return tuple(self._data["competence"]["cautions"])

    @property
    def figures(self) -> dict[str, Interval]:
        """The figures by name, each with its interval."""
        found = self._data["figures"].items()
        return {name: _interval(held) for name, held in found if isinstance(held, dict)}

    @property
    def groups(self) -> dict[str, list[dict[str, Any]]]:
        """For each column of the key a row for each of its values, with the names of the JSON form."""
        return {table["by"]: table["rows"] for table in self._data["groups"]}

    @property
    def threshold(self) -> dict[str, float | None]:
        """The Bayes threshold of prior and costs, and what comes of it here."""
        return dict(self._data["threshold"])

    def to_dict(self) -> dict[str, Any]:
        """Everything, as `veravox eval --json` prints it."""
        copy: dict[str, Any] = json.loads(json.dumps(self._data))
        return copy

    def _repr_html_(self) -> str:
        # What the page shows, without its rules, which reach for the whole document.
        return self.html.partition('<main id="main">')[2].partition("</main>")[0]

    def __repr__(self) -> str:
        eer = self.figures["eer"]
        n = self._data["n_bonafide"], self._data["n_spoof"]
        return f"<Evaluation of {n[0]} bona fide and {n[1]} synthetic trials: EER {100 * eer.value:.1f} %>"


def _interval(held: Mapping[str, Any]) -> Interval:
    return Interval(held["value"], held["low"], held["high"])


def evaluate(
    key: Path | Sequence[Path],
    scores: Path | Mapping[str, float] | None = None,
    *,
    audio: Path | None = None,
    results: Path | None = None,
    detector: Detector | None = None,
    workers: int | None = None,
    progress: bool = False,
    higher: Literal["synthetic", "bonafide"] | None = None,
    prior: float | None = None,
    cost_false_alarm: float | None = None,
    cost_miss: float | None = None,
    asv: tuple[float, float, float] | None = None,
    t_dcf_2019: bool = False,
    by: Sequence[str] | None = None,
    resample_by: str | None = None,
    rounds: int | None = None,
    seed: int | None = None,
) -> Evaluation:
    """Evaluates a detector on the trials of a key, or of several.

    `key` is a key file as it is: ASVspoof 2019, 2021 and 5, MLAAD's and In-the-Wild's `meta.csv`, or a table with columns
    `file`, `label` and any more to group by. `scores` is a score file, or a mapping of files to llrs, positive for synthetic.
    Without it the audio in the folder `audio` is scored by `detector`; with `results` that is kept in a JSONL file and can be
    gone on with.

    `higher` says what higher scores of a file speak for; without it they are taken as such files usually have it, and the
    evaluation says which way that was. `prior` and the costs are those of minDCF, actDCF and the threshold, by default those
    of ASVspoof 5. `asv` are the error rates of a speaker verification for the t-DCF: false alarm, miss, and share of spoofs
    that it accepts. `by` names columns to group by, also joined as in `"attack+codec"`; `resample_by` the column whose groups
    are drawn again for the intervals.

    Raises `InvalidArgumentError` for a line of key or scores that does not fit, which it names, and for one class only.

    >>> import veravox
    >>> folder = "testdata/evaluation"
    >>> found = veravox.evaluate(f"{folder}/asvspoof5.protocol.tsv", f"{folder}/asvspoof5.scores.tsv", rounds=200)
    >>> found
    <Evaluation of 150 bona fide and 450 synthetic trials: EER 20.1 %>
    >>> found.competent, round(found.figures["min_dcf"].value, 4)
    (True, 0.4078)
    """
    keys: list[Path] = [key] if isinstance(key, (str, os.PathLike)) else list(key)
    if (scores is None) == (audio is None):
        raise InvalidArgumentError("expected either scores or a folder of audio")
    with tempfile.TemporaryDirectory() as scratch:
        if audio is not None:
            scores = os.path.join(scratch, "results.jsonl") if results is None else results
            wanted = audio_of(keys, audio)
            scanner = builtin() if detector is None else detector
            for _ in scanner.scan_many(wanted, workers, progress, resume=scores):
                pass
        assert scores is not None
        found = _core.evaluate(
            keys,
            dict(scores) if isinstance(scores, Mapping) else scores,
            higher,
            prior,
            cost_false_alarm,
            cost_miss,
            asv,
            t_dcf_2019,
            None if by is None else list(by),
            resample_by,
            rounds,
            seed,
        )
    return Evaluation(*found)


def audio_of(keys: Sequence[Path], audio: Path) -> list[str]:
    """The files in a folder that keys speak of."""
    files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(audio) for name in names)
    return [files[n] for n in _core.audio_of_keys(list(keys), [os.path.relpath(file, audio) for file in files])]


def calibrate(
    results: Path,
    output: Path,
    *,
    key: Path | Sequence[Path] | None = None,
    leg: int | None = None,
    detector: Detector | None = None,
    name: str | None = None,
    method: Literal["affine", "isotonic"] | None = None,
    target_false_alarm: float | None = None,
    by_codec: bool = False,
    prior: float | None = None,
    cost_false_alarm: float | None = None,
    cost_miss: float | None = None,
) -> dict[str, Any]:
    """Fits a site's own calibration and writes it to `output`; returns what the file holds.

    `results` is a JSONL file of `veravox scan --jsonl` or `scan_many(resume=...)`, made without a calibration. With `key`
    calls are labelled; without it all of them are people's, of each call all legs or `leg` alone. `detector` is the one that
    made the results. Use the file with `Detector(calibration=output)`.

    Raises `InvalidArgumentError` for too few calls, for results of another model, and for scores that do not tell machines
    from people.
    """
    keys: list[Path] | None = None if key is None else [key] if isinstance(key, (str, os.PathLike)) else list(key)
    inner = (builtin() if detector is None else detector)._inner
    text = _core.calibrate(
        inner, results, keys, leg, name, method, target_false_alarm, by_codec, prior, cost_false_alarm, cost_miss
    )
    with open(output, "w", encoding="utf-8") as file:
        file.write(text)
    held: dict[str, Any] = json.loads(text)
    return held
