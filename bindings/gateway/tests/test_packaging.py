"""What an administrator installs: the package, the unit, the container's recipe."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import PROGRAM, ROOT

PACKAGING = ROOT / "bindings/gateway/packaging"
# What docs/how-to/run-the-gateway.md and the page of the unit say; lower is tighter.
EXPOSURE = 1.2


def needs(program):
    if shutil.which(program) is None:
        assert not os.environ.get("CI"), f"CI has {program}"
        pytest.skip(f"needs {program}")


def test_the_package_holds_what_runs(tmp_path):
    needs("dpkg-deb")
    environment = os.environ | {"VERAVOX_DEB_COMPRESSION": "none"}
    subprocess.run([PACKAGING / "package-deb.sh", tmp_path], check=True, env=environment)
    [package] = tmp_path.glob("veravox-gateway_*.deb")
    subprocess.run(["dpkg-deb", "-x", package, tmp_path / "root"], check=True)
    config = tmp_path / "root/etc/veravox/gateway.toml"
    printed = subprocess.run([PROGRAM, "--print-config"], capture_output=True, text=True, check=True).stdout
    assert config.read_text() == printed
    done = subprocess.run([tmp_path / "root/usr/bin/veravox-gateway", "--check", "--config", config], capture_output=True, text=True)
    assert done.returncode == 0 and "the configuration is good" in done.stdout, done.stderr
    unit = (tmp_path / "root/usr/lib/systemd/system/veravox-gateway.service").read_text()
    for path in re.findall(r"(/(?:usr|etc)/\S*veravox\S*)", unit):
        assert path.startswith("/usr/lib/") or (tmp_path / "root" / path[1:]).exists(), path
    fields = subprocess.run(["dpkg-deb", "-f", package], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^Depends: libc6 \(>= [\d.]+\), libgcc-s1$", fields, re.M)


def test_the_unit_is_as_tight_as_the_documentation_says():
    needs("systemd-analyze")
    unit = PACKAGING / "veravox-gateway.service"
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True, check=True)
    found = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)[1])
    assert found <= EXPOSURE, done.stdout
    page = (ROOT / "docs/how-to/run-the-gateway.md").read_text("utf-8")
    assert f"{EXPOSURE} of 10" in page
