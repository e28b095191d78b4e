"""Scans an archive of recordings. Interrupt it and run it again: it goes on where it stopped.

    python examples/python/scan_archive.py testdata/calls results.jsonl
"""

import argparse
import pathlib

import veravox

arguments = argparse.ArgumentParser(description="Scan an archive of recordings.")
arguments.add_argument("archive", type=pathlib.Path)
arguments.add_argument("results", help="JSON lines, one for each recording; those in it already are passed over")
arguments.add_argument("--workers", type=int, help="recordings that are scanned at once; as many as there are cores without it")
arguments = arguments.parse_args()

SUFFIXES = {".wav", ".flac", ".mp3", ".m4a", ".ogg", ".aiff", ".caf", ".mka"}
recordings = sorted(path for path in arguments.archive.rglob("*") if path.suffix in SUFFIXES)
try:
    for _ in veravox.scan_many(recordings, arguments.workers, progress=True, resume=arguments.results):
        pass
except KeyboardInterrupt:
    raise SystemExit("stopped; run it again to go on") from None

results = veravox.read_results(arguments.results)
broken = [result for result in results if result.error]
suspicious = [(result, leg) for result in results if result.report for leg in result.report.legs if leg.decision == "synthetic"]
print(f"{len(results)} recordings, {len(broken)} could not be scanned, {len(suspicious)} legs sound synthetic")
for result in broken:
    print(f"  {result.path}: {result.error}")
for result, leg in sorted(suspicious, key=lambda one: -one[1].llr):
    print(f"  {result.path}: leg {leg.leg}, p {leg.probability:.2f} {'' if leg.stage == 'firm' else leg.stage}".rstrip())
