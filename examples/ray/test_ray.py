"""The archive scored by a local Ray."""

import pathlib


def test_an_archive_is_scored(need, run, archive, check_scores, tmp_path):
    need("ray", "pyarrow", "pandas")
    import pyarrow.parquet

    script = pathlib.Path(__file__).with_name("score_archive.py")
    told = run(script, archive, tmp_path / "scores")
    rows = pyarrow.parquet.read_table(tmp_path / "scores").to_pylist()
    check_scores(rows, told)
