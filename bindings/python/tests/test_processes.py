"""Forks, other processes, and the command."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import veravox

CALL = "testdata/calls/03-bank-card.alaw.wav"


def _decision(detector):
    return (detector or veravox).scan(CALL).legs[0].decision


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_processes_scan(method):
    detector = veravox.Detector("phone")
    expected = _decision(detector)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(_decision, [detector, detector]).get(timeout=60) == [expected] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_in_the_middle_of_scans_scans():
    detector, over = veravox.Detector(), threading.Event()

    def scan_on():
        while not over.is_set():
            detector.scan(CALL)

    threads = [threading.Thread(target=scan_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        context = multiprocessing.get_context("fork")
        for _ in range(8):
            child = context.Process(target=lambda: sys.exit(_decision(detector) != "synthetic"))
            child.start()
            child.join(timeout=30)
            assert child.exitcode == 0, "the child hangs or failed"
    finally:
        over.set()
        for thread in threads:
            thread.join()


def run(*arguments, **options):
    command = [sys.executable, "-m", "veravox", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


def test_the_module_is_the_command(tmp_path):
    done = run("scan", "--jsonl", CALL, "testdata/bad/text.wav")
    good, bad = map(veravox.FileResult.from_json, done.stdout.splitlines())
    assert done.returncode == 1 and good.report == veravox.scan(CALL) and bad.error.kind == "unsupported_audio"
    assert run("--help").stdout.splitlines()[2] == "Usage: veravox [OPTIONS] <COMMAND>"
    assert run("--version").stdout == f"veravox {veravox.__version__}\n"
    wrong = run("scan")
    assert wrong.returncode == 2 and wrong.stdout == "" and "Usage: veravox scan" in wrong.stderr
    assert run("scan", str(tmp_path)).returncode == 2


def test_the_command_uses_the_runtime_of_the_package_unless_told_otherwise():
    assert json.loads(run("doctor", "--json").stdout)["runtime"]["name"] == "onnxruntime"
    assert json.loads(run("--runtime", "builtin", "doctor", "--json").stdout)["runtime"]["name"] == "rten"


def test_the_command_measures_itself_by_starting_python_again():
    done = run("bench", "--minutes", "1", "--json", CALL)
    assert done.returncode == 0, done.stderr
    assert [figures["runtime"].split()[0] for figures in json.loads(done.stdout)] == ["rten", "onnxruntime"]


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise")
def test_ctrl_c_ends_the_command_in_order(tmp_path):
    for n in range(3_000):
        os.link(CALL, tmp_path / f"{n}.wav")
    program = [sys.executable, "-m", "veravox", "scan", "--jsonl", "-o", str(tmp_path / "out.jsonl"), str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "out.jsonl").exists() or (tmp_path / "out.jsonl").stat().st_size == 0:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "go on with --resume" in err
    lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert 0 < len(lines) < 3_000 and all(json.loads(line)["legs"] for line in lines)


def test_importing_loads_nothing_that_is_slow_or_talks():
    code = "import sys, veravox; print([m for m in ('pandas', 'polars', 'matplotlib', 'onnxruntime', 'tqdm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")



def test_providers_and_the_size_limit_hold_for_the_process():
    code = f"""
import logging, pickle, veravox
logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
for wrong in ("cuda", ["gpu"]):
    try:
        veravox.Detector(providers=wrong)
    except veravox.InvalidArgumentError as error:
        print(error)
detector = veravox.Detector("phone", providers=["cuda"], max_model_bytes=1 << 30)
print(detector)
print(pickle.loads(pickle.dumps(detector)).scan({CALL!r}).legs[0].decision, veravox.scan({CALL!r}).legs[0].decision)
try:
    veravox.Detector(providers=["xnnpack"])
except veravox.InferenceError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    wrong, unknown, shown, decisions, taken = done.stdout.splitlines()
    assert "expected providers in a list" in wrong and "cuda, tensorrt" in unknown, done.stderr
    assert shown == "Detector('phone', providers=['cuda'], max_model_bytes=1073741824)"
    assert len(set(decisions.split())) == 1 and "is already in use by this process" in taken
    # Nobody has the machine for it in a test: the warning says so, and the CPU computes.
    if "cuda" not in veravox.scan(CALL).runtime:
        assert "WARNING veravox cuda does not load, the CPU computes" in done.stderr
    code = "import veravox\nveravox.Detector('models/phone', max_model_bytes=1000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "LimitExceededError" in done.stderr and "1000" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="libraries are named otherwise")
def test_a_library_that_does_not_load_leaves_the_built_in_one(tmp_path):
    library = tmp_path / "lib" / "python3.12" / "site-packages" / "onnxruntime" / "capi" / "libonnxruntime.so.1.0.0"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"no library")
    package = str(library.parent.parent)
    code = (
        f"import veravox; from veravox import _core, detector; detector.onnxruntime_package = lambda: {package!r}; "
        f"print(_core.select_runtime({package!r}, [], None), veravox.scan({CALL!r}).runtime)"
    )
    environment = {**os.environ, "VIRTUAL_ENV": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout.startswith("None rten"), done.stderr
