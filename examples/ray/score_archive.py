"""Scores an archive of recordings on Ray Data; a row for each leg, and for each file that could not be scanned, as Parquet.

    python examples/ray/score_archive.py testdata/calls scores
    ray job submit --working-dir examples/ray -- python score_archive.py s3://recordings/2026/ s3://scores/2026
"""

import argparse
import time

import numpy as np
import pyarrow as pa
import ray
import veravox

COLUMNS = pa.schema(
    [("path", pa.string()), ("leg", pa.int32()), ("decision", pa.string()), ("stage", pa.string())]
    + [(name, pa.float64()) for name in ("llr", "probability", "speech_seconds", "duration_seconds")]
    + [(name, pa.string()) for name in ("reasons", "model", "model_version", "error_kind", "error_message")]
)
#: Files that an actor gets at a time: they are in memory together.
FILES_PER_BATCH = 16


class Scorer:
    """An actor: a process that loads the models once and scores batch after batch."""

    def __init__(self) -> None:
        self.detector = veravox.Detector()

    def __call__(self, batch: dict[str, np.ndarray]) -> pa.Table:
        results = [self.scanned(path, content) for path, content in zip(batch["path"], batch["bytes"], strict=True)]
        table = veravox.to_dataframe(results, library="pandas").reindex(columns=COLUMNS.names)
        return pa.Table.from_pandas(table, COLUMNS, preserve_index=False)

    def scanned(self, path: str, content: bytes) -> veravox.FileResult:
        try:
            return veravox.FileResult(path, self.detector.scan(content))
        except veravox.VeravoxError as error:
            return veravox.FileResult(path, None, error)


def main() -> None:
    arguments = argparse.ArgumentParser(description="Score an archive of recordings on Ray Data.")
    arguments.add_argument("archive")
    arguments.add_argument("scores")
    arguments = arguments.parse_args()

    ray.init(log_to_driver=False)
    # One core stays for the tasks that read and write, where there is more than one.
    n_actors = max(1, int(ray.cluster_resources()["CPU"]) - 1)
    started = time.monotonic()
    files = ray.data.read_binary_files(arguments.archive, include_paths=True)
    actors = ray.data.ActorPoolStrategy(size=n_actors)
    files.map_batches(Scorer, batch_size=FILES_PER_BATCH, compute=actors, num_cpus=1).write_parquet(arguments.scores)
    seconds = time.monotonic() - started

    scores = ray.data.read_parquet(arguments.scores).to_pandas()
    n_files, n_broken = scores["path"].nunique(), scores["error_kind"].notna().sum()
    n_synthetic = (scores["decision"] == "synthetic").sum()
    audio_seconds = scores.groupby("path")["duration_seconds"].max().sum()
    print(f"{n_files} files, {n_broken} could not be scanned, {n_synthetic} legs sound synthetic")
    print(f"{audio_seconds:.0f} s of audio in {seconds:.1f} s with {n_actors} actors")


if __name__ == "__main__":
    main()
