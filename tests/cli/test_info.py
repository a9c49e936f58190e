"""`xsoftmax info`."""

import json

import numpy as np

import xsoftmax

from .commands import run


def test_info_names_the_libraries(tmp_path):
    out, _ = run("info", cwd=tmp_path)
    for name in ("numpy", "cupy", "torch", "jax", "array_api_strict"):
        assert name in out
    libraries = json.loads(run("info", "--json", cwd=tmp_path)[0])["libraries"]
    numpy = next(row for row in libraries if row["name"] == "numpy")
    assert numpy["version"] == np.__version__


def test_info_describes_a_model(flowers):
    folder, *_ = flowers
    path = folder / "xsoftmax-out" / "model.safetensors"
    result = json.loads(run("info", "xsoftmax-out", "--json", cwd=folder)[0])
    assert result["settings"] == xsoftmax.load(path).get_params()
    del result["settings"], result["n_iter"]
    assert result == {
        "scalers": [],
        "class": "SoftmaxRegression",
        "classes": ["a", "b", "c"],
        "n_features": 3,
        "feature_names": ["u", "v", "w"],
        "label_column": "kind",
        "coef_shapes": [[3, 3]],
        "intercept_shapes": [[3]],
        "dtype": "float32",
        "file_bytes": path.stat().st_size,
    }
    out, _ = run("info", path, cwd=folder)
    for words in ("SoftmaxRegression", "C=1.0", "a, b, c", "u, v, w", "kind", "3 x 3", "float32"):
        assert words in out
