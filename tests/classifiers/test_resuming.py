"""Fits that were cut off go on, and end with the same bits."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xsoftmax
from xsoftmax import (
    MLPClassifier,
    MultiOutputSoftmaxRegression,
    MultiOutputSoftmaxRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    StoredRows,
)
from xsoftmax.sources import checkpoint as checkpoints

from ..problems import blobs

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*the best C_"),
    pytest.mark.filterwarnings("ignore:.*did not converge"),
]


class CutOffError(Exception):
    """What ends a fit before its end."""


FITS = {
    "lbfgs": (lambda: SoftmaxRegression(tol=1e-9, C=1e3), 4),
    "newton": (lambda: SoftmaxRegression(tol=1e-11), 2),
    "gd": (lambda: SoftmaxRegression(solver="gd", max_iter=12, tol=0), 5),
    "sgd": (lambda: SoftmaxRegression(solver="sgd", max_iter=9, tol=0, random_state=0), 4),
    "network, lbfgs": (lambda: MLPClassifier((6,), solver="lbfgs", max_iter=9, random_state=0), 4),
    "network, adam": (
        lambda: MLPClassifier((6,), max_iter=9, tol=0, random_state=0, early_stopping=True), 5
    ),
    "search": (lambda: SoftmaxRegressionCV([1e-3, 1.0, 10.0], cv=3, scoring="neg_log_loss"), 4),
}  # fmt: skip


def outcome(model, X):
    """All numbers of a fitted model."""
    found = [np.ravel(model.predict_proba(X))]
    curves = "loss_curve_", "validation_scores_", "validation_loss_curve_"
    for name in (*curves, "scores_", "gaps_", "n_iter_", "gap_"):
        if getattr(model, name, None) is not None:
            found.append(np.ravel(getattr(model, name)).astype(float))
    return np.concatenate(found)


@pytest.mark.parametrize("name", FITS)
def test_a_fit_that_was_cut_off_ends_with_the_same_bits(name, tmp_path):
    X, y = blobs(400, 12, 4, spread=3.0)
    make, n_calls = FITS[name]
    kept = {"checkpoint": tmp_path / "fit", "checkpoint_every": 0.0}
    expected = outcome(make().fit(X, y, **kept), X)
    assert not kept["checkpoint"].exists()
    calls = []

    def cut(*args):
        calls.append(args)
        if len(calls) == n_calls:
            raise CutOffError

    with pytest.raises(CutOffError):
        make().fit(X, y, monitor=cut, **kept)
    assert kept["checkpoint"].exists()
    np.testing.assert_array_equal(outcome(make().fit(X, y, **kept), X), expected)
    assert not kept["checkpoint"].exists()


@pytest.mark.parametrize("search", [False, True])
def test_label_sets_that_were_cut_off_end_with_the_same_bits(search, tmp_path):
    X, y = blobs(400, 12, 4, spread=3.0)
    Y = np.stack([y, y % 2], axis=1)
    make = MultiOutputSoftmaxRegression
    if search:
        make = lambda: MultiOutputSoftmaxRegressionCV([1e-2, 1.0], cv=3)  # noqa: E731
    kept = {"checkpoint": tmp_path / "fit", "checkpoint_every": 0.0}
    expected = np.concatenate(make().fit(X, Y, **kept).predict_proba(X), axis=1)
    # Records that were written before the end, the last of them in part.
    whole = tmp_path / "whole"
    seen = []
    remembered = checkpoints.Checkpoint.remembered

    class Cut(checkpoints.Checkpoint):
        def remembered(self, compute, kind, *given):
            seen.append(kind)
            if len(seen) == 6:
                whole.write_bytes(self.path.read_bytes()[:-3])
            return remembered(self, compute, kind, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "Checkpoint", Cut)
        make().fit(X, Y, **kept)
    whole.rename(kept["checkpoint"])
    found = np.concatenate(make().fit(X, Y, **kept).predict_proba(X), axis=1)
    np.testing.assert_array_equal(found, expected)


def test_what_is_known_is_not_read_again(tmp_path):
    X, y = blobs(900, 12, 4, spread=3.0)
    np.save(tmp_path / "X.npy", X)
    rows = StoredRows(tmp_path / "X.npy")
    kept = {"checkpoint": tmp_path / "fit", "checkpoint_every": 0.0}

    def cut(iteration, model):
        if iteration == 3:
            raise CutOffError

    with pytest.raises(CutOffError):
        SoftmaxRegression(tol=1e-11).fit(rows, y, monitor=cut, **kept)
    before, whole = rows.n_rows_read, StoredRows(tmp_path / "X.npy")
    expected = SoftmaxRegression(tol=1e-11).fit(whole, y, checkpoint=tmp_path / "other")
    found = SoftmaxRegression(tol=1e-11).fit(rows, y, **kept)
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    assert rows.n_rows_read - before <= whole.n_rows_read - 3 * 900


def test_a_process_that_is_killed_goes_on(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from xsoftmax import SoftmaxRegression\n"
        "rng = np.random.default_rng(0)\n"
        "X, y = rng.standard_normal((20_000, 60)), rng.integers(0, 8, 20_000)\n"
        "print('begins', flush=True)\n"
        "fit = SoftmaxRegression(solver='gd', max_iter=150, tol=0).fit\n"
        "np.save(sys.argv[2], fit(X, y, checkpoint=sys.argv[1], checkpoint_every=0).coef_)\n"
    )

    def start(name):
        given = [sys.executable, "-c", code, str(tmp_path / "fit"), str(tmp_path / name)]
        environment = {**os.environ, "PYTHONPATH": str(Path(xsoftmax.__file__).parents[1])}
        process = subprocess.Popen(given, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout.readline() == "begins\n"
        return process

    with start("expected.npy") as process:
        assert process.wait(120) == 0
    n_kills = 0
    for seconds in (0.3, 0.5, 100.0):
        with start("found.npy") as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                n_kills += 1
    assert n_kills > 0
    found, expected = (np.load(tmp_path / name) for name in ("found.npy", "expected.npy"))
    np.testing.assert_array_equal(found, expected)


def cut_off(path, model, X, y, **others):
    """A checkpoint of a fit that did not end."""

    def cut(*_):
        raise CutOffError

    with pytest.raises(CutOffError):
        model.fit(X, y, monitor=cut, checkpoint=path, checkpoint_every=0.0, **others)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": SoftmaxRegression(C=2.0)}, r"C was '1.0', and is '2.0'"),
        ({"model": MLPClassifier()}, "estimator was 'SoftmaxRegression', and is 'MLPClassifier'"),
        ({"X": lambda X: X + 1e-12}, "X was "),
        ({"X": lambda X: X[:-1], "y": lambda y: y[:-1]}, r"\[90, 5\]"),
        ({"y": lambda y: y[::-1]}, "labels and weights was"),
        ({"sample_weight": np.arange(90.0)}, "labels and weights was"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused_with_the_difference(tmp_path, change, message):
    X, y = blobs(90)
    path = tmp_path / "fit"
    cut_off(path, SoftmaxRegression(), X, y)
    before = path.read_bytes()
    change = dict(change)
    model = change.pop("model", SoftmaxRegression())
    X, y = change.pop("X", lambda X: X)(X), change.pop("y", lambda y: y)(y)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, checkpoint=path, **change)
    assert path.read_bytes() == before


def test_other_rows_to_choose_on_and_other_factors_are_refused(tmp_path):
    X, y = blobs(200)
    path, held = tmp_path / "fit", {"X_val": X[150:], "y_val": y[150:]}
    cut_off(path, SoftmaxRegressionCV([0.1, 1.0]), X[:150], y[:150], **held)
    other = {**held, "X_val": -X[150:]}
    with pytest.raises(ValueError, match="X was"):
        SoftmaxRegressionCV([0.1, 1.0]).fit(X[:150], y[:150], checkpoint=path, **other)
    path.unlink()
    np.save(tmp_path / "X.npy", X)
    model = SoftmaxRegression(solver="adam", max_iter=5, random_state=0)
    cut_off(path, model, StoredRows(tmp_path / "X.npy", scale=0.5), y)
    with pytest.raises(ValueError, match="X was"):
        model.fit(StoredRows(tmp_path / "X.npy"), y, checkpoint=path)


def test_another_process_knows_the_same_fit(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from xsoftmax import SoftmaxRegression\n"
        "X, y = np.eye(6)[[0, 1, 2, 3, 4, 5] * 5], np.arange(30) % 3\n"
        "labels = np.asarray(['a', 'b', 'c'], dtype=object)[y]\n"
        "settings = {'solver': 'gd', 'random_state': np.random.RandomState(3)}\n"
        "stop = lambda i, model: 1 / 0 if sys.argv[2] == 'cut' and i == 3 else None\n"
        "kept = {'checkpoint': sys.argv[1], 'checkpoint_every': 0}\n"
        "SoftmaxRegression(**settings).fit(X, labels, monitor=stop, **kept)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(xsoftmax.__file__).parents[1])}
    for how, ends in (("cut", 1), ("again", 0)):
        given = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "fit"), how]
        done = subprocess.run(given, capture_output=True, text=True, env=environment)
        assert done.returncode == ends, done.stderr
    assert "ZeroDivisionError" not in done.stderr


def test_a_hash_tells_arrays_and_numbers_apart():
    prior = np.zeros((40, 60))
    other = prior.copy()
    other[20:, 30:] = 1e-9
    found = [checkpoints.digest(x) for x in ((1, 12), (11, 2), prior, other, [prior, 1], None)]
    assert len(set(found)) == 6
    one, same = (np.asarray(["a" * 3, "b"], dtype=object) for _ in range(2))
    assert checkpoints.digest(one) == checkpoints.digest(same)


def test_minibatches_leave_nothing_but_the_last_state(tmp_path):
    X, y = blobs(600)
    path = tmp_path / "fit"
    model = SoftmaxRegression(solver="sgd", batch_size=10, max_iter=9, tol=0, random_state=0)
    cut_off(path, model, X, y)
    assert records_of(path) in ([], ["state"])


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", checkpoints.MAGIC, checkpoints.MAGIC + b"[1]\n", b"\x80\x04N."]
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "fit"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no checkpoint of xsoftmax"):
        SoftmaxRegression().fit(*blobs(), checkpoint=path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("damage", ["cut", "flipped", "lengths", "noise"])
def test_a_damaged_record_is_made_again(tmp_path, damage):
    X, y = blobs(90)
    path, expected = tmp_path / "fit", SoftmaxRegression().fit(X, y, checkpoint=tmp_path / "x")
    cut_off(path, SoftmaxRegression(), X, y)
    data = bytearray(path.read_bytes())
    first = data.index(b"\n") + 1
    if damage == "cut":
        data = data[:-7]
    elif damage == "flipped":
        data[-9] ^= 0xFF
    elif damage == "lengths":
        data[first : first + 8] = b"\xff" * 8
    else:
        data += os.urandom(100)
    path.write_bytes(data)
    found = SoftmaxRegression().fit(X, y, checkpoint=path)
    np.testing.assert_array_equal(found.coef_, expected.coef_)


def records_of(path):
    """The kinds of the records that another call would find."""
    line = path.read_bytes().splitlines()[0]
    owner = checkpoints.json.loads(line[len(checkpoints.MAGIC) :])
    return [record.kind for record in checkpoints._read(path, owner)[0]]


def test_what_follows_a_damaged_record_is_found_again(tmp_path):
    X, y = blobs(90)
    path = tmp_path / "fit"
    model = SoftmaxRegression(tol=1e-12)
    cut_off(path, model, X, y)
    path.write_bytes(path.read_bytes()[:-7])
    known = records_of(path)
    cut_off(path, model, X, y)
    assert len(records_of(path)) > len(known)


def test_a_disk_that_is_full_costs_a_warning(tmp_path):
    X, y = blobs(90)
    expected = SoftmaxRegression().fit(X, y, checkpoint=tmp_path / "x")

    class Full(checkpoints.Checkpoint):
        def _append(self, data):
            raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "Checkpoint", Full)
        with pytest.warns(UserWarning, match="cannot be written .No space left") as warned:
            found = SoftmaxRegression().fit(X, y, checkpoint=tmp_path / "fit", checkpoint_every=0.0)
    assert len(warned) == 1
    np.testing.assert_array_equal(found.coef_, expected.coef_)


def test_a_file_that_cannot_be_made_is_an_error_before_the_fit(tmp_path):
    with pytest.raises(IsADirectoryError, match="directory"):
        SoftmaxRegression().fit(*blobs(), checkpoint=tmp_path)
    with pytest.raises(ValueError, match="at least 0; got -1"):
        SoftmaxRegression().fit(*blobs(), checkpoint=tmp_path / "fit", checkpoint_every=-1)


def test_results_are_written_no_more_often_than_asked(tmp_path):
    X, y = blobs(90)
    sizes = []

    def look(*_):
        sizes.append((tmp_path / "fit").stat().st_size)

    SoftmaxRegression().fit(X, y, monitor=look, checkpoint=tmp_path / "fit", checkpoint_every=600)
    assert len(set(sizes)) == 1
