#!/usr/bin/env python3
"""Trains one vocoder on the real clips of the corpus:

    python models/training/vocoders/train.py vocos --size small --corpus DIR --out DIR

writes OUT/<family>_<size>.pt. A run that was cut off goes on from there with the batches that it would have seen.
"""
import argparse
import collections
import math
import pathlib
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[0] = str(HERE.parent)

import numpy as np
import torch

import corpus
import precision
from vocoders import copy_synthesis, discriminators, generators, losses, material, spectra


def learning_rate(step, t):
    """A short warm-up, a plateau, and a cosine down to a fiftieth over the last 60 %."""
    if step < t["warmup_steps"]:
        return t["learning_rate"] * (step + 1) / t["warmup_steps"]
    plateau = int(0.4 * t["steps"])
    fallen = max(step - plateau, 0) / max(t["steps"] - plateau, 1)
    return t["learning_rate"] * (0.51 + 0.49 * math.cos(math.pi * min(fallen, 1.0)))


class Trainer:
    """A generator with its discriminators and optimisers; `step(n, batch)` is one update, and everything fits in one checkpoint."""

    def __init__(self, family, settings, training, opponents, seed):
        self.about = {"family": family, "net": settings, "analysis": spectra.ANALYSIS}
        self.training, self.seed = training, seed
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(seed)
        self.net = generators.build(family, settings).to(self.device)
        self.diffusion = hasattr(self.net, "training_loss")
        self.optimiser = torch.optim.AdamW(self.net.parameters(), betas=(0.8, 0.99), weight_decay=0.01, fused=True)
        self.opponents = self.second = None
        self.adversarial_from = int(training["adversarial_from"] * training["steps"])
        if training["adversarial_from"] < 1 and not self.diffusion:
            self.opponents = discriminators.build(opponents).to(self.device)
            self.second = torch.optim.AdamW(self.opponents.parameters(), betas=(0.8, 0.99), weight_decay=0.01, fused=True)

    def step(self, n, batch):
        """Gives the figures of this step by name. Random numbers depend on seed and step alone."""
        torch.manual_seed(self.seed * 1_000_003 + n)
        rate = learning_rate(n, self.training)
        for optimiser in filter(None, (self.optimiser, self.second)):
            for group in optimiser.param_groups:
                group["lr"] = rate
        real = torch.from_numpy(batch).to(self.device)
        mel = spectra.log_mel(real)
        with precision.autocast(self.device):
            if self.diffusion:
                loss = self.net.training_loss(mel, real)
                figures = {"loss": loss.item()}
            else:
                fake = self.net(mel)
        if not self.diffusion:
            loss, distance = losses.reconstruction(fake, real)
            figures = {"loss": loss.item(), "mel": distance.item()}
            if self.opponents is not None and n >= self.adversarial_from:
                loss, more = self._against(fake, real, loss)
                figures |= more
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        return figures

    def _against(self, fake, real, reconstruction):
        with precision.autocast(self.device):
            loss = losses.discriminator(self.opponents(real), self.opponents(fake.detach()))
        self.second.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.opponents.parameters(), 5.0)
        self.second.step()
        discriminators.frozen(self.opponents, True)
        with precision.autocast(self.device):
            adversarial = losses.adversarial(self.opponents(real), self.opponents(fake))
        discriminators.frozen(self.opponents, False)
        return losses.MEL_WEIGHT * reconstruction + adversarial, {"discriminator": loss.item(), "adversarial": adversarial.item()}

    def _parts(self):
        parts = {"weights": self.net, "optimiser": self.optimiser, "opponents": self.opponents, "second": self.second}
        return {name: part for name, part in parts.items() if part is not None}

    def save(self, path, step, spent):
        """Under another name first: a run that was cut off leaves no half checkpoint behind."""
        part = path.with_suffix(".part")
        torch.save(self.about | {"step": step, "spent": spent, "seed": self.seed} | {k: v.state_dict() for k, v in self._parts().items()}, part)
        part.rename(path)

    def resume(self, path):
        """Takes up a checkpoint of the same network; gives its step and the seconds spent so far."""
        state = copy_synthesis.read_checkpoint(path)
        if any(state[k] != v for k, v in self.about.items()) or state.get("seed") != self.seed:
            raise SystemExit(f"{path} was trained with another configuration or seed; move it away, or name another --out")
        for name, part in self._parts().items():
            if name not in state:
                raise SystemExit(f"{path} has no '{name}' to go on from")
            part.load_state_dict(state[name])
        return state["step"], state["spent"]


def train(trainer, batches, path, stop_after=None, save_every=250, log=print):
    """To the last step, or for `stop_after` seconds. Gives the seconds spent in all."""
    first, before = trainer.resume(path) if path.exists() else (0, 0.0)
    steps, begun, seen = trainer.training["steps"], time.time(), collections.deque(maxlen=50)
    log(f"{trainer.about['family']}: {sum(p.numel() for p in trainer.net.parameters())} parameters, from step {first} of {steps} on {trainer.device.type}")
    for step in range(first, steps):
        seen.append(trainer.step(step, batches(step)))
        done, spent = step + 1, time.time() - begun
        over = done == steps or (stop_after is not None and spent > stop_after)
        if done % 50 == 0 or over:
            rate = (done - first) / spent
            means = {k: np.mean([s[k] for s in seen if k in s]) for k in seen[-1]}
            log(f"step {done}/{steps} " + " ".join(f"{k} {v:.3f}" for k, v in means.items()) + f" {rate:.2f} steps/s {(steps - done) / rate / 60:.1f} min left")
        if done % save_every == 0 or over:
            trainer.save(path, done, before + spent)
        if over:
            break
    return before + time.time() - begun


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("family", choices=list(generators.FAMILIES))
    p.add_argument("--size", choices=["small", "full"], default="small")
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True)
    p.add_argument("--steps", type=int, help="the length of the schedule (default: the configuration's)")
    p.add_argument("--stop-after", type=float, help="stop after so many seconds; the next run goes on")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    config = tomllib.loads((HERE / "vocoders.toml").read_text())
    chosen = config[a.family][a.size]
    if a.steps:
        chosen["training"]["steps"] = a.steps
    a.out.mkdir(parents=True, exist_ok=True)
    clips = material.trainable(a.corpus, config["data"])
    waveforms = corpus.store(a.out / "cache", "vocoder_clips", clips, spectra.RATE)
    trainer = Trainer(a.family, chosen["net"], chosen["training"], config["discriminators"][a.size], a.seed)
    batches = material.Segments(clips, waveforms, config["data"], chosen["training"], a.seed)
    spent = train(trainer, batches, a.out / f"{a.family}_{a.size}.pt", a.stop_after, log=lambda text: print(text, flush=True))
    print(f"{len(clips)} clips, {spent / 60:.1f} minutes of training in all")


if __name__ == "__main__":
    main()
