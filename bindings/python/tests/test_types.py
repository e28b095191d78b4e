"""Types: the stubs are the extension's, and the package is typed throughout."""

import pathlib
import subprocess
import sys

import veravox

PACKAGE = pathlib.Path(veravox.__file__).parent


def run(*arguments):
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stubs_are_those_of_the_extension():
    run("mypy.stubtest", "veravox._core", "veravox.metrics")


def test_the_package_is_typed_strictly():
    run("mypy", "--strict", str(PACKAGE))


def test_user_code_is_checked(tmp_path):
    (tmp_path / "user.py").write_text(
        "import numpy as np\nimport veravox\n"
        'leg = veravox.scan("call.wav").legs[0]\n'
        "llr: float | None = leg.llr\n"
        "if leg.decision == 'synthetic' and leg.llr is not None:\n    print(leg.llr + 1, leg.windows[0].start_seconds)\n"
        "for result in veravox.scan_many(['a.wav'], workers=2, progress=True):\n    print(result.path, result.error)\n"
        "veravox.scan(np.zeros((2, 8_000), np.int16), sample_rate=8_000)\n"
        "with veravox.Stream(8_000) as stream:\n"
        "    for event in stream.watch([b'', np.zeros(160, np.int16)]):\n"
        "        if isinstance(event, veravox.Ended):\n            print(event.leg.decision)\n"
        "        elif event.event == 'verdict':\n            print(event.stage, event.llr)\n"
        "async def watch() -> None:\n"
        "    async with veravox.AsyncStream(veravox.Detector().stream(8_000)) as stream:\n"
        "        print([event.to_dict() for event in await stream.push(b'')], stream.leg.segments)\n"
        "turn = veravox.SequentialTest(0.5, 1, -1, correlation=0.5).push(0.5)\n"
        "since: int | None = None if turn is None else turn.since\n"
        "try:\n    pass\nexcept veravox.CorruptAudioError as error:\n    print(error.kind)\n"
    )
    run("mypy", "--strict", str(tmp_path / "user.py"))
