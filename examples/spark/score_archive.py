"""Scores an archive of recordings on Spark; a row for each leg, and for each file that could not be scanned, as Parquet.

    python examples/spark/score_archive.py testdata/calls scores.parquet
    spark-submit examples/spark/score_archive.py s3a://recordings/2026/ s3a://scores/2026.parquet
"""

import argparse
import time
from collections.abc import Iterator

import pyarrow as pa
import veravox
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

COLUMNS = pa.schema(
    [("path", pa.string()), ("leg", pa.int32()), ("decision", pa.string()), ("stage", pa.string())]
    + [(name, pa.float64()) for name in ("llr", "probability", "speech_seconds", "duration_seconds")]
    + [(name, pa.string()) for name in ("reasons", "model", "model_version", "error_kind", "error_message")]
)
#: Files that one message to a Python worker holds: they are in memory together.
FILES_PER_BATCH = 16


def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Runs in the executors' Python processes, which Spark keeps: `veravox.scan` loads its models once in each."""
    for batch in batches:
        results = [scanned(row["path"], row["content"]) for row in batch.to_pylist()]
        table = veravox.to_dataframe(results, library="pandas").reindex(columns=COLUMNS.names)
        yield from pa.Table.from_pandas(table, COLUMNS, preserve_index=False).to_batches()


def scanned(path: str, content: bytes) -> veravox.FileResult:
    try:
        return veravox.FileResult(path, veravox.scan(content))
    except veravox.VeravoxError as error:
        return veravox.FileResult(path, None, error)


def main() -> None:
    arguments = argparse.ArgumentParser(description="Score an archive of recordings on Spark.")
    arguments.add_argument("archive")
    arguments.add_argument("scores")
    arguments = arguments.parse_args()

    spark = SparkSession.builder.appName("veravox").getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", FILES_PER_BATCH)
    files = spark.read.format("binaryFile").option("recursiveFileLookup", True).load(arguments.archive)
    started = time.monotonic()
    scores = files.select("path", "content").mapInArrow(score, from_arrow_schema(COLUMNS))
    scores.write.parquet(arguments.scores)
    seconds = time.monotonic() - started

    scores = spark.read.parquet(arguments.scores)
    n_files = scores.select("path").distinct().count()
    n_broken = scores.where("error_kind is not null").count()
    n_synthetic = scores.where("decision = 'synthetic'").count()
    audio_seconds = scores.groupBy("path").agg({"duration_seconds": "max"}).groupBy().sum().first()[0] or 0
    print(f"{n_files} files, {n_broken} could not be scanned, {n_synthetic} legs sound synthetic")
    print(f"{audio_seconds:.0f} s of audio in {seconds:.1f} s on {spark.sparkContext.defaultParallelism} cores")
    spark.stop()


if __name__ == "__main__":
    main()
