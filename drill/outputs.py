"""Outputs that must not be lost, and files that must not be passed over."""

import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import time

from case import COMMAND, ENVIRONMENT, Case, veravox


def all_cases(folder, call):
    """Each case has a folder of its own, with one recording in it."""

    def case(group, name, expected, outcome):
        def run():
            here = folder / name.replace(" ", "-").replace("/", "-").replace(",", "")
            here.mkdir()
            shutil.copy(call, here / "call.wav")
            return outcome(here)

        return Case(group, name, expected, run)

    kept = "nothing is destroyed"
    yield case(kept, "an output that is a link", "the link stays", _link)
    yield case(kept, "an output that is a device", "the device stays", _device)
    yield case(kept, "an output that is a pipe", "the pipe has the results", _pipe)
    yield case(kept, "an output that is an input", "refused, the recording stays", lambda here: _refused(here, "call.wav", "call.wav"))
    yield case(kept, "an output that is another recording", "refused, the recording stays", _another)
    yield case(kept, "an output that is a folder", "refused at once", _folder)
    yield case(kept, "an output that may not be written", "refused, the file stays", _read_only)
    yield case(kept, "the mode of a new output", "that of the umask", _mode)
    yield case(kept, "SIGINT while a table is made", "no file is left, and it says so", lambda here: _signal(here, signal.SIGINT))
    yield case(kept, "SIGTERM while a table is made", "no file is left, and it says so", lambda here: _signal(here, signal.SIGTERM))
    yield case(kept, "two programs with one output", "the second is refused", _two)
    yield case(kept, "a full disk", "whole lines stay, the file is named", _full)
    resumed = "going on"
    yield case(resumed, "a file that is not its own", "refused, the file stays", _not_own)
    yield case(resumed, "two names in Latin-1", "both are scanned", _latin)
    yield case(resumed, "the same file by another name of it", "scanned once", _other_name)
    yield case(resumed, "a failure that is mended", "tried again", _mended)
    yield case(resumed, "the exit status", "of all results", _status)
    seen = "nothing is passed over"
    yield case(seen, "call recordings that are not read", "a line each, exit 1", _calls)
    yield case(seen, "raw audio beside files with headers", "each as what it is", _mixed)
    yield case(seen, "standard input", "scanned", _stdin)
    clean = "clean output"
    yield case(clean, "control characters in a name", "escaped on screen, exact in JSON", _control)
    yield case(clean, "SIGTERM during a live call", "a verdict at the end", _live_term)


def _scan(here, *arguments):
    return veravox("scan", "-q", *arguments, cwd=here)


def _link(here):
    (here / "real.csv").write_text("old")
    (here / "link.csv").symlink_to("real.csv")
    _scan(here, "--csv", "-o", "link.csv", "call.wav")
    good = (here / "link.csv").is_symlink() and (here / "real.csv").read_text().startswith("path,")
    return "the link stays" if good else "the link is gone"


def _device(here):
    done = _scan(here, "--csv", "-o", "/dev/null", "call.wav")
    return "the device stays" if stat.S_ISCHR(os.stat("/dev/null").st_mode) and done.returncode == 0 else "the device is gone"


def _pipe(here):
    os.mkfifo(here / "p")
    reader = subprocess.Popen(["cat", here / "p"], stdout=subprocess.PIPE)
    _scan(here, "--csv", "-o", "p", "call.wav")
    got = reader.communicate(timeout=30)[0]
    good = got.startswith(b"path,") and stat.S_ISFIFO((here / "p").stat().st_mode)
    return "the pipe has the results" if good else "the pipe is gone"


def _refused(here, output, *inputs):
    before = (here / output).read_bytes()
    done = _scan(here, "--json", "-o", output, *inputs)
    same = (here / output).read_bytes() == before
    return "refused, the recording stays" if done.returncode == 2 and same else f"exit {done.returncode}, same bytes: {same}"


def _another(here):
    shutil.copy(here / "call.wav", here / "a.wav")
    return _refused(here, "a.wav", "call.wav")


def _folder(here):
    (here / "out").mkdir()
    done = _scan(here, "--csv", "-o", "out", "call.wav")
    return "refused at once" if done.returncode == 2 and b"is a folder" in done.stderr else done.stderr.decode()


def _read_only(here):
    if os.geteuid() == 0:
        # Root may write everything; a folder in the place of the part is refused to root as well.
        (here / ".r.csv.veravox-part").mkdir()
        (here / "r.csv").write_text("old")
    else:
        (here / "r.csv").write_text("old")
        (here / "r.csv").chmod(0o444)
    done = _scan(here, "--csv", "-o", "r.csv", "call.wav")
    return "refused, the file stays" if done.returncode == 2 and (here / "r.csv").read_text() == "old" else f"exit {done.returncode}"


def _mode(here):
    old = os.umask(0o022)
    try:
        for form in ("csv", "json", "jsonl"):
            _scan(here, f"--{form}", "-o", f"r.{form}", "call.wav")
    finally:
        os.umask(old)
    modes = {oct((here / f"r.{form}").stat().st_mode & 0o777) for form in ("csv", "json", "jsonl")}
    return "that of the umask" if modes == {"0o644"} else str(modes)


def _many(here, n=400):
    (here / "calls").mkdir()
    for k in range(n):
        os.link(here / "call.wav", here / "calls" / f"{k:04}.wav")


def _signal(here, which):
    _many(here)
    process = subprocess.Popen(
        [COMMAND, "scan", "-q", "--csv", "-o", "r.csv", "calls"], cwd=here, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    while process.poll() is None and not (here / ".r.csv.veravox-part").exists():
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(which)
    words = process.communicate(timeout=60)[1]
    left = sorted(p.name for p in here.iterdir() if "r.csv" in p.name)
    good = process.returncode == 130 and not left and "was not written" in words
    return "no file is left, and it says so" if good else f"exit {process.returncode}, left {left}: {words}"


def _two(here):
    _many(here)
    first = subprocess.Popen([COMMAND, "scan", "-q", "--jsonl", "-o", "r.jsonl", "calls"], cwd=here, env=ENVIRONMENT)
    while first.poll() is None and not (here / "r.jsonl").exists():
        time.sleep(0.02)
    second = _scan(here, "--jsonl", "-o", "r.jsonl", "--resume", "calls")
    first.send_signal(signal.SIGINT)
    first.wait(timeout=60)
    return "the second is refused" if second.returncode == 2 and b"another veravox" in second.stderr else second.stderr.decode()


def _full(here):
    """A limit on the size of files stands for the disk."""
    _many(here, 40)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [COMMAND, "scan", "-q", "--jsonl", "-o", "r.jsonl", "calls"], cwd=here, capture_output=True, preexec_fn=limit, env=ENVIRONMENT
    )
    lines = (here / "r.jsonl").read_text().splitlines(keepends=True)
    whole = bool(lines) and all(line.endswith("\n") and json.loads(line) for line in lines)
    good = whole and b"r.jsonl" in done.stderr and done.returncode == 1
    return "whole lines stay, the file is named" if good else f"exit {done.returncode}: {done.stderr.decode()}"


def _not_own(here):
    for text in ('{"settings":"one line"}', '{\n  "settings": 1\n}\n', "path,leg\n", "\xff\n"):
        (here / "s.json").write_text(text, encoding="latin-1")
        done = _scan(here, "--jsonl", "-o", "s.json", "--resume", "call.wav")
        if done.returncode != 2 or (here / "s.json").read_text(encoding="latin-1") != text:
            return f"exit {done.returncode} for {text!r}"
    return "refused, the file stays"


def _latin(here):
    calls = here / "calls"
    calls.mkdir()
    for name in (b"M\xfcller.wav", b"M\xf6ller.wav"):
        shutil.copy(here / "call.wav", os.fsencode(calls) + b"/" + name)
    _scan(here, "--jsonl", "-o", "all.jsonl", "calls")
    lines = (here / "all.jsonl").read_text().splitlines(keepends=True)
    (here / "half.jsonl").write_text(lines[0])
    _scan(here, "--jsonl", "-o", "half.jsonl", "--resume", "calls")
    same = (here / "half.jsonl").read_text() == (here / "all.jsonl").read_text()
    return "both are scanned" if same and len(lines) == 2 else "one is lost"


def _other_name(here):
    _scan(here, "--jsonl", "-o", "r.jsonl", "call.wav")
    for name in ("./call.wav", str(here / "call.wav")):
        _scan(here, "--jsonl", "-o", "r.jsonl", "--resume", name)
    n = len((here / "r.jsonl").read_text().splitlines())
    return "scanned once" if n == 1 else f"{n} lines"


def _mended(here):
    (here / "late.wav").write_bytes(b"")
    first = _scan(here, "--jsonl", "-o", "r.jsonl", "call.wav", "late.wav")
    shutil.copy(here / "call.wav", here / "late.wav")
    second = _scan(here, "--jsonl", "-o", "r.jsonl", "--resume", "call.wav", "late.wav")
    lines = [json.loads(line) for line in (here / "r.jsonl").read_text().splitlines()]
    good = (first.returncode, second.returncode) == (1, 0) and len(lines) == 2 and not any("error" in line for line in lines)
    return "tried again" if good else f"exits {first.returncode}, {second.returncode}, {len(lines)} lines"


def _status(here):
    (here / "bad.wav").write_bytes(b"")
    always = ["--synthetic-llr", "-90", "--bonafide-llr", "-91", "--fail-on-synthetic", "--jsonl", "-o", "r.jsonl"]
    codes = [_scan(here, *always, "call.wav").returncode, _scan(here, *always, "--resume", "call.wav").returncode]
    codes.append(_scan(here, *always[:4], "--jsonl", "-o", "b.jsonl", "bad.wav").returncode)
    codes.append(_scan(here, *always[:4], "--jsonl", "-o", "b.jsonl", "--resume", "--retry-failed", "false", "bad.wav").returncode)
    return "of all results" if codes == [3, 3, 1, 1] else str(codes)


def _calls(here):
    names = ["a.gsm", "b.opus", "c.amr", "d.au", "e.ulaw", "f.3gp", "g.w64", "h.g722", "i.vox", "j.wma"]
    for name in names:
        (here / name).write_bytes(b"\x12\x34" * 300)
    done = veravox("scan", "-q", "--jsonl", here)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = {line["path"].split("/")[-1]: line.get("error", {}).get("kind") for line in lines}
    # Read by their names, those without a header are audio, or frames that are none.
    read = {"call.wav": None, "e.ulaw": None, "h.g722": None, "i.vox": None, "a.gsm": "corrupt_audio"}
    good = done.returncode == 1 and kinds == {name: read.get(name, "unsupported_audio") for name in ["call.wav", *names]}
    return "a line each, exit 1" if good else str(kinds)


def _mixed(here):
    data = (here / "call.wav").read_bytes()
    (here / "leg.ul").write_bytes(data[44:])
    lines = [json.loads(line) for line in veravox("scan", "-q", "--jsonl", "--raw", "mulaw", here).stdout.splitlines()]
    containers = {line["path"].split("/")[-1]: line["audio"]["container"] for line in lines}
    return "each as what it is" if containers == {"call.wav": "wave", "leg.ul": "raw"} else str(containers)


def _stdin(here):
    done = veravox("scan", "-q", "--json", "-", stdin=(here / "call.wav").read_bytes())
    return "scanned" if done.returncode == 0 and json.loads(done.stdout)[0]["legs"] else done.stderr.decode()


def _control(here):
    name = "a\x1b[31m\n.wav"
    shutil.copy(here / "call.wav", here / name)
    (here / "b\x07.wav").write_bytes(b"")
    done = veravox("scan", ".", cwd=here)
    screen = done.stdout + done.stderr
    exact = {line["path"] for line in map(json.loads, veravox("scan", "-q", "--jsonl", ".", cwd=here).stdout.splitlines())}
    good = b"\x1b" not in screen and b"\x07" not in screen and f"./{name}" in exact
    return "escaped on screen, exact in JSON" if good else repr(screen)[:300]


def _live_term(here):
    process = subprocess.Popen(
        [COMMAND, "live", "--json", "call.wav"], cwd=here, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=30)[0]
    last = json.loads((first + rest).splitlines()[-1])
    return "a verdict at the end" if last["event"] == "ended" else str(last)
