"""The vocoders on a toy signal: shapes, learning, resuming, and checkpoints that are not what they should be."""
import pathlib
import subprocess
import sys
import tomllib

import numpy as np
import pytest
import torch

from vocoders import copy_synthesis, discriminators, generators, losses, material, spectra, train

TRAINING = {"steps": 40, "batch": 4, "segment_samples": 4096, "learning_rate": 3e-3, "warmup_steps": 2, "adversarial_from": 1.0}
NETS = {
    "vocos": {"width": 32, "inner": 64, "layers": 2},
    "hifigan": {"channels": 32, "strides": [8, 8, 4], "kernels": [3], "dilations": [1, 3], "pairs": True},
    "bigvgan": {"channels": 16, "strides": [8, 8, 4], "kernels": [3], "dilations": [1], "pairs": False},
    "diffwave": {"width": 16, "layers": 4, "cycle": 4},
}
OPPONENTS = {"periods": [2, 5], "period_widths": [4, 8], "resolutions": [512, 256], "resolution_widths": [4, 8]}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def toy(step, samples=4096, batch=4):
    """A voice of three harmonics at some pitch."""
    rng = np.random.default_rng([3, step])
    t = np.arange(samples) / spectra.RATE
    return np.stack([sum(0.2 / h * np.sin(2 * np.pi * f * h * t) for h in (1, 2, 3)) for f in rng.uniform(100, 300, batch)]).astype(np.float32)


def trainer(family, seed=1, **changes):
    return train.Trainer(family, NETS[family], TRAINING | changes, OPPONENTS, seed)


def quiet(_text):
    pass


def test_the_filters_are_those_of_librosa():
    librosa = pytest.importorskip("librosa")
    ours, theirs = spectra.mel_filters(1024, 80).numpy(), librosa.filters.mel(sr=16000, n_fft=1024, n_mels=80)
    assert np.abs(ours - theirs).max() < 1e-6


@pytest.mark.parametrize("family", NETS)
def test_a_frame_gives_a_hop(family):
    net = generators.build(family, NETS[family])
    for frames in (4, 9):
        assert net(torch.zeros(2, spectra.BANDS, frames)).shape == (2, frames * spectra.HOP)
    assert spectra.log_mel(torch.zeros(2, 9 * spectra.HOP)).shape == (2, spectra.BANDS, 9)


def test_the_configured_networks_can_be_laid_out():
    config = tomllib.loads((train.HERE / "vocoders.toml").read_text())
    with torch.device("meta"):
        for family in generators.FAMILIES:
            for size in ("small", "full"):
                assert config[family][size]["training"].keys() == TRAINING.keys()
                assert sum(p.numel() for p in generators.build(family, config[family][size]["net"]).parameters()) > 50_000
        for size in ("small", "full"):
            discriminators.build(config["discriminators"][size])


def test_overlap_add_gives_back_what_was_cut_into_frames():
    x = torch.randn(1, 20 * spectra.HOP)
    side = (spectra.N_FFT - spectra.HOP) // 2
    frames = torch.nn.functional.pad(x, (side, side)).unfold(1, spectra.N_FFT, spectra.HOP) * spectra.hann(spectra.N_FFT)
    assert torch.allclose(generators.overlap_add(frames)[:, 256:-256], x[:, 256:-256], atol=1e-4)


def test_the_half_band_filters_neither_shift_nor_scale():
    low = torch.sin(torch.arange(400) * 0.2).view(1, 1, -1)
    snake = generators.Snake(1)
    snake.log_a.data.fill_(-12.0)          # sin^2(ax) / a is nothing, so only up and down are left
    assert (snake(low) - low)[..., 20:-20].abs().max() < 0.02


@pytest.mark.parametrize("family", NETS)
def test_a_few_steps_reduce_the_loss(family):
    t = trainer(family, steps=100 if family == "diffwave" else 40)
    seen = [t.step(k, toy(k, 2048))["loss"] for k in range(t.training["steps"])]
    assert np.mean(seen[-5:]) < 0.8 * np.mean(seen[:5])


def test_the_discriminators_learn_and_the_generator_hears_of_it():
    t = trainer("vocos", adversarial_from=0.5)
    seen = [t.step(k, toy(k)) for k in range(TRAINING["steps"])]
    assert "discriminator" not in seen[19] and seen[-1]["discriminator"] < seen[20]["discriminator"]
    assert all(p.requires_grad for p in t.opponents.parameters())


def test_a_discriminator_that_tells_all_apart_costs_nothing_and_its_generator_everything():
    ones, zeros = [(torch.ones(2, 3), [])], [(torch.zeros(2, 3), [])]
    assert losses.discriminator(ones, zeros) == 0 and losses.adversarial(ones, zeros) == 1 and losses.adversarial(ones, ones) == 0


@pytest.mark.parametrize("family", ["vocos", "diffwave"])
def test_a_resumed_run_equals_an_uninterrupted_one(family, tmp_path):
    changes = {"steps": 6, "adversarial_from": 0.3}
    whole = trainer(family, **changes)
    train.train(whole, toy, tmp_path / "whole.pt", log=quiet)
    train.train(trainer(family, **changes), toy, tmp_path / "cut.pt", stop_after=0, log=quiet)
    assert copy_synthesis.read_checkpoint(tmp_path / "cut.pt")["step"] == 1
    resumed = trainer(family, **changes)
    train.train(resumed, toy, tmp_path / "cut.pt", log=quiet)
    for (name, a), b in zip(whole.net.state_dict().items(), resumed.net.state_dict().values()):
        assert torch.equal(a, b), name
    assert not list(tmp_path.glob("*.part"))


def test_a_checkpoint_of_another_network_is_not_gone_on_from(tmp_path):
    trainer("vocos").save(tmp_path / "a.pt", 3, 1.0)
    with pytest.raises(SystemExit, match="another configuration"):
        trainer("hifigan").resume(tmp_path / "a.pt")
    with pytest.raises(SystemExit, match="seed"):
        trainer("vocos", seed=2).resume(tmp_path / "a.pt")


@pytest.mark.parametrize("family", NETS)
@pytest.mark.parametrize("count", [100, 16000, 16001])
def test_a_twin_has_the_length_of_its_clip_and_is_the_same_each_time(family, count, tmp_path):
    trainer(family).save(tmp_path / "v.pt", 0, 0.0)
    x = 0.1 * toy(1, count, 1)[0]
    state = torch.get_rng_state()
    y = copy_synthesis.vocode(tmp_path / "v.pt", x)
    assert y.shape == x.shape and np.isfinite(y).all() and np.array_equal(y, copy_synthesis.vocode(tmp_path / "v.pt", x))
    assert torch.equal(state, torch.get_rng_state())


def test_bad_samples_are_refused(tmp_path):
    trainer("vocos").save(tmp_path / "v.pt", 0, 0.0)
    for bad in (np.zeros(0), np.zeros((2, 100)), np.array([0.0, np.nan])):
        with pytest.raises(ValueError, match="finite mono"):
            copy_synthesis.vocode(tmp_path / "v.pt", bad)


class Bomb:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("bomb"),)


def test_missing_damaged_and_hostile_checkpoints_say_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def refused(name, match):
        with pytest.raises(copy_synthesis.CheckpointError, match=match):
            copy_synthesis.vocode(tmp_path / name, np.zeros(2000, np.float32))

    refused("none.pt", "no such checkpoint")
    good = tmp_path / "good.pt"
    trainer("vocos").save(good, 0, 0.0)
    (tmp_path / "cut.pt").write_bytes(good.read_bytes()[:1000])
    refused("cut.pt", "not a checkpoint")
    torch.save({"family": Bomb()}, tmp_path / "bomb.pt")
    refused("bomb.pt", "not a checkpoint")
    assert not (tmp_path / "bomb").exists()
    torch.save([1, 2], tmp_path / "list.pt")
    refused("list.pt", "expected to have")
    state = torch.load(good, weights_only=True)
    changes = {"family": "other", "net": {"width": 1 << 20, "inner": 1 << 20, "layers": 2}, "weights": {}}
    for key, value in changes.items():
        torch.save(state | {key: value}, tmp_path / f"{key}.pt")
        refused(f"{key}.pt", "do not fit")
    torch.save(state | {"analysis": {"rate": 8000}}, tmp_path / "rate.pt")
    refused("rate.pt", "8000")


def test_importing_copy_synthesis_loads_no_torch():
    code = "import sys; from vocoders import copy_synthesis; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=train.HERE.parent, check=True)


def index(folder, rows):
    import soundfile
    (folder / "train").mkdir(parents=True)
    columns = ["file", "split", "label", "system", "kind", "source", "licence", "speaker", "language", "seconds"]
    lines = ["\t".join(columns)]
    for k, (label, source, licence) in enumerate(rows):
        soundfile.write(folder / f"train/{k}.flac", toy(k, 8000, 1)[0], 16000)
        lines.append("\t".join([f"train/{k}.flac", "train", label, "human", "human", source, licence, "", "en", "0.5"]))
    (folder / "index.tsv").write_text("\n".join(lines) + "\n")


def test_only_real_clips_with_a_licence_are_learnt_from(tmp_path):
    index(tmp_path, [("bonafide", "a", "MIT"), ("spoof", "a", "MIT"), ("bonafide", "a", "none"), ("bonafide", "b", "none (speeches)"),
                     ("bonafide", "c", "MIT"), ("bonafide", "a", "MIT")])
    clips = material.trainable(tmp_path, {"skip_licences": ["none"], "skip_sources": ["c"]})
    assert [pathlib.Path(c.path).name for c in clips] == ["0.flac", "5.flac"]
    segments = material.Segments(clips, [toy(1, 100, 1)[0], toy(2, 9000, 1)[0]], {"power": 0.5}, TRAINING, 1)
    assert segments(4).shape == (4, 4096) and np.array_equal(segments(4), segments(4)) and not np.array_equal(segments(4), segments(5))


def test_twins_are_spread_over_sources_and_named_after_their_clips(tmp_path):
    import soundfile
    index(tmp_path / "corpus", [("bonafide", s, "MIT") for s in "aaaabc"])
    clips = material.trainable(tmp_path / "corpus", {"skip_licences": [], "skip_sources": []})
    chosen = material.spread(clips, 4, 1)
    assert sorted(c.source for c in chosen) == ["a", "a", "b", "c"] and chosen == material.spread(clips, 4, 1)
    trainer("vocos").save(tmp_path / "v.pt", 0, 0.0)
    copy_synthesis.write(tmp_path / "v.pt", [(c.path, f"train/{pathlib.Path(c.path).name}") for c in chosen], tmp_path / "out", 0.25, 1)
    rows = [line.split("\t") for line in (tmp_path / "out/index.tsv").read_text().splitlines()[1:]]
    assert len(rows) == 4 and all(made_from == f"train/{file}" for file, made_from in rows)
    x, rate = soundfile.read(tmp_path / "out" / rows[0][0])
    assert rate == 16000 and len(x) == 4000 and abs(np.abs(x).max() - 0.9) < 1e-3
    distances, factor = copy_synthesis.measure(tmp_path / "v.pt", chosen)
    assert len(distances) == 4 and factor > 0
