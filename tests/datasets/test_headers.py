"""Whether the first line of a table names its columns."""

import numpy as np
import pytest

from xsoftmax import datasets
from xsoftmax.datasets import TableWarning
from xsoftmax.datasets.headers import names_columns


def rows_of(X, labels=None):
    rows = [[repr(value) for value in row] for row in np.asarray(X).tolist()]
    return rows if labels is None else [[*row, y] for row, y in zip(rows, labels, strict=True)]


DECIMALS = np.random.default_rng(0).random((12, 3))
COUNTS = np.random.default_rng(0).integers(0, 30, (12, 3))
PIXELS = np.random.default_rng(0).integers(0, 17, (40, 64))
CLASSES = ["a", "b", "c"] * 4


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("u,v,w,kind", rows_of(DECIMALS, CLASSES)),
        ("0,1,2,3", rows_of(DECIMALS, CLASSES)),  # pandas' names
        ("0,1,2,label", rows_of(DECIMALS, CLASSES)),
        ("label,0,1,2", [[row[-1], *row[:-1]] for row in rows_of(COUNTS, CLASSES)]),
        (",0,1,2", [[str(i), *row] for i, row in enumerate(rows_of(DECIMALS))]),
        ("0,1,2", rows_of(COUNTS)),
        (",".join(map(str, range(64))), rows_of(PIXELS)),
        (",".join(map(str, range(1, 65))), rows_of(PIXELS)),
        ("2019,2020,2021", rows_of(COUNTS)),  # years
        ("2019,2020,2021", rows_of(DECIMALS)),
        ("2019,2020,2021,kind", rows_of(COUNTS, CLASSES)),
        ("400.5,410.5,420.5", rows_of(DECIMALS)),  # wavelengths
        ("5,7,9", rows_of(20 * DECIMALS)),
        ("id,1,1", rows_of(COUNTS)),
    ],
)
def test_names_columns_knows_a_header(first, rows):
    assert names_columns(first.split(","), rows)


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("0.1,0.2,0.3,a", rows_of(DECIMALS, CLASSES)),
        ("1,2,3,a", rows_of(COUNTS, CLASSES)),
        ("0,1,2,a", rows_of(COUNTS, CLASSES)),  # a is a class
        ("5,4,7", rows_of(COUNTS)),
        ("0,0,0", rows_of(COUNTS)),  # names differ
        ("90,90,99", rows_of(COUNTS)),
        ("90,80,99", rows_of(COUNTS)),
        ("?,4,7", rows_of(COUNTS)),  # a value that is missing
        ("0,1,2", [["3", "4", "5"], ["6", "7", "8"]]),  # all rows are consecutive
        ("1,5,9", [["2", "6", "11"], ["3", "8", "12"], ["5", "9", "17"]]),
        ("1,2", []),
        ("1,2.5", [["3", "9.5"]]),
        ("True,False,a", [["False", "True", "a"], ["True", "True", "b"]]),
    ],
)
def test_names_columns_knows_a_row(first, rows):
    assert not names_columns(first.split(","), rows)


def test_load_warns_of_numbers_taken_for_the_header_which_header_can_refuse(tmp_path):
    lines = ["0,1,2", *(f"{7 * i % 5},{i % 3},{i // 2 % 3}" for i in range(20))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with pytest.warns(TableWarning, match=r"first line \(0, 1, 2\) is taken for the header"):
        data = datasets.load(tmp_path / "t.csv")
    assert (data.feature_names, data.label_name) == (("0", "1"), "2")
    data = datasets.load(tmp_path / "t.csv", header=False)
    assert (data.feature_names, data.label_name) == (None, "2")
    assert len(data.y_train) + len(data.y_test) == 21


def test_load_takes_a_first_line_that_header_says_is_one(tmp_path):
    (tmp_path / "t.csv").write_text("5,4,7\n" + "1,2,0\n3,1,1\n" * 10)
    assert datasets.load(tmp_path / "t.csv", header=True).feature_names == ("5", "4")
    assert datasets.load(tmp_path / "t.csv", header=True, label_column="4").label_name == "4"


def test_load_numbers_columns_without_a_header(tmp_path):
    (tmp_path / "t.csv").write_text("a,5,4\nb,1,2\n" * 10)
    data = datasets.load(tmp_path / "t.csv", label_column="0")
    assert set(data.y_train) == {"a", "b"}
    with pytest.raises(ValueError, match=r"no column 'kind'.*it has no header"):
        datasets.load(tmp_path / "t.csv", label_column="kind")
