"""Fast tests of the recipe: `pytest models/training`. Those on real speech read the corpus beside the checkout."""
import json
import os
import pathlib
import subprocess
import sys
import types

import numpy as np
import pytest
import soundfile
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import calibrate  # noqa: E402
import card  # noqa: E402
import copies  # noqa: E402
import corpus  # noqa: E402
import dev  # noqa: E402
import duplicates  # noqa: E402
import engines  # noqa: E402
import evaluate  # noqa: E402
import experts  # noqa: E402
import export  # noqa: E402
import g711  # noqa: E402
import labels  # noqa: E402
import lines  # noqa: E402
import material  # noqa: E402
import network  # noqa: E402
import phone_codecs  # noqa: E402
import product  # noqa: E402
import run  # noqa: E402
import scoring  # noqa: E402
import train  # noqa: E402
import vectors  # noqa: E402

CORPUS = HERE.parents[2] / "shared" / "corpus"
KINDS = ["tts", "vc", "vocoder", "codec"]
HEADER = "file split label system kind source licence speaker language seconds source_rate_hz source_codec utterance".split()


def need_corpus(what):
    """Skips aloud where there is no corpus; under CI there must be one."""
    if not (CORPUS / "index.tsv").exists():
        assert os.environ.get("CI") != "true", "CI must have ../shared/corpus"
        pytest.skip(f"no corpus in ../shared/corpus: {what}")


def quiet(text):
    """A log that nobody reads."""


def configuration(name="phone", **changes):
    """That of a model, with next to nothing to learn, and an expert for noise beside the clean one."""
    config = run.read(HERE / f"{name}.toml")
    main = scoring.main_condition(config)
    config["experts"] = {"clean": {"lines": {main: 1.0}, "seeds": [1, 2], "sizes": [12, 8]}, "noisy": {"lines": {"phone, noise at 10 dB": 1.0}, "seeds": [1], "sizes": [8, 8], "clips": 8, "from_first": 0.4}}
    config["model"]["rank"] = 30
    config["head"] = {"seeds": [1], "sizes": [4, 4]}
    config["training"].update(batch=16, steps=12, warmup_steps=2)
    return run.changed(config, changes)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A corpus of buzzes and hisses in the shape of the real one: enough to run every line, not to learn anything."""
    folder = tmp_path_factory.mktemp("corpus")
    rng, rows = np.random.default_rng(0), []
    for split, count in (("train", 12), ("dev", 12), ("noise", 2)):
        (folder / split).mkdir()
        for k in range(count):
            label = "-" if split == "noise" else "bonafide" if k % 2 else "spoof"
            t = np.arange(16000 * (3 if k % 3 else 6)) / 16000
            x = 0.3 * np.sign(np.sin(2 * np.pi * (90 + 20 * k) * t)) * np.sin(2 * np.pi * 3 * t) + 0.01 * rng.standard_normal(len(t))
            soundfile.write(folder / split / f"{k:05d}.flac", x, 16000)
            rows.append([f"{split}/{k:05d}.flac", split, label, f"{split} system {k % 3}", "human" if label == "bonafide" else KINDS[k // 2 % 4], f"{split} page {k % 2 + k % 3}", "MIT", "", "en", str(len(t) / 16000), "16000", "wav", ""])
    (folder / "index.tsv").write_text("\n".join("\t".join(r) for r in [HEADER, *rows]) + "\n")
    return folder


@pytest.fixture(scope="module")
def data(tiny, tmp_path_factory):
    return experts.Data(configuration(), tmp_path_factory.mktemp("cache"), corpus.read_index(tiny, "train"), log=quiet)


def clip(label="spoof", system="s", source="github:a/p", kind="tts", path="x", speaker="", rate_hz=16000, seconds=4.0):
    return corpus.Clip(path, "train", label, system, "human" if label == "bonafide" else kind, source, "MIT", "en", seconds, speaker, rate_hz)


def test_rows_are_made_once_and_a_run_that_was_cut_off_goes_on(tiny, tmp_path):
    clips, config = corpus.read_index(tiny, "train"), configuration()
    whole = vectors.Vectors(tmp_path / "whole", config, "phone")
    whole.make(clips, log=quiet)
    rows, of = whole.rows(clips)
    assert rows.dtype == np.float32 and np.isfinite(rows).all()
    assert np.bincount(of).tolist() == [1 if c.seconds < 4 else 2 for c in clips], "the beginning, and of a longer clip the whole"
    beginnings, of_each = whole.rows(clips, beginnings=True)
    assert of_each.tolist() == list(range(len(clips))) and (beginnings == rows[np.unique(of, return_index=True)[1]]).all()
    lines_said = []
    vectors.Vectors(tmp_path / "whole", config, "phone").make(clips, log=lines_said.append)
    assert not lines_said, "what is there is not made again"
    cut = tmp_path / "cut" / "vectors"
    cut.mkdir(parents=True)
    (cut / whole.path.name).write_bytes(whole.path.read_bytes()[:rows[:5].nbytes + 100])       # five rows and a part of one
    (cut / whole.listing.name).write_text("\n".join(whole.listing.read_text().splitlines()[:7] + ["a line that was cut o"]))
    again = vectors.Vectors(tmp_path / "cut", config, "phone")
    assert again.end <= 5 and 0 < len(again.places) < 7, "whole rows alone"
    again.make(clips, log=quiet)
    assert (again.rows(clips)[0] == rows).all()


def test_rows_are_of_the_windows_that_a_call_gets(tiny, tmp_path):
    """The scores of rows are those of the library for the same audio."""
    import onnxruntime
    import veravox
    clips = corpus.read_index(tiny, "dev")
    manifest = json.loads((HERE.parent / "phone" / "manifest.json").read_text())
    store = vectors.Vectors(tmp_path, {"model": {"name": "phone"}, "input": manifest["input"], "windows": {"first_seconds": 4.0, "more": 0}}, "phone")
    store.make(clips, log=quiet)
    rows, of = store.rows(clips)
    logits = onnxruntime.InferenceSession(str(HERE.parent / "phone" / "model.onnx")).run(["logits"], {"features": rows})[0]
    found = dict(zip(of, manifest["calibration"]["scale"] * (logits[:, 1] - logits[:, 0]) + manifest["calibration"]["offset"]))
    for k, scored in enumerate(scoring.score(veravox.Detector(str(HERE.parent / "phone")), clips, "phone", longest=4)):
        assert scored.windows == pytest.approx([found[k]] if k in found else [], abs=1e-3)


def test_a_clip_without_speech_has_no_row(tmp_path):
    soundfile.write(tmp_path / "silence.flac", np.zeros(90000), 16000)
    store = vectors.Vectors(tmp_path / "cache", configuration(), "phone")
    silence = clip(path=str(tmp_path / "silence.flac"))
    store.make([silence], log=quiet)
    assert store.rows([silence])[0].shape == (0, store.width) and not vectors.Vectors(tmp_path / "cache", configuration(), "phone")._missing([silence])


def test_another_line_or_other_features_are_another_file(tmp_path):
    config = configuration()
    other = run.changed(config, {"input.level_dbfs": -23.0})
    assert len({vectors.Vectors(tmp_path, c, line).path for c in (config, other) for line in ("phone", "GSM-FR")}) == 4


def test_the_phone_line_keeps_to_its_band_and_level():
    t = np.arange(32000) / 16000
    level = lambda f: float(np.std(lines.phone((np.sin(2 * np.pi * 1000 * t) + 0.5 * np.sin(2 * np.pi * f * t)).astype(np.float32))))    # noqa: E731
    assert level(2000) == pytest.approx(0.1, rel=0.05) and level(100) < 0.095 > level(3900), "what lies outside is gone"
    samples, rate = lines.through("phone, brought to 16 kHz", t.astype(np.float32))
    assert (len(samples), rate) == (32000, 16000)
    for name in ("phones", "phone, backwards"):
        with pytest.raises(ValueError, match=name):
            lines.through(name, t)


def test_half_of_the_windows_are_real_and_groups_weigh_by_their_root():
    clips = [clip("bonafide", "human", "github:a/p")] * 3 + [clip("bonafide", "human", "github:b/q")] * 5 + [clip("bonafide", "human", "github:c/low", rate_hz=4000)]
    clips += [clip(system="big")] * 100 + [clip(system="small")]
    config = configuration(**{"sampling.mixed": 0.8, "sampling.power": 0.5})
    chances = material.chances(clips, config)
    assert chances.sum() == pytest.approx(1) and chances[:8].sum() == pytest.approx(0.5)
    assert chances[:3].sum() == pytest.approx(0.4), "most of them from the page with both classes"
    assert chances[8] == 0, "a recording of a lower rate is not drawn"
    assert chances[9:109].sum() == pytest.approx(10 * chances[109])


def test_a_system_is_as_old_as_the_first_page_with_it():
    clips = [clip(system="old", source="github:a/p"), clip(system="old", source="github:b/q#part"), clip(system="new", source="github:b/q"), clip(system="lost", source="github:c/r")]
    assert material.system_years(clips, {"github:a/p": 2019, "github:b/q": 2024}) == {"old": 2019, "new": 2024}


def test_doubted_labels_and_recordings_of_dev_are_left_out():
    clips = [clip("bonafide", speaker="one"), clip("bonafide", speaker="two"), clip(system="one"), clip(source="github:b/q")]
    assert material.doubted(clips, [("github:a/p", "bonafide", "one"), ("github:b/q", "spoof", "*")]).tolist() == [True, False, False, True]
    for source, label, group in material.left_out():
        assert source.startswith("github:") and label in material.LABELS and group


def test_one_recording_on_two_pages_is_found_and_another_is_not(tmp_path):
    rng = np.random.default_rng(0)
    voice = lambda: np.repeat(rng.uniform(0.01, 1, 50), 1600).astype(np.float32) * rng.standard_normal(80000).astype(np.float32) * 0.2     # noqa: E731
    first, second = voice(), voice()
    clips = []
    for name, x in (("a", first), ("b", second), ("copy", np.concatenate([np.zeros(6400, np.float32), 0.3 * first + 0.002 * rng.standard_normal(80000).astype(np.float32)]))):
        soundfile.write(tmp_path / f"{name}.flac", x, 16000)
        clips.append(clip(path=str(tmp_path / f"{name}.flac"), seconds=5.0))
    found = duplicates.find(clips[:2], clips[2:], tmp_path, log=quiet)
    assert list(found) == ["a.flac"] and found["a.flac"][1] == "copy.flac"


def test_groups_on_the_wrong_side_are_named():
    clips = [clip("bonafide", "human", f"github:o{k}/p", speaker=f"s{k}") for k in range(10) for _ in range(4)] + [clip(system=f"m{k}", source=f"github:o{k}/p") for k in range(10) for _ in range(4)]
    scores = np.array([-2.0 + 0.1 * (k % 7) for k in range(40)] + [2.0 + 0.1 * (k % 7) for k in range(40)])
    scores[8:12], scores[76:] = 3.0, -3.0
    assert [row[1:] for row in labels.wrong_side(clips, scores)] == [("bonafide", "github:o2/p", "s2", 4), ("spoof", "github:o9/p", "m9", 4)]
    pages = {name: auc for auc, name, *_ in labels.inside_pages(clips, scores)}
    assert pages["github:o2/p"] == 0 and pages["github:o1/p"] == 1
    assert len(set(labels.halves([clip(source="github:Owner/a"), clip(source="github:owner/b")]))) == 1


def test_a_run_that_is_cut_off_goes_on_as_it_would_have(data, tmp_path):
    config = configuration()
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    experts.fit(config, data, tmp_path / "whole", log=quiet)
    calls = iter(range(10 ** 6))
    experts.fit(config, data, tmp_path / "cut", until=lambda: next(calls) > 5, log=quiet)
    with pytest.raises(SystemExit, match="of 12: let its training end first|has not been trained"):
        experts.trained(config, data.rows.shape[1], tmp_path / "cut")
    experts.fit(config, data, tmp_path / "cut", log=quiet)
    (one, _), (two, _) = (experts.trained(config, data.rows.shape[1], tmp_path / name) for name in ("whole", "cut"))
    for a, b in zip(one, two):
        for x, y in zip(a, b):
            assert all(torch.allclose(p.float(), q.float(), atol=1e-5) for p, q in zip(x.state_dict().values(), y.state_dict().values()))
    with pytest.raises(SystemExit, match="begun with another configuration"):
        experts.fit(run.changed(config, {"training.learning_rate": 1e-3}), data, tmp_path / "cut", log=quiet)


@pytest.mark.parametrize("alone", [True, False])
def test_the_graph_says_what_the_networks_say(data, tmp_path, alone):
    import onnxruntime
    import veravox
    config = configuration(**{"model.rank": 64})      # as many as there are units: nothing is lost
    if alone:
        config["experts"] = {"clean": config["experts"]["clean"]}
        data = types.SimpleNamespace(rows=data.rows, scale=data.scale, of_head=lambda: data_chances)
        data_chances = np.full(len(data.rows), 1 / len(data.rows))
    experts.fit(config, data if not alone else types.SimpleNamespace(rows=data.rows, of_expert=lambda k: data_chances, labels=np.arange(len(data.rows)) % 2), tmp_path, log=quiet)
    export.export(config, data, tmp_path, tmp_path / "model", log=quiet)
    groups, _ = experts.trained(config, data.rows.shape[1], tmp_path)
    bare = data.rows[:7] * data.scale.deviation + data.scale.mean
    logits, novelty = onnxruntime.InferenceSession(str(tmp_path / "model" / "model.onnx")).run(None, {"features": bare})
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], export.expected(groups, experts.from_first(config), data.scale(bare)), atol=1e-4)
    assert logits.shape == (7, 2) and novelty.shape == (7, 1) and np.isfinite(novelty).all()
    assert veravox.Detector(str(tmp_path / "model")).manifest()["input"] == config["input"]


def test_batch_norms_fold_into_the_layers_before_them():
    torch.manual_seed(0)
    net = network.StatisticsNet(30, 12, 8, 0.3)
    for _ in range(20):
        net(torch.randn(64, 30))
    net.eval()
    x = np.random.default_rng(0).standard_normal((5, 30)).astype(np.float32)
    first, second, ((weight, bias),) = product.layers([[net, net]])
    waist = product.Waist(first, second, np.random.default_rng(1).standard_normal((200, 30)), 24)
    np.testing.assert_allclose(product.embeddings(waist, second, x) @ weight.T + bias, train.outputs(net, x), atol=1e-5)
    narrow = product.Waist(first, second, np.random.default_rng(1).standard_normal((200, 30)), 3)
    assert narrow.down.shape == (30, 3) and np.isfinite(narrow(x)).all()


def test_what_was_never_heard_is_novel():
    rng = np.random.default_rng(0)
    seen = rng.standard_normal((400, 60)) @ np.diag(np.linspace(2, 0.01, 60))
    novelty = product.Novelty(seen[::2], axes=20)
    usual, strange = novelty(seen[1::2]), novelty(seen[1::2] + 4 * rng.standard_normal((200, 60)))
    assert usual.shape == (200,) and strange.min() > usual.max()


def test_whole_pages_are_chosen_on_and_voices_are_strung_together(tmp_path):
    clips = [clip(source=f"github:o{k}/p#{j}") for k in range(9) for j in range(3)]
    half = dev.halves(clips).reshape(9, 3)
    assert (half == half[:, :1]).all() and 4 <= half[:, 0].sum() <= 5
    for k in range(3):
        soundfile.write(tmp_path / f"{k}.flac", 0.1 * np.ones(32000), 16000)
    voice = [clip(path=str(tmp_path / f"{k}.flac"), seconds=2.0) for k in range(3)]
    assert len(dev.strung(voice, 5, np.random.default_rng(0))) == 5 * 16000 + 2 * int(0.3 * 16000)
    assert dev.strung(voice, 7, np.random.default_rng(0)) is None


def test_the_card_tells_old_pages_and_new_apart():
    made = lambda of, value: {"set": of, "condition": "phone", "metric": "eer_percent", "value": value, "low": value, "high": value, "n_bonafide": 2, "n_spoof": 3}     # noqa: E731
    figures = [made(evaluate.PAGES, 12.0), made("dev", 9.0)]
    assert "9.0" in card.condition_table(figures, ["phone"]) and "12.0" in card.condition_table(figures, ["phone"], evaluate.PAGES)
    assert card.newest({"figures": figures[1:]}, {}, "phone") == "", "no new pages were measured"


def test_one_command_goes_from_corpus_to_model(tiny, tmp_path):
    """The smoke run, as a user starts it: every step, on a corpus of buzzes. The model is worth nothing, but the library takes it."""
    import veravox
    done = subprocess.run([sys.executable, str(HERE / "run.py"), str(HERE / "phone.toml"), "--smoke", "--corpus", str(tiny), "--cache", str(tmp_path / "cache"),
                           "--out", str(tmp_path / "model"), "--jobs", "1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    text = (tmp_path / "model" / "README.md").read_text()
    assert "## Where it fails" in text and (tmp_path / "model" / "reliability.png").stat().st_size > 5000
    manifest = veravox.Detector(str(tmp_path / "model")).manifest()
    assert any(f["metric"] == "eer_percent" and f["condition"] == "phone" for f in manifest["figures"]) and manifest["calibration"]["scale"] > 0
    assert ", ;" not in text and "None" not in text and "AASIST" not in text, "no published detector scored the buzzes"


def test_old_engines_speak_as_machines_and_those_that_are_missing_are_named(tmp_path, monkeypatch):
    clips = engines.make(tmp_path, 5, log=quiet)
    assert clips, "no engine is installed"
    assert {c.label for c in clips} == {"spoof"} and {c.kind for c in clips} == {"engine"}
    assert all(soundfile.info(c.path).samplerate == corpus.RATE and 0.5 < c.seconds <= 4.3 for c in clips)
    assert [c.path for c in engines.make(tmp_path, 5, log=quiet)] == [c.path for c in clips], "made once"
    monkeypatch.setattr(engines.shutil, "which", lambda name: None)
    told = []
    assert engines.make(tmp_path / "nothing", 5, log=told.append) == []
    assert "espeak-ng, festival, flite" in told[0]


@pytest.mark.parametrize("law,levels,tops", [("mulaw", 255, (-32124, 32124)), ("alaw", 256, (-32256, 32256))])
def test_g711_has_the_levels_of_the_standard(law, levels, tops):
    table = g711.TABLES[law].astype(int)
    assert len(set(table)) == levels and (table.min(), table.max()) == tops
    assert (np.diff(table) >= 0).all()
    x = np.arange(-32768, 32768)
    assert (np.abs(table - x) <= np.maximum(np.abs(x) / 16, 17))[np.abs(x) < 32000].all()
    assert (g711.TABLES[law][table + 32768] == table).all(), "a second pass changes nothing"


def test_figures_of_the_manifest_are_those_of_the_library_in_percent():
    clips = [corpus.Clip(str(k), "dev", label, system, kind, page, "MIT", "en", 1.0) for k, (label, system, kind, page) in enumerate(
        [("bonafide", "-", "-", "p"), ("bonafide", "-", "-", "q"), *[("spoof", "a", "tts", "p")] * 3, ("spoof", "b", "vc", "q"), ("spoof", "b", "tts", "r")])]
    trials = evaluate.Trials(clips, [0, 0, 5, 5, 5, -5, -4])
    value = lambda metric: trials.figure("phone", metric, 20)["value"]      # noqa: E731
    assert value("eer_percent_mean_over_systems") == 50, "each system has the same weight: one is found, one passes"
    assert value("eer_percent tts") == 12.5 and value("eer_percent vc") == 100
    inside = trials.figure("phone", "auc_inside_pages", 200)
    assert (inside["low"], inside["value"], inside["high"], inside["n_bonafide"], inside["n_spoof"]) == (0, 0.5, 1, 2, 4)
    scored = [types.SimpleNamespace(llr=None, decision="inconclusive", reasons=["unlike_training"]), *[types.SimpleNamespace(llr=1.0, decision="synthetic", reasons=[])] * 6]
    values = {e["metric"]: e["value"] for e in evaluate.shares(trials, scored, "phone")}
    assert values["false_synthetic_percent"] == 50 and values["true_synthetic_percent"] == 100
    assert values["inconclusive_percent"] == values["too_little_speech_percent"] == pytest.approx(100 / 7, abs=1e-3)


@pytest.mark.parametrize("name", phone_codecs.NAMES)
def test_a_codec_gives_back_what_went_in_changed(name):
    """A codec whose tool is missing is left out of training; so it is here, aloud."""
    t = np.arange(3 * phone_codecs.RATE) / phone_codecs.RATE
    voice = sum(np.sin(2 * np.pi * 130 * h * t) / h for h in range(1, 20)) * (0.4 + np.abs(np.sin(2 * np.pi * 2 * t)))
    x = np.round(5000 * voice).astype(np.int16)
    try:
        y = phone_codecs.through(name, x)
    except phone_codecs.Missing as missing:
        assert os.environ.get("CI") != "true", f"CI must have the tools of every codec: {missing}"
        pytest.skip(f"the codec {name} WAS NOT TESTED: {missing}")
    assert y.dtype == np.int16 and abs(len(y) - len(x)) < 1600
    lag = copies._delay(x, y)
    spectrum = lambda z: np.log(np.abs(np.fft.rfft(z[8000:40000].astype(float)))[260:4000:130] + 1)    # noqa: E731
    assert np.corrcoef(spectrum(x), spectrum(y[lag:]))[0, 1] > 0.7 and (y[lag:lag + len(x) // 2] != x[:len(y[lag:lag + len(x) // 2])]).any()


def test_a_change_of_what_is_not_there_is_refused():
    for name in ("training.stepps", "nothing.at.all"):
        with pytest.raises(SystemExit, match=name):
            run.changed(configuration(), {name: 1})


def test_calibration_weighs_its_lines_and_leaves_out_a_codec_that_is_not_installed(monkeypatch):
    clips = [corpus.Clip(path=str(k), split="dev", label=label, system=f"{label} {k % 3}", kind="tts", source=f"page {k % 3}", licence="", language="en", seconds=4.0)
             for k, label in enumerate(["bonafide", "spoof"] * 6)]

    def scored(detector, clips, name, cache, log):
        if name == "GSM-FR":
            raise phone_codecs.Missing("no gsm here")
        return [scoring.Scored(0.0, "", [float(k)] * (1 + k % 2), 4.0, []) for k in range(len(clips))]

    monkeypatch.setattr(scoring, "score_under", scored)
    lines = []
    parts = list(calibrate.windows_of_lines(None, clips, {"phone": 0.5, "GSM-FR": 0.3, "as is": 0.2}, None, lines.append))
    assert [set(line) for *_, line in parts] == [{"phone"}, {"as is"}] and "'GSM-FR' is left out: no gsm here" in lines[0]
    for share, (x, labels, w, groups, _) in zip((0.5, 0.2), parts):
        assert len(x) == 18 and w[labels == 0].sum() == pytest.approx(share / 2) == w[labels == 1].sum()
        assert {g.split()[0] for g in groups[labels == 1]} == {"spoof"}


@pytest.mark.parametrize("name", ["phone", "wide"])
def test_the_library_scores_what_the_recipe_scores(name):
    """The streaming path and the recipe's own way, features to ONNX Runtime, on the same windows."""
    import onnxruntime
    import veravox
    folder = HERE.parent / name
    manifest = json.loads((folder / "manifest.json").read_text())
    rate, n = manifest["input"]["sample_rate_hz"], manifest["input"]["window_samples"]
    t = np.arange(9 * rate) / rate
    turns = 120 * t + 8 * np.sin(2 * np.pi * 1.2 * t)                # a pitch that stands still is a tone
    voice = sum(np.sin(2 * np.pi * h * turns + h) / h for h in range(1, 28))
    x = 0.2 * (0.3 + np.abs(np.sin(2 * np.pi * 3 * t))) * voice      # a buzz in syllables, which the speech gate keeps whole
    x = (np.round(x * 32768) / 32768).astype(np.float32)             # 16-bit audio, which the library keeps as it is
    windows = veravox.Detector(folder).scan(x, rate).legs[0].windows
    whole = [w for w in windows if abs((w.end_seconds - w.start_seconds) * rate - n) < 0.5]
    assert len(whole) >= 2, windows
    features, session = veravox.WindowFeatures(manifest["input"]), onnxruntime.InferenceSession(str(folder / "model.onnx"))
    for w in whole:
        start = round(w.start_seconds * rate)
        inputs = features.batch(x[None, start:start + n])
        logits = session.run(["logits"], {"features": inputs[:, 0] if inputs.shape[1] == 1 else inputs})[0][0]
        llr = manifest["calibration"]["scale"] * float(logits[1] - logits[0]) + manifest["calibration"]["offset"]
        assert w.llr == pytest.approx(llr, abs=1e-3)


def test_costs_make_thresholds():
    for none in (0.0, 0.5):
        with pytest.raises(SystemExit, match="no answer must cost something"):
            calibrate.thresholds({"prior": 0.5, "cost_false_synthetic": 1.0, "cost_false_bonafide": 1.0, "cost_inconclusive": none})
    even = calibrate.thresholds({"prior": 0.5, "cost_false_synthetic": 1.0, "cost_false_bonafide": 1.0, "cost_inconclusive": 0.2})
    assert even == pytest.approx((np.log(4), -np.log(4)))
    rare = calibrate.thresholds({"prior": 0.1, "cost_false_synthetic": 1.0, "cost_false_bonafide": 1.0, "cost_inconclusive": 0.2})
    assert rare == pytest.approx((np.log(4) + np.log(9), -np.log(4) + np.log(9))), "what is rare needs more evidence"


def test_three_clips_of_one_system_are_pooled():
    clips = [corpus.Clip(str(k), "dev", "spoof" if k < 7 else "bonafide", "a" if k < 7 else "human", "tts", "page", "MIT", "en", 1.0, speaker="" if k < 7 else f"s{k % 2}") for k in range(13)]
    heads, means = evaluate.pooled(clips, np.arange(13.0))
    assert [c.label for c in heads].count("spoof") == 2, "seven clips are two groups of three, and one that is left over"
    assert [c.label for c in heads].count("bonafide") == 2 and all(0 <= m <= 12 for m in means)
    alone, mean = evaluate.pooled(clips[:2], [1.0, 3.0])
    assert alone == mean == [], "two clips are not three"


def test_no_source_of_dev_is_trained_on():
    """A few repositories have clips in both halves of the corpus; whichever build training reads, it leaves them out."""
    need_corpus("the check of the split DID NOT RUN")
    held_out = {material.page(c.source) for c in corpus.read_index(CORPUS, "dev")}
    assert held_out & {material.page(c.source) for c in corpus.read_index(CORPUS, "train")}, "there is nothing to leave out: this test says nothing"
    assert not held_out & {material.page(c.source) for c in material.train_clips(CORPUS)}


def test_a_full_build_with_recordings_of_dev_is_cleaned(tiny, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    lines = (tiny / "index.tsv").read_text().splitlines()
    (full / "index.tsv").write_text("\n".join([*lines, *(line.replace("\tdev\t", "\ttrain\t") for line in lines if "\tdev\t" in line)]) + "\n")
    assert {c.source.split()[0] for c in corpus.read_index(full, "train")} == {"train", "dev"}
    clips = material.train_clips(tiny, full)
    assert {c.source.split()[0] for c in clips} == {"train"}
    repeated = pathlib.Path(clips[0].path).name
    assert repeated not in {pathlib.Path(c.path).name for c in material.train_clips(tiny, full, {repeated})}
