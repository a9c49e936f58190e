"""Which columns of a source are a model's features, and which is the label: by name, if it can be.

Features without names go by position, as in scikit-learn, which also warns where only one of the
two has names.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .dataset import Rows, TableWarning
from .tables import Table, listed


class Schema(NamedTuple):
    """The columns that a model was trained on.

    A NamedTuple; its parameters are its attributes.

    Parameters
    ----------
    n_features : int
        How many columns are features.
    feature_names : tuple of str, default=None
        The names of these columns, in order, if they have names.
    label_name : str, default=None
        The name of the column of labels; its position, as text, in a table without a header.

    See Also
    --------
    load_rows : Reads rows with these columns.

    Examples
    --------
    >>> from xsoftmax.datasets import Schema
    >>> Schema(2, ("width", "height"), "species").feature_names
    ('width', 'height')
    """

    n_features: int
    feature_names: tuple[str, ...] | None = None
    label_name: str | None = None

    @property
    def names_to_look_for(self) -> tuple[str, ...] | None:
        """Names of features that tell a header; () if the model's table had no header."""
        without_header = self.feature_names is None and (self.label_name or "").isdigit()
        return () if without_header else self.feature_names


def rows_of_table(
    table: Table, schema: Schema, *, label_column: str | None = None, labelled: bool
) -> Rows:
    """The rows of a table as a model wants them: its features in order, and labels if it has some.

    Parameters
    ----------
    table : Table
        Columns that the model does not know are left out, with a warning.
    schema : Schema
        What the model was trained on.
    label_column : str, default=None
        The column of labels, if it is not called as in training.
    labelled : bool
        Whether labels are needed. Else they are not read.

    Raises
    ------
    ValueError
        If a feature or, with `labelled`, the column of labels is missing.
    """
    if label_column is not None:
        table.index_of(label_column)
        if schema.feature_names is not None and label_column in schema.feature_names:
            raise ValueError(f"{label_column!r} is a feature of the model, not its label.")
    if table.has_header and schema.feature_names is not None:
        features: Sequence[str] = schema.feature_names
        label = label_column or _label_by_name(table, schema, labelled)
        _order(str(table.path), table.names, schema.feature_names, label)
    else:
        label = label_column or _label_by_position(table, schema)
        features = [name for name in table.names if name != label]
        _check_width(str(table.path), features, schema)
        _warn_of_positions(str(table.path), schema, table.has_header)
    if labelled and label is None:
        raise ValueError(
            f"{table.path} has no column {schema.label_name or 'of labels'!r} to score on; its "
            f"columns are {listed(table.names)}. Name the column of labels (--label-column)."
        )
    y = table.labels(label) if labelled and label is not None else None
    return Rows(table.path.stem, table.features(features), y)


def rows_in_order(rows: Rows, schema: Schema, place: str) -> Rows:
    """Rows of arrays, with columns in the order of the model's features if both have names."""
    if rows.feature_names is not None and schema.feature_names is not None:
        order = _order(place, rows.feature_names, schema.feature_names, None)
        return rows._replace(X=rows.X[:, order], feature_names=schema.feature_names)
    _check_width(place, list(map(str, range(rows.X.shape[1]))), schema)
    _warn_of_positions(place, schema, rows.feature_names is not None)
    return rows


def _order(
    place: str, there: Sequence[str], wanted: Sequence[str], label: str | None
) -> np.ndarray:
    """Where each feature stands among the columns that are there."""
    positions = {name: i for i, name in enumerate(there)}
    missing = [name for name in wanted if name not in positions]
    if missing:
        raise ValueError(
            f"{place} lacks {listed(missing)}, which the model was trained on; its columns are "
            f"{listed(there)}."
        )
    known = {*wanted, label}
    extra = [name for name in there if name not in known]
    if extra:
        warnings.warn(
            f"{place}: ignoring {listed(extra)}, no feature of the model.",
            TableWarning,
            stacklevel=3,
        )
    return np.asarray([positions[name] for name in wanted])


def _label_by_name(table: Table, schema: Schema, labelled: bool) -> str | None:
    assert schema.feature_names is not None
    if schema.label_name is not None:
        return schema.label_name if schema.label_name in table.names else None
    last = table.names[-1]
    return last if labelled and last not in schema.feature_names else None


def _label_by_position(table: Table, schema: Schema) -> str | None:
    """Where it stood in training, or the last column, if there is one more than features."""
    if len(table.names) != schema.n_features + 1:
        return None
    if schema.label_name in table.names:
        return schema.label_name
    positions = dict(zip(map(str, range(len(table.names))), table.names, strict=True))
    return positions.get(schema.label_name or "", table.names[-1])


def _check_width(place: str, features: Sequence[str], schema: Schema) -> None:
    if len(features) != schema.n_features:
        raise ValueError(
            f"{place} has {len(features)} columns of features; the model was trained on "
            f"{schema.n_features}. Without names on both sides they go by position."
        )


def _warn_of_positions(place: str, schema: Schema, named: bool) -> None:
    if named == (schema.feature_names is not None):
        return
    who = "the model's features have" if named else "its columns have"
    warnings.warn(
        f"{place}: {who} no names, so that columns are taken in their order.",
        TableWarning,
        stacklevel=3,
    )
