"""manifest.json of a model folder: read, and written so that nobody reads half of one."""
import json
import pathlib

UNCALIBRATED = {"scale": 1.0, "offset": 0.0}


def write_manifest(folder, manifest):
    """Under another name first, so that nobody reads half a manifest."""
    part = folder / "manifest.json.part"
    part.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    part.rename(folder / "manifest.json")


def read_manifest(folder):
    return json.loads((pathlib.Path(folder) / "manifest.json").read_text())
