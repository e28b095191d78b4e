"""Training: from draws to weights, with checkpoints that a cut-off run goes on from."""
import copy
import json
import math
import pathlib
import time

import numpy as np
import torch
from torch.nn import functional

import corpus
import dev
import draws
import model


def learning_rate(step, c):
    """A short warm-up, a plateau, and a cosine to nothing over the last half."""
    if step < c["warmup_steps"]:
        return c["learning_rate"] * (step + 1) / c["warmup_steps"]
    half = c["steps"] // 2
    return c["learning_rate"] * (1.0 if step < half else 0.5 + 0.5 * math.cos(math.pi * (step - half) / max(c["steps"] - half, 1)))


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


def mixed(x, y, chance, generator):
    """Mixup over log spectra: a convex pair of windows with a convex pair of labels."""
    target = functional.one_hot(y, 2).float()
    if torch.rand(1, generator=generator).item() >= chance:
        return x, target
    share = 0.5 + 0.5 * torch.rand(len(x), generator=generator)
    other = torch.randperm(len(x), generator=generator)
    a = share.view(-1, 1, 1)
    return a * x + (1 - a) * x[other], share.view(-1, 1) * target + (1 - share.view(-1, 1)) * target[other]


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


def train(config, material, out, corpus_folder, cache, threads=1, workers=1, stop_after=None, log=print):
    """Trains to the end of the schedule (or for `stop_after` seconds) and gives the averaged network."""
    c, out = config["training"], pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(threads)
    torch.manual_seed(c["seed"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    features = draws.feature_extractors(config)
    columns = features[config["input"]["window_samples"]].shape[1]
    net = model.build(config, columns).to(device, memory_format=torch.channels_last)
    average = Average(net, c["ema"])
    decayed = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": c["weight_decay"]}, {"params": others, "weight_decay": 0.0}],
                                  lr=c["learning_rate"])
    first, spent, checkpoint = 0, 0.0, out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=False)
        net.load_state_dict(state["net"])
        average.net.load_state_dict(state["average"])
        average.seen, first, spent = state["seen"], state["step"], state["spent"]
        optimiser.load_state_dict(state["optimiser"])
    log(f"train: {model.parameters(net)} parameters, {columns} columns, from step {first} of {c['steps']} on {device.type}")
    if first >= c["steps"]:
        return average.net, spent
    check = dev.Monitor(config, corpus_folder, cache, features[config["input"]["window_samples"]]) if c["check_every"] else None
    loader = torch.utils.data.DataLoader(draws.Draws(material, config, features, first), batch_size=None, num_workers=workers,
                                         prefetch_factor=4 if workers else None)
    begun, losses, windows = time.time(), [], 0

    def keep(step):
        save(checkpoint, net=net.state_dict(), average=average.net.state_dict(), seen=average.seen, step=step,
             optimiser=optimiser.state_dict(), spent=spent + time.time() - begun)

    for step, (x, y) in enumerate(loader, first):
        torch.manual_seed(c["seed"] * 1_000_003 + step)          # dropout, the same after a resumption
        generator = torch.Generator().manual_seed(c["seed"] * 1_000_003 + step)
        x, target = mixed(x, y, c["mixup"], generator)
        x, target = mask(x, c, generator).to(device), target.to(device)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, c)
        net.train()
        with torch.autocast(device.type, torch.bfloat16):
            logits = net(x)
        loss = functional.cross_entropy(logits.float(), target, label_smoothing=c["label_smoothing"])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        optimiser.step()
        average.update(net)
        losses.append(loss.item())
        windows += len(x)
        done = step + 1
        if done % 100 == 0:
            rate = (done - first) / (time.time() - begun)
            log(f"step {done}/{c['steps']} loss {np.mean(losses[-100:]):.4f} {windows / (time.time() - begun):.0f} windows/s "
                f"{(c['steps'] - done) / rate / 60:.1f} min left")
        over = stop_after is not None and time.time() - begun > stop_after
        if c["check_every"] and (done % c["check_every"] == 0 or done == c["steps"] or over):
            figures = {"step": done, "loss": float(np.mean(losses[-500:])), **check.figures(average.net.eval())}
            log("dev " + json.dumps(figures))
            with open(out / "progress.jsonl", "a") as f:
                f.write(json.dumps(figures) + "\n")
        if done % 500 == 0 or done == c["steps"] or over:
            keep(done)
        if over:
            break
    return average.net, spent + time.time() - begun
