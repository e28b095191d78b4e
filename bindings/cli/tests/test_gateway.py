"""`veravox gateway` hands over to the program `veravox-gateway`."""

import os
import shutil
import subprocess

import pytest
from conftest import COMMAND, environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the gateway runs where signals are those of Unix")


@pytest.fixture
def lone(tmp_path):
    """The command in a folder of its own: no gateway lies beside it."""
    return shutil.copy(COMMAND, tmp_path / "veravox")


def test_a_gateway_that_is_not_there_is_named_with_the_way_to_it(lone):
    done = subprocess.run([lone, "gateway", "--check"], env=environment(PATH=""), capture_output=True, text=True)
    assert done.returncode == 2 and "cargo build --release -p veravox-gateway" in done.stderr, done.stderr


def test_what_is_not_the_commands_own_is_handed_on_and_the_exit_status_comes_back(lone, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "veravox-gateway"
    program.write_text('#!/bin/sh\nprintf "%s|" "$@"\nexit 7\n')
    program.chmod(0o755)
    words = ["gateway", "--calibration", "site.json", "--config", "a file", "--check"]
    done = subprocess.run([lone, *words], env=environment(PATH=f"{folder}:/usr/bin:/bin"), capture_output=True, text=True)
    assert done.returncode == 7, done.stderr
    assert done.stdout == "--calibration|site.json|--config|a file|--check|"


def test_help_says_what_it_is(veravox):
    assert "veravox-gateway --help" in veravox("gateway", "--help").stdout
