"""Everything that training reads, made once and kept in the cache: clips, engine clips, twins, copies through codecs, noise, rooms."""
import dataclasses
import pathlib
import time

import numpy as np

import copies
import corpus
import engines
import phone_codecs
import twins


@dataclasses.dataclass
class Material:
    """`store` holds the clips; `copies[i]` are the places (store, index) of clip i after codecs and at other speeds, and `made` what they and the
    twins were made with: what was missing is not there."""
    clips: list
    store: corpus.Store
    copies: list
    noise: corpus.Store
    rooms: list
    made: dict


def train_clips(config, folder, full=None):
    """Clips whose repository states a licence, of sources that have nothing in `dev`: a few repositories have clips in both splits, some of
    them the very same recordings."""
    licences, sources = set(config["data"]["skip_licences"]), {c.source for c in corpus.read_index(folder, "dev")}
    clips = [c for c in corpus.read_index(full or folder, "train") if c.licence not in licences and c.source not in sources]
    return clips[::config["data"]["every"]]


def rooms(folder, rate):
    """Impulse responses from their loudest sample on, at most 0.4 s, of unit energy."""
    responses = []
    for clip in corpus.read_index(folder, "rir"):
        x = corpus.load(clip.path, rate)
        x = x[int(np.argmax(np.abs(x))):][:int(0.4 * rate)]
        energy = float(np.sqrt((x ** 2).sum()))
        if energy > 0:
            responses.append((x / energy).astype(np.float32))
    return responses


def material(config, folder, cache, full=None, vocoders=None, jobs=1, log=print):
    """The material of one configuration; what the cache already holds is not made again. `full` is the folder of the full build of the
    corpus, whose split `train` then takes the place of the small one's; `vocoders` that of the pretrained vocoders."""
    rate, started, data = config["input"]["sample_rate_hz"], time.time(), config["data"]
    clips = train_clips(config, folder, full)
    real = [c for c in clips if c.label == "bonafide"]
    clips += engines.make(cache, data["engine_clips"], 1) + engines.neural(cache, data["neural_engine_clips"], 1, log)
    own = sorted(pathlib.Path(cache).glob("vocoders/*.pt"))
    clips += twins.make(cache, vocoders, real, data["twins"], own, 1, jobs, log)
    wide = corpus.store(cache, "train", clips, phone_codecs.RATE)
    log(f"prepare: {len(clips)} clips after {time.time() - started:.0f} s")
    made = copies.make(cache, "train", wide, rate, data["copies"], data["copies_per_clip"], 1, jobs, log)
    places = [[] for _ in clips]
    for _, store, indices in made:
        for place, i in enumerate(indices):
            places[i].append((store, place))
    log(f"prepare: {sum(map(len, places))} copies after {time.time() - started:.0f} s")
    skipped = data["skip_noise_licences"]
    noise = [c for c in corpus.read_index(folder, "noise") if not any(f"-{word}" in c.licence for word in skipped)]
    made = {"full": full is not None, "copies": [name for name, *_ in made], "twins": sorted({c.system.removeprefix("twin ") for c in clips if c.kind == "twin"})}
    return Material(clips, corpus.store(cache, "train", clips, rate), places, corpus.store(cache, "noise", noise, rate), rooms(folder, rate), made)


def counts(material):
    """What went into training, for the card: {"clips": a row for each label and origin, and what `Material.made` says}."""
    groups = {}
    for clip in material.clips:
        key = (clip.label, "engine" if clip.source.startswith("engine:") else "twin" if clip.kind == "twin" else "corpus")
        entry = groups.setdefault(key, {"clips": 0, "seconds": 0.0, "systems": set(), "sources": set(), "licences": {}})
        entry["clips"] += 1
        entry["seconds"] += clip.seconds
        entry["systems"].add(clip.system)
        entry["sources"].add(clip.source)
        entry["licences"][clip.licence] = entry["licences"].get(clip.licence, 0) + 1
    rows = [{"label": label, "from": origin, "clips": e["clips"], "hours": round(e["seconds"] / 3600, 3), "systems": len(e["systems"]),
             "sources": len(e["sources"]), "licences": dict(sorted(e["licences"].items(), key=lambda x: -x[1]))}
            for (label, origin), e in sorted(groups.items())]
    return {"clips": rows, **material.made}
