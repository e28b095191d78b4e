"""The examples, run as their readers run them."""

import pathlib

HERE = pathlib.Path(__file__).parent


def test_a_call_is_watched(run):
    told = run(HERE / "watch_a_call.py", "testdata/calls/01-helpdesk-reset.mulaw.wav", "--speed", 1_000).splitlines()
    assert any("leg 0  firm: synthetic, llr +" in line for line in told)
    assert told[-1].startswith("at the end  leg 1  ")


def test_an_archive_is_scanned_once(run, archive, tmp_path):
    results = tmp_path / "results.jsonl"
    first = run(HERE / "scan_archive.py", archive, results)
    n_files = len(results.read_text("utf-8").splitlines())
    assert first.startswith(f"{n_files} recordings, 1 could not be scanned") and f"{archive / 'broken.wav'}: " in first
    lines = results.read_text("utf-8").splitlines(keepends=True)
    results.write_text("".join(lines[:3]), "utf-8")
    assert run(HERE / "scan_archive.py", archive, results) == first
    assert results.read_text("utf-8").splitlines(keepends=True) == lines


def test_the_notebook_runs(need):
    need("nbclient", "nbformat", "ipykernel", "matplotlib", "pandas")
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(HERE / "notebook.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "to be committed without outputs"
    done = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": HERE}}).execute()
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "image/png" in kinds, "the plot"
    assert any("<svg" in output.get("data", {}).get("text/html", "") for output in outputs), "the report"
    assert any("leg 0, after 3" in output.get("text", "") for output in outputs), "the live call"
