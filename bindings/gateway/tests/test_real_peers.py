"""Peers from Debian's packages, whole: sipp, Kamailio, rtpengine. (A real Asterisk is not in Debian 12: `real_asterisk.py`.)"""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
PROGRAMS = ["sipp", "rtpengine", "/usr/sbin/kamailio", "sox"]


def test_calls_that_rtpengine_copies_are_heard():
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"needs Debian's sip-tester, rtpengine-daemon, kamailio and sox: {', '.join(missing)}")
    assert not missing
    done = subprocess.run([sys.executable, HERE / "real_rtpengine.py"], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0 and done.stdout.count("ok ") == 3, done.stdout + done.stderr
