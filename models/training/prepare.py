"""Everything that training reads, made once and kept in the cache: clips, engine clips, twins, variants, noise, rooms."""
import dataclasses
import time

import numpy as np

import corpus
import engines
import twins
import variants


@dataclasses.dataclass
class Material:
    """`stores` are copies of the same clips: the first is the plain one, the others are its variants."""
    clips: list
    stores: list
    noise: corpus.Store
    rooms: list


def _train_clips(config, folder):
    skipped = set(config["data"]["skip_licences"])
    return [c for c in corpus.read_index(folder, "train") if c.licence not in skipped]


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


def material(config, folder, cache, vocoders=None, log=print):
    """The material of one configuration; what the cache already holds is not made again."""
    rate, seed, started = config["input"]["sample_rate_hz"], config["training"]["seed"], time.time()
    clips = _train_clips(config, folder)
    real = [c for c in clips if c.label == "bonafide"]
    clips += engines.make(cache, config["data"]["engine_clips"], 1)
    clips += twins.make(cache, vocoders, real, config["data"]["twin_clips"], 1)
    stores = [corpus.store(cache, "train", clips, rate)]
    log(f"prepare: {len(clips)} clips after {time.time() - started:.0f} s")
    if rate == variants.RATE:
        for name in config["data"]["variants"]:
            made = variants.store(cache, "train", stores[0], name, seed)
            if made is not None:
                stores.append(made)
            log(f"prepare: {name} after {time.time() - started:.0f} s")
    # Sources are left out here and not above, so that another choice of them needs no new variants.
    kept = [i for i, c in enumerate(clips) if c.source not in config["data"]["skip_sources"]]
    clips, stores = [clips[i] for i in kept], [corpus.Subset(s, kept) for s in stores]
    skipped = config["data"]["skip_noise_licences"]
    noise = [c for c in corpus.read_index(folder, "noise") if not any(f"-{word}" in c.licence for word in skipped)]
    return Material(clips, stores, corpus.store(cache, "noise", noise, rate), rooms(folder, rate))


def counts(material):
    """What went into training, for the card."""
    groups = {}
    for clip in material.clips:
        key = (clip.label, "corpus" if clip.kind not in ("engine", "twin") else clip.kind)
        entry = groups.setdefault(key, {"clips": 0, "seconds": 0.0, "systems": set(), "sources": set(), "licences": {}})
        entry["clips"] += 1
        entry["seconds"] += clip.seconds
        entry["systems"].add(clip.system)
        entry["sources"].add(clip.source)
        entry["licences"][clip.licence] = entry["licences"].get(clip.licence, 0) + 1
    return [{"label": label, "from": origin, "clips": e["clips"], "hours": round(e["seconds"] / 3600, 3), "systems": len(e["systems"]),
             "sources": len(e["sources"]), "licences": dict(sorted(e["licences"].items(), key=lambda x: -x[1]))}
            for (label, origin), e in sorted(groups.items())]
