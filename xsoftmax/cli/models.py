"""The model of a file, ready for a command's array library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from .. import arrays
from ..serialization import model_file
from . import options


def load_model(path: Path, place: arrays.Backend) -> Any:
    """What `xsoftmax.load` gives, on `place`.

    scikit-learn's scalers need NumPy arrays, unless its array API support is switched on, so those
    of a pipeline work on the host, and the classifier gets on `place` what they give.
    """
    like = options.somewhere(place)
    model = model_file.load(path, like=like)
    if not isinstance(model, Pipeline) or arrays.is_numpy(like):
        return model
    on_host = model_file.load(path)
    before, after = FunctionTransformer(arrays.to_host), FunctionTransformer(place.asarray)
    for name in ("n_features_in_", "feature_names_in_"):  # a pipeline has those of its first step
        if hasattr(on_host, name):
            setattr(before, name, getattr(on_host, name))
    scalers = on_host.steps[:-1]
    return Pipeline([("to-host", before), *scalers, ("to-place", after), model.steps[-1]])
