"""`xsoftmax export`."""

import json

import joblib
import numpy as np
import pytest

import xsoftmax

from .commands import run


@pytest.fixture(scope="module")
def rows(flowers):
    folder, table, *_ = flowers
    X = np.asarray([row[:3] for row in table], dtype=np.float32)
    model = xsoftmax.load(folder / "xsoftmax-out" / "model.safetensors")
    del model.feature_names_in_  # or it warns that X has none
    return X, model.predict(X)


def test_export_to_scikit_learn(flowers, rows, tmp_path):
    folder, (X, labels) = flowers[0], rows
    path = tmp_path / "new" / "m.joblib"
    arguments = "export", "xsoftmax-out", "--to", "sklearn", "--out", path
    out, _ = run(*arguments, "--json", cwd=folder)
    assert json.loads(out) == {
        "model": "xsoftmax-out/model.safetensors",
        "to": "sklearn",
        "file": str(path),
        "bytes": path.stat().st_size,
    }
    model = joblib.load(path)
    del model.feature_names_in_
    np.testing.assert_array_equal(model.predict(X), labels)
    before = path.read_bytes()
    _, err = run(*arguments, cwd=folder, code=1)
    assert "is there already" in err
    assert run(*arguments, "--force", cwd=folder)[0] == f"wrote {path}\n"
    assert path.read_bytes() == before


def test_export_to_onnx(flowers, rows, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    folder, (X, labels) = flowers[0], rows
    run("export", "xsoftmax-out", "--to", "onnx", "--out", tmp_path / "m.onnx", cwd=folder)
    found, _ = runtime.InferenceSession(tmp_path / "m.onnx").run(None, {"X": X})
    np.testing.assert_array_equal(found, labels)


@pytest.mark.filterwarnings("ignore")  # of torch, about itself
def test_export_to_torch(flowers, rows, tmp_path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    folder, (X, labels) = flowers[0], rows
    run("export", "xsoftmax-out", "--to", "torch", "--out", tmp_path / "m.pt2", cwd=folder)
    files = {"classes.json": ""}
    module = torch.export.load(tmp_path / "m.pt2", extra_files=files).module()
    classes = np.asarray(json.loads(files["classes.json"]))
    for n in (1, len(X)):
        winners = module(torch.asarray(X[:n])).argmax(1).numpy()
        np.testing.assert_array_equal(classes[winners], labels[:n])


def test_a_library_that_is_missing_is_named(flowers, tmp_path):
    folder = flowers[0]
    (tmp_path / "onnx.py").write_text("raise ImportError('no onnx')")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(run.__globals__["ENVIRONMENT"], "PYTHONPATH", str(tmp_path))
        _, err = run("export", "xsoftmax-out", "--to", "onnx", cwd=folder, code=1)
    assert err == 'error: to_onnx needs onnx: pip install "xsoftmax[onnx]".\n'
    assert not (folder / "xsoftmax-out" / "model.onnx").exists()
