"""From what a caller passes to arrays that can be trained on, or a clear error before any work.

Lists, data frames and NumPy arrays go through scikit-learn's own checks. Arrays of other libraries
stay where they are and get the same rules here, because scikit-learn would need a global switch.
Labels are encoded on the host: they are few bytes, and may be strings, which no GPU holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from ..arrays import (
    Array,
    compiled,
    compute_dtype,
    from_host,
    is_array,
    is_numpy,
    keep_released_memory,
    library,
    namespace,
    on_its_device,
    same_place,
    to_host,
    to_list,
    where,
    without_history,
)
from ..model.targets import sum_tolerance
from ..sources import (
    ClusterRows,
    SparseRows,
    StoredRows,
    is_array_like,
    is_dask,
    is_source,
    is_sparse,
    value_range,
)
from .words import few, shown


class Targets(NamedTuple):
    """What each sample should become, on the host."""

    classes: np.ndarray  #: (n_classes,), sorted
    values: np.ndarray  #: indices into `classes` (n_samples,), or probabilities, one row a sample

    @property
    def is_soft(self) -> bool:
        """Whether the targets are probabilities."""
        return self.values.ndim == 2


@on_its_device
def check_X(estimator: Any, X: Any, *, reset: bool) -> Array:
    """X as a finite real array (n_samples, n_features) in its own dtype, library and device.

    With `reset`, ``n_features_in_`` is learned, else X must agree with it.
    """
    keep_released_memory()
    if is_sparse(X):
        return _check_sparse(estimator, X, reset)
    if is_dask(X):
        return _check_width(estimator, ClusterRows(X), reset)
    if is_source(X) or is_array_like(X):
        return _check_width(estimator, X if is_source(X) else StoredRows(X), reset)
    if not is_array(X) or is_numpy(X):
        return _check_on_host(estimator, X, reset)
    X = without_history(X)
    name, xp = type(estimator).__name__, namespace(X)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(
            f"{name}: X must be 2-dimensional, (n_samples, n_features), and not empty; got shape "
            f"{tuple(X.shape)}. Reshape a single sample with X[None, :]."
        )
    if not xp.isdtype(X.dtype, ("bool", "integral", "real floating")):
        raise ValueError(f"{name}: X must hold real numbers; got dtype {X.dtype}.")
    if xp.isdtype(X.dtype, "real floating"):
        n_bad = to_list(_n_not_finite(X))
        if n_bad:
            raise ValueError(
                f"{name}: X must be finite; it contains {n_bad} values that are NaN or infinity. "
                "Drop those rows, or impute them first."
            )
    return _check_width(estimator, X, reset)


_DATES = "Of dates make features, such as days since the first, or month and weekday."
#: How types of dates, times and durations begin in pandas, polars and pyarrow.
_DATE_TYPE = re.compile("date|time|duration", re.IGNORECASE)
_MISSING = ("None", "nan", "<NA>", "NaT")


def _check_on_host(estimator: Any, X: Any, reset: bool) -> np.ndarray:
    """The same of what scikit-learn knows: NumPy arrays, lists, data frames."""
    checked = _is_finite_matrix(X)
    if checked and reset:
        return _as_products_take(_learnt(estimator, X), reset)
    if is_numpy(X) and X.dtype.name == "bfloat16":  # of ml_dtypes, which NumPy takes for no number
        X = X.astype(np.float32)
    frame = _Frame.of(X)
    if frame is not None:
        frame.check_dates(estimator)
    try:
        rows = validate_data(estimator, X, reset=reset, dtype="numeric", skip_check_array=checked)
        if rows.dtype.kind == "O":  # of frames with text, which scikit-learn lets pass
            rows = check_array(rows, dtype=np.float64, estimator=estimator, input_name="X")
    except (TypeError, ValueError) as error:
        if frame is not None:
            frame.check_numbers(estimator, error)
        raise
    if rows.dtype.kind in "mM":
        name = type(estimator).__name__
        raise ValueError(f"{name}: X must hold real numbers; got dtype {rows.dtype}. {_DATES}")
    return _as_products_take(rows, reset)


def _as_products_take(X: np.ndarray, repeatedly: bool) -> np.ndarray:
    """X in the machine's order of bytes; in C order too where NumPy would copy it each time."""
    dtype = X.dtype if X.dtype.isnative else X.dtype.newbyteorder()
    return np.require(X, dtype, ["C", "A"] if repeatedly else [])


class _Frame(NamedTuple):
    """The columns of a data frame of pandas, polars or pyarrow."""

    names: list[Any]
    types: list[str]
    column: Callable[[int], Any]  #: by its place: names may occur twice

    @classmethod
    def of(cls, X: Any) -> _Frame | None:
        """Those of X, if it is one."""
        if hasattr(X, "column_names") and hasattr(X, "schema"):  # pyarrow
            return cls(X.column_names, [str(each) for each in X.schema.types], X.column)
        if not (hasattr(X, "columns") and hasattr(X, "dtypes")):
            return None
        by_place = X.to_series if hasattr(X, "to_series") else lambda i: X.iloc[:, i]
        return cls(list(X.columns), [str(each) for each in X.dtypes], by_place)

    def check_dates(self, estimator: Any) -> None:
        """Refuse dates, which would be taken for large numbers."""
        pairs = zip(self.names, self.types, strict=True)
        names = [name for name, kind in pairs if _DATE_TYPE.match(kind)]
        if names:
            raise ValueError(
                f"{type(estimator).__name__}: X must hold numbers, but these columns hold dates "
                f"or times: {few(names)}. {_DATES}"
            )

    def check_numbers(self, estimator: Any, error: Exception) -> None:
        """After an error, refuse columns of text or without values, and say what to do."""
        columns = [np.asarray(self.column(i), dtype=object) for i in range(len(self.names))]
        pairs = list(zip(self.names, columns, strict=True))
        names = [name for name, column in pairs if not _holds_numbers(column)]
        classifier = type(estimator).__name__
        if names:
            raise ValueError(
                f"{classifier}: X must hold numbers, but these columns do not: {few(names)}. "
                "Encode them before: make_pipeline(make_column_transformer((OneHotEncoder("
                f"handle_unknown='ignore'), {shown(names[:10])}), remainder='passthrough'), "
                f"{classifier}()), with all three from sklearn."
            ) from error
        lacking = [name for name, column in pairs if len(_present(column)) < len(column)]
        if lacking and "NaN" not in str(error):
            raise ValueError(
                f"{classifier}: X contains NaN or missing values, in these columns: "
                f"{few(lacking)}. Impute them before, or leave out those rows."
            ) from error


def _present(column: np.ndarray) -> list[Any]:
    return [value for value in column.tolist() if str(value) not in _MISSING]


def _holds_numbers(column: np.ndarray) -> bool:
    try:
        np.asarray(_present(column), dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _check_sparse(estimator: Any, X: Any, reset: bool) -> SparseRows:
    """The same of a sparse matrix, in CSR, whose values are float32 or float64."""
    if type(X).__module__.startswith("scipy."):
        X = validate_data(estimator, X, reset=reset, accept_sparse="csr", dtype="numeric")
    else:
        X = _check_width(estimator, X.tocsr(), reset)
    name, values = type(estimator).__name__, X.data
    xp = namespace(values)
    if to_list(_n_not_finite(values)):
        raise ValueError(f"{name}: X must be finite; it contains values that are NaN or infinity.")
    if values.dtype not in (xp.float32, xp.float64):
        X = X.astype(xp.float64)
    if not X.has_canonical_format:  # places that are named twice
        X = X.copy()
        X.sum_duplicates()
    return SparseRows(X)


def _check_width(estimator: Any, X: Any, reset: bool) -> Any:
    """X, of as many features as the estimator knows, or as it learns now."""
    if reset:
        return _learnt(estimator, X)
    if X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input."
        )
    return X


@compiled
def _n_not_finite(X: Array) -> Array:
    """How many values are NaN or infinity."""
    xp = namespace(X)
    return xp.sum(xp.astype(~xp.isfinite(X), xp.int32))


def _learnt(estimator: Any, X: Array) -> Array:
    """X, whose features have no names, and how many they are from now on."""
    vars(estimator).pop("feature_names_in_", None)
    estimator.n_features_in_ = X.shape[1]
    return X


def _is_finite_matrix(X: Any) -> bool:
    """Whether scikit-learn's checks would return X as it is.

    They take longer than a small fit has time for.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in (np.float32, np.float64):
        return False
    with np.errstate(all="ignore"):
        return X.size > 0 and bool(np.isfinite(np.sum(X)))


def check_range(estimator: Any, X: Array, dtype: Any, name: str = "X") -> None:
    """Refuse X beyond the range of the `dtype` that a model computes in: it would become inf."""
    xp = namespace(X)
    if not xp.isdtype(X.dtype, "real floating"):
        return
    limit = float(xp.finfo(dtype).max)
    if float(xp.finfo(X.dtype).max) <= limit:
        return
    lowest, highest = value_range(X)
    if max(-lowest, highest) > limit:
        raise ValueError(
            f"{type(estimator).__name__} computes in {dtype}, whose range ends at {limit:.2g}, but "
            f"{name} ({X.dtype}) holds values from {lowest:.2g} to {highest:.2g}. Scale the "
            f"features, or fit on X of dtype {X.dtype}."
        )


def check_same_place(estimator: Any, fitted: Array, X: Array, method: str) -> None:
    """Refuse X on another library or device than the fitted parameters: nothing moves silently."""
    if not same_place(fitted, X):
        name = type(estimator).__name__
        raise ValueError(
            f"Inputs passed to {name}.{method}() must use the same namespace and the same device "
            f"as those passed to fit(): {name} holds its parameters in {where(fitted)}, but X is "
            f"{where(X)}. Move X there, or save the model and load it with "
            "xsoftmax.load(path, like=X)."
        )


def check_y(estimator: Any, X: Array, y: Any, classes: Any = None) -> Targets:
    """Labels encoded as indices into their sorted classes, or rows of probabilities as they are.

    `classes` are those already known; by default those in `y`. Soft labels, (n_samples, n_classes)
    probabilities, have the classes 0 .. n_classes - 1.
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    y, given = host_labels(X, y), y
    if y.shape[:1] != (X.shape[0],):
        raise ValueError(
            f"{name}: X and y must have one entry per sample, but X has {X.shape[0]} rows and y "
            f"has shape {y.shape}. Found input variables with inconsistent numbers of samples."
        )
    if y.ndim == 2 and y.shape[1] > 1:
        return _check_probabilities(name, y, given, classes)
    if y.ndim != 1 or y.dtype.kind not in "iub":  # other labels have rules
        y = column_or_1d(y, warn=True)
        _check_text(name, y)
        check_classification_targets(y)
    if classes is None:
        classes, indices = encoded(y)
    else:
        indices = _find_labels(name, y, classes)
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs samples of at least 2 classes; y holds only one class: {few(classes)}."
        )
    return Targets(classes, indices)


def _check_text(name: str, y: np.ndarray) -> None:
    """Objects that are labels are strings: numbers have dtypes of their own."""
    if y.dtype.kind != "O":
        return
    row = next((i for i, label in enumerate(y) if not isinstance(label, str)), None)
    if row is not None:
        raise ValueError(
            f"Unknown label type: {name} takes strings or numbers of at most 64 bits, but row "
            f"{row} of y holds {y[row]!r}. Drop such rows, or make strings of all labels."
        )


def encoded(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sorted classes of labels (n_samples,), and where among them each label is.

    Integers that lie close together are counted, which takes a fifth of the time that sorting does.
    """
    if np.can_cast(y.dtype, np.int64):
        lowest, highest = int(y.min()), int(y.max())
        if highest - lowest < len(y):
            offsets = y.astype(np.int64) - lowest
            seen = np.bincount(offsets) > 0
            classes = (np.flatnonzero(seen) + lowest).astype(y.dtype)
            return classes, (np.cumsum(seen) - 1)[offsets]
    classes = np.unique(y)
    return classes, np.searchsorted(classes, y)


def labels_to_score(estimator: Any, X: Array, y: Any) -> np.ndarray:
    """(n_samples,) labels on the host that predictions can be compared with.

    Of soft labels the most probable classes. A label that is not among the classes is wrong, unless
    it is of another kind than they are, so that no prediction could be right.
    """
    if y is None:
        raise ValueError("y must hold the labels to score; got None.")
    classes, name = to_host(estimator.classes_), type(estimator).__name__
    labels = host_labels(X, y)
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.shape[0] == X.shape[0]:
        return classes[check_y(estimator, X, y, classes).values.argmax(axis=1)]
    if labels.shape not in ((X.shape[0],), (X.shape[0], 1)):
        raise ValueError(
            f"y must hold one label per row of X, shape ({X.shape[0]},); got {labels.shape}."
        )
    labels = np.ravel(labels)
    if labels.dtype.kind not in "iub":
        check_classification_targets(labels)
    _refuse_other_kind(name, labels, classes)
    return labels


def _refuse_other_kind(name: str, labels: np.ndarray, classes: np.ndarray) -> None:
    if _are_numbers(labels) != _are_numbers(classes):
        raise ValueError(
            f"{name}: y holds labels that are not among the classes {few(classes)}: "
            f"{few(np.unique(labels))}. Numbers and strings are different labels; pass those that "
            "the model was fitted on."
        )


def _are_numbers(labels: np.ndarray) -> bool:
    if labels.dtype.kind == "O":
        return all(isinstance(label, Number) for label in labels)
    return labels.dtype.kind in "biuf"


#: Why X may be NumPy's though the caller's is not.
_PIPELINES = (
    " If a scikit-learn pipeline made X NumPy's, sklearn.set_config(array_api_dispatch=True) lets "
    "its steps compute where X lies."
)


def host_labels(X: Array, y: Any, name: str = "y") -> np.ndarray:
    """y on the host. Numbers must lie where X does; lists and strings may come as they are.

    With scikit-learn's `array_api_dispatch` they follow X from wherever they lie, as there. NumPy's
    follow rows that are no array.
    """
    if is_dask(y):
        y = y.compute()
    if is_array(y) and not (is_numpy(y) and y.dtype.kind in "OUST"):
        follows = get_config()["array_api_dispatch"] or (is_source(X) and is_numpy(y))
        if not same_place(X, y) and not follows:
            raise ValueError(
                f"X and {name} must be arrays of one library on one device, but X is {where(X)} "
                f"and {name} is {where(y)}. Move one of them, or pass {name} as a list."
                f"{_PIPELINES if is_numpy(X) else ''}"
            )
        y = to_host(y)
        if y.dtype.kind in "iub":  # nothing is missing in it
            return y
    return check_array(y, ensure_2d=False, dtype=None, input_name=name, allow_nd=True)


def classes_for(X: Array, classes: np.ndarray) -> Array:
    """`classes` in the library and on the device of X, unless they are strings."""
    if classes.dtype.kind not in "biuf":
        return classes
    moved = from_host(classes, like=X)
    if not np.array_equal(to_host(moved), classes):
        raise ValueError(
            f"labels such as {classes[-1].item()!r} do not fit the dtype {moved.dtype} of "
            f"{library(X)}'s numbers. Encode them as 0 .. {len(classes) - 1}, or enable 64 bits."
        )
    return moved


def check_sample_weight(X: Array, sample_weight: Any, name: str = "sample_weight") -> np.ndarray:
    """(n_samples,) float64 on the host; ones by default."""
    n_samples = X.shape[0]
    if sample_weight is None:
        return np.ones(n_samples)
    if np.isscalar(sample_weight):
        sample_weight = [sample_weight] * n_samples
    given = host_labels(X, sample_weight, name)
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold real numbers; got dtype {given.dtype}.") from error
    if weights.shape != (n_samples,):
        raise ValueError(
            f"{name} must hold one weight per sample, shape ({n_samples},); got {weights.shape}."
        )
    if weights.min() < 0 or weights.sum() == 0:
        raise ValueError(
            f"{name} must be non-negative and not all zero; the smallest is {weights.min()} and "
            f"the sum {weights.sum()}."
        )
    return weights


def check_offset(
    estimator: Any, X: Array, offset: Any, n_classes: int, name: str = "offset"
) -> Array | None:
    """What is added to logits, (n_samples, n_classes), where X lies; None if there is none."""
    if offset is None:
        return None
    rule = f"{type(estimator).__name__}: {name} must be an array of shape (n_samples, n_classes)"
    if is_array(offset) and not same_place(X, offset):
        raise ValueError(f"{rule} that lies where X does, {where(X)}; it is {where(offset)}.")
    if not is_array(offset):
        offset = from_host(np.asarray(offset, dtype=np.float64), like=X, dtype=compute_dtype(X))
    offset, xp = without_history(offset), namespace(X)
    if tuple(offset.shape) != (X.shape[0], n_classes):
        raise ValueError(f"{rule}, ({X.shape[0]}, {n_classes}); got {tuple(offset.shape)}.")
    if not xp.isdtype(offset.dtype, ("integral", "real floating")):
        raise ValueError(f"{rule} of real numbers; got dtype {offset.dtype}.")
    offset = xp.astype(offset, compute_dtype(X), copy=False)
    if to_list(_n_not_finite(offset)):
        raise ValueError(
            f"{rule} of finite numbers. To rule a class out of a row give it -1e30 there."
        )
    return offset


def _check_probabilities(
    name: str, y: np.ndarray, given: Any, classes: np.ndarray | None
) -> Targets:
    """Probabilities `y`, which the caller has `given` in a dtype that may round them further."""
    if y.dtype.kind not in "biuf":
        raise ValueError(f"{name}: a 2-dimensional y must hold probabilities; got dtype {y.dtype}.")
    tolerance = sum_tolerance(given if is_array(given) else y, y.shape[1])
    if y.dtype not in (np.float32, np.float64):  # others cannot hold what they sum to
        y = y.astype(np.float32 if y.dtype == np.float16 else np.float64)
    if y.ndim > 2 or y.min() < 0 or not np.all(np.abs(y.sum(axis=1) - 1) <= tolerance):
        raise ValueError(
            f"{name}: y must be labels of shape (n_samples,), or probabilities of shape "
            "(n_samples, n_classes) that are non-negative and sum to 1 in each row; multi-label "
            f"targets are not supported. Got shape {y.shape}."
        )
    classes = np.arange(y.shape[1]) if classes is None else classes
    if len(classes) != y.shape[1]:
        raise ValueError(
            f"{name}: y holds probabilities of {y.shape[1]} classes, but there are {len(classes)}: "
            f"{few(classes)}."
        )
    return Targets(classes, y / y.sum(axis=1, keepdims=True))


def _find_labels(name: str, y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    _refuse_other_kind(name, y, classes)
    unseen = np.setdiff1d(y, classes)
    if len(unseen):
        raise ValueError(
            f"{name}: y holds labels that are not among the classes {few(classes)}: "
            f"{few(unseen)}. Name every class at the first fit (partial_fit takes classes=...)."
        )
    return np.searchsorted(classes, y)
