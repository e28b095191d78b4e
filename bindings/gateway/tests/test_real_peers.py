"""Peers from Debian's packages, whole: sipp, baresip, Kamailio, rtpengine. (A real Asterisk is not in Debian 12: `real_asterisk.py`.)"""

import os
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import pytest

HERE = pathlib.Path(__file__).parent
PROGRAMS = ["sipp", "baresip", "rtpengine", "/usr/sbin/kamailio", "sox"]


def test_calls_that_rtpengine_copies_are_heard():
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"needs Debian's sip-tester, baresip-core, rtpengine-daemon, kamailio and sox: {', '.join(missing)}")
    assert not missing
    done = subprocess.run([sys.executable, HERE / "real_rtpengine.py"], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0 and done.stdout.count("ok ") == 4, done.stdout + done.stderr


def test_what_the_examples_give_other_peers_is_well_formed():
    examples = HERE.parents[2] / "examples"
    actions = xml.etree.ElementTree.parse(examples / "freeswitch/veravox.xml").iter("action")
    started = [action.get("data") for action in actions if "/v1/media/fork" in action.get("data", "")]
    assert len(started) == 2 and "&channels=2 stereo" in started[1]
    stream = xml.etree.ElementTree.parse(examples / "twilio/watch.xml").getroot().find("Start/Stream")
    assert stream.get("url").endswith("/v1/media/twilio") and stream.get("track") == "both_tracks"
