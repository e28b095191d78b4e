"""The archive scored by a local Spark."""

import pathlib
import sys


def test_an_archive_is_scored(need, run, archive, check_scores, tmp_path, monkeypatch):
    need("pyspark", "pyarrow", "pandas", program="java")
    import pyarrow.parquet

    # The driver's Python for its workers, and no search for a network.
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    script = pathlib.Path(__file__).with_name("score_archive.py")
    told = run(script, archive, tmp_path / "scores.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "scores.parquet").to_pylist()
    check_scores(rows, told)
