"""Training: from the pool of windows to weights, with checkpoints that a cut-off run goes on from."""
import copy
import json
import math
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional

import dev
import draws
import losses
import model
import precision


def learning_rate(step, c):
    """A short warm-up, a plateau, and a cosine to nothing."""
    if step < c["warmup_steps"]:
        return c["learning_rate"] * (step + 1) / c["warmup_steps"]
    start = int(c["steps"] * c["decay_from"])
    return c["learning_rate"] * (1.0 if step < start else 0.5 + 0.5 * math.cos(math.pi * (step - start) / max(c["steps"] - start, 1)))


def seen(config):
    """The features that a network of this configuration sees: those of `input.features`, or of its parts those that `model.parts` names."""
    features = config["input"]["features"]
    if features["kind"] != "several":
        return features
    parts = [features["parts"][k] for k in config["model"]["parts"]]
    return parts[0] if len(parts) == 1 else {"kind": "several", "parts": parts}


def extractor(config, features, samples):
    """The library's own features of windows of so many samples."""
    import veravox
    return veravox.WindowFeatures({**config["input"], "window_samples": samples, "features": features})


def lengths(config):
    """The lengths of cut that training uses, and that of a window."""
    return sorted({length for length, _ in config["training"]["cuts"]} | {config["input"]["window_samples"]})


def feature_extractors(config):
    """One extractor of what the network sees for each length."""
    return {n: extractor(config, seen(config), n) for n in lengths(config)}


def layout(config, features, samples, chosen=None):
    """(values, [(start, frames, columns) of each of its parts, or of the chosen ones]) of several kinds of features of a window, as `model.OfParts` wants it."""
    places, start = [], 0
    for part in features["parts"]:
        frames, columns = extractor(config, part, samples).shape
        places.append((start, frames, columns))
        start += frames * columns
    return start, [places[k] for k in (range(len(places)) if chosen is None else chosen)]


class Batches(torch.utils.data.Dataset):
    """Item k is the batch of step first + k: (features, category, family). It depends on the seed and the step alone, so that a run
    that was cut off goes on with the same batches."""

    def __init__(self, pool, material, config, features, first=0):
        self.pool, self.config, self.features, self.first = pool, config, features, first
        shares = config["sampling"]["shares"]
        self.categories = [name for name in draws.CATEGORIES if len(pool.members[name]) and shares[name] > 0]
        weights = np.array([shares[name] for name in self.categories], float)
        for label in (0, 1):    # a category that is missing leaves its share to the rest of its class
            own = np.array([draws.SPOOF[name] == label for name in self.categories])
            weights[own] *= sum(share for name, share in shares.items() if draws.SPOOF[name] == label) / weights[own].sum()
        self.weights = weights / weights.sum()
        self.family = np.array([losses.FAMILIES.index(clip.kind) for clip in material.clips])

    def __len__(self):
        return self.config["training"]["steps"] - self.first

    def __getitem__(self, k):
        c = self.config["training"]
        rng = np.random.default_rng([c["seed"], 13, self.first + k])
        lengths, chances = zip(*c["cuts"])
        samples = int(rng.choice(lengths, p=np.array(chances) / sum(chances)))
        size = max(2, c["batch"] * min(lengths) // samples)
        chosen = []
        for name in rng.choice(self.categories, size, p=self.weights):
            members = self.pool.members[name]
            chosen.append(int(members[int(rng.integers(len(members)))]))
        starts = rng.integers(self.pool.waves.shape[1] - samples + 1, size=size)
        waves = np.stack([self.pool.waves[i, start:start + samples] for i, start in zip(chosen, starts)]).astype(np.float32) / 32768
        return (model.inputs(self.features[samples].batch(waves)), torch.from_numpy(self.pool.category[chosen].astype(np.int64)),
                torch.from_numpy(self.family[self.pool.clip[chosen]]))


def mask(x, c, generator):
    """Strips of time and of frequency set to each window's mean, so that no single cue carries the answer."""
    x, mean = x.clone(), x.mean((1, 2), keepdim=True)
    for axis, count, longest in ((1, c["time_masks"], c["time_mask_frames"]), (2, c["frequency_masks"], c["frequency_mask_bins"])):
        size = x.shape[axis]
        place = torch.arange(size).unsqueeze(0)
        for _ in range(count):
            width = torch.randint(0, longest + 1, (len(x), 1), generator=generator)
            start = torch.randint(0, size, (len(x), 1), generator=generator)
            strip = (place >= start) & (place < start + width)
            x = torch.where(strip.unsqueeze(2 if axis == 1 else 1), mean, x)
    return x


def mixed(x, chance, generator):
    """Mixup: (convex pairs of windows, share of the first of each pair, index of the second), or (x, None, None)."""
    if torch.rand(1, generator=generator).item() >= chance:
        return x, None, None
    share = 0.5 + 0.5 * torch.rand(len(x), generator=generator)
    other = torch.randperm(len(x), generator=generator)
    a = share.view(-1, *[1] * (x.dim() - 1))
    return a * x + (1 - a) * x[other], share, other


class Average:
    """Exponential mean of the weights; it generalises better than the last step does."""

    def __init__(self, net, decay):
        self.net, self.decay, self.seen = copy.deepcopy(net).eval(), decay, 0

    def update(self, net):
        self.seen += 1
        decay = min(self.decay, self.seen / (self.seen + 10))
        with torch.no_grad():
            for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values()):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - decay)
                else:
                    mine.copy_(theirs)


def save(path, **state):
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.rename(path)


def network(config):
    """An untrained network of this configuration."""
    features, families = seen(config), len(losses.FAMILIES)
    if features["kind"] != "several":
        return model.build(config, extractor(config, features, config["input"]["window_samples"]).shape[1], families)
    layouts = dict(layout(config, features, n) for n in lengths(config))
    columns = tuple(columns for _, _, columns in next(iter(layouts.values())))
    return model.build(config, columns, families, layouts)


def averaged(config, run):
    """(averaged weights of a run, its step, seconds spent on it)."""
    state = torch.load(pathlib.Path(run) / "checkpoint.pt", map_location="cpu", weights_only=True)
    net = network(config)
    net.load_state_dict(state["average"])
    return net.eval(), state["step"], state["spent"]


class Objective:
    """The loss of one batch: its windows masked and perhaps mixed, against labels and perhaps against teachers."""

    def __init__(self, net, teachers, config, device):
        self.net, self.teachers, self.c, self.device = net, teachers, config["training"], device
        self.shared = config["model"]["twin_weight"] == 0

    def prepare(self, x, category, family, step):
        generator = torch.Generator().manual_seed(self.c["seed"] * 1_000_003 + step)
        self.wanted = None
        if self.teachers:
            with torch.no_grad():
                logits = torch.stack([teacher(x.to(self.device)) for teacher in self.teachers]).mean(0)
                self.wanted = torch.sigmoid(logits[:, 1] - logits[:, 0])
        self.targets = losses.Targets(category.to(self.device), family.to(self.device), self.shared)
        # Chance stays on the CPU, so that a run draws the same on every device.
        x, share, other = mixed(x, self.c["mixup"], generator)
        self.share, self.other = (None, None) if share is None else (share.to(self.device), other.to(self.device))
        self.x = (mask(x, self.c, generator) if x.dim() == 3 else x).to(self.device)

    def __call__(self):
        with precision.autocast(self.device):
            outputs = self.net.outputs(self.x)
        outputs = tuple(o.float() for o in outputs)
        loss = self._of(outputs, None)
        if self.share is not None:
            loss = self.share * loss + (1 - self.share) * self._of(outputs, self.other)
        return loss.mean()

    def _of(self, outputs, order):
        loss = self.targets.loss(outputs, self.c, order)
        if self.wanted is not None:
            wanted = self.wanted if order is None else self.wanted[order]
            taught = functional.binary_cross_entropy_with_logits(self.net.score(*outputs[:2]), wanted, reduction="none")
            loss = (1 - self.c["teacher_weight"]) * loss + self.c["teacher_weight"] * taught
        return loss


def sharpened_step(net, objective, radius):
    """The gradient at the worst point near the weights (Foret et al., ICLR 2021): flat minima generalise. Returns the loss here."""
    loss = objective()
    loss.backward()
    with torch.no_grad():
        gradients = [p.grad.clone() if p.grad is not None else None for p in net.parameters()]
        norm = torch.sqrt(sum((g * g).sum() for g in gradients if g is not None)) + 1e-12
        moves = [None if g is None else g * (radius / norm) for g in gradients]
        for p, move in zip(net.parameters(), moves):
            if move is not None:
                p.add_(move)
    net.zero_grad(set_to_none=True)
    objective().backward()
    with torch.no_grad():
        for p, move in zip(net.parameters(), moves):
            if move is not None:
                p.sub_(move)
    return loss


def train(config, pool, material, out, corpus_folder, threads=1, workers=1, stop_after=None, teachers=(), log=print):
    """Trains to the end of the schedule (or for `stop_after` seconds) and gives (the averaged network, seconds spent)."""
    c, out = config["training"], pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(threads)
    torch.manual_seed(c["seed"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    features = feature_extractors(config)
    net = network(config).to(device, memory_format=torch.channels_last)
    average = Average(net, c["ema"])
    decayed = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": c["weight_decay"]}, {"params": others, "weight_decay": 0.0}],
                                  lr=c["learning_rate"])
    first, spent, checkpoint = 0, 0.0, out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        net.load_state_dict(state["net"])
        average.net.load_state_dict(state["average"])
        average.seen, first, spent = state["seen"], state["step"], state["spent"]
        optimiser.load_state_dict(state["optimiser"])
    log(f"train: {model.parameters(net)} parameters, from step {first} of {c['steps']} on {device.type}")
    if first >= c["steps"]:
        return average.net, spent
    check = dev.Monitor(config, corpus_folder, features[config["input"]["window_samples"]]) if c["check_every"] else None
    loader = torch.utils.data.DataLoader(Batches(pool, material, config, features, first), batch_size=None, num_workers=workers,
                                         prefetch_factor=4 if workers else None)
    objective = Objective(net, [teacher.to(device) for teacher in teachers], config, device)
    begun, sums, windows = time.time(), [], 0

    def keep(step):
        save(checkpoint, net=net.state_dict(), average=average.net.state_dict(), seen=average.seen, step=step,
             optimiser=optimiser.state_dict(), spent=spent + time.time() - begun)

    for step, batch in enumerate(loader, first):
        torch.manual_seed(c["seed"] * 1_000_003 + step)          # dropout, the same after a resumption
        objective.prepare(*batch, step)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, c)
        net.train()
        optimiser.zero_grad(set_to_none=True)
        if c["sharpness"]:
            loss = sharpened_step(net, objective, c["sharpness"])
        else:
            loss = objective()
            loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        optimiser.step()
        average.update(net)
        sums.append(loss.item())
        windows += len(batch[0])
        done = step + 1
        if done % 100 == 0:
            rate = (done - first) / (time.time() - begun)
            log(f"step {done}/{c['steps']} loss {np.mean(sums[-100:]):.4f} {windows / (time.time() - begun):.0f} windows/s "
                f"{(c['steps'] - done) / rate / 60:.1f} min left")
        over = stop_after is not None and time.time() - begun > stop_after
        if done % 500 == 0 or done == c["steps"] or over:
            keep(done)
        if c["check_every"] and (done % c["check_every"] == 0 or done == c["steps"] or over):
            figures = {"step": done, "loss": round(float(np.mean(sums[-500:])), 4), **check.figures(average.net.eval())}
            log("dev " + json.dumps(figures))
            with open(out / "progress.jsonl", "a") as f:
                f.write(json.dumps(figures) + "\n")
        if over:
            break
    return average.net, spent + time.time() - begun


def same_training(run, config):
    """Refuses to go on with a run that was begun with another configuration: its steps may be more or fewer, the rest must be the same."""
    def essence(c):
        return {**c, "training": {k: v for k, v in c["training"].items() if k not in ("steps", "check_every")}}
    begun = run / "config.json"
    if begun.exists() and (run / "checkpoint.pt").exists() and essence(json.loads(begun.read_text())) != essence(json.loads(json.dumps(config))):
        raise SystemExit(f"{run} was begun with another configuration; remove it, or name this run with --run")


def member(config, pool, material, out, corpus_folder, threads, workers, stop_after, log=print):
    """Trains one member of a model in its folder of the cache; returns the seconds spent on it. `training.teachers` are members trained before it."""
    out.mkdir(parents=True, exist_ok=True)
    same_training(out, config)
    for name in config["training"]["teachers"]:
        if seen(json.loads((out.parent / name / "config.json").read_text())) != seen(config):
            raise SystemExit(f"training.teachers: '{name}' sees other features than its pupil")
    taught_by = [averaged(json.loads((out.parent / name / "config.json").read_text()), out.parent / name)[0] for name in config["training"]["teachers"]]
    (out / "config.json").write_text(json.dumps(config, indent=1))
    return train(config, pool, material, out, corpus_folder, threads, workers, stop_after, taught_by, log)[1]
