"""From cells to labels and numbers."""

import pytest

from xsoftmax import datasets


def table(folder, text, name="t.csv"):
    path = folder / name
    path.write_text(text)
    return path


def labels_of(folder, *cells):
    """What the column of labels becomes."""
    text = "x,label\n" + "".join(f"1,{cell}\n" for cell in cells)
    path = table(folder, text)
    return datasets.load_rows(path, datasets.Schema(1, ("x",), "label"), labelled=True).y.tolist()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("0", "1", "-2"), [0, 1, -2]),
        ((" 0", "1 ", "2"), [0, 1, 2]),
        (("0", "00", "1"), ["0", "00", "1"]),
        (("00501", "501", "7"), ["00501", "501", "7"]),
        (("1_000", "2", "3"), ["1_000", "2", "3"]),
        (("+1", "2", "3"), ["+1", "2", "3"]),
        (("-0", "0", "3"), ["-0", "0", "3"]),
        (("1.0", "2", "3"), ["1.0", "2", "3"]),
        (("9" * 30, "2", "3"), ["9" * 30, "2", "3"]),
        ((" setosa", "setosa ", '" setosa "'), ["setosa"] * 3),
        (("None", "NA", "a"), ["None", "NA", "a"]),
    ],
)
def test_labels_are_integers_only_if_each_reads_back_as_it_is_written(tmp_path, cells, expected):
    assert labels_of(tmp_path, *cells) == expected


def test_true_and_false_are_one_and_zero_as_in_pandas(tmp_path):
    rows = "".join(f"{i % 2 == 0},{str(i % 3 == 0).upper()},{'ab'[i % 2]}\n" for i in range(20))
    data = datasets.load(table(tmp_path, rows))
    assert len(data.X_train) + len(data.X_test) == 20  # none of them is a header
    assert set(data.X_train.ravel()) == {0, 1}
