"""Fits that run out of memory: smaller blocks, and an error that says what is too large."""

import sys
import tracemalloc
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV, datasets
from xsoftmax.arrays.memory import MIN_BLOCK_ROWS
from xsoftmax.model import network
from xsoftmax.objective.policy import DEFAULT

from ..problems import blobs


class OutOfMemoryError(RuntimeError):
    """Named as torch's is."""


ERRORS = [
    MemoryError("Unable to allocate 8.00 GiB"),
    OutOfMemoryError("CUDA out of memory."),
    RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8589934592 bytes."),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
    RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"),
]


@pytest.fixture
def memory(monkeypatch):
    """Room for so many rows of a product at a time; the sizes that were asked for."""
    dense, asked = network._dense, []

    def limit(n_rows, error=ERRORS[0]):
        def limited(W, b, A):
            asked.append(A.shape[0 if A.ndim == 2 else -1])
            if asked[-1] > n_rows:
                raise error
            return dense(W, b, A)

        monkeypatch.setattr(network, "_dense", limited)
        return asked

    # What JAX has compiled would not ask.
    jax = sys.modules.get("jax")
    with jax.disable_jit() if jax else nullcontext():
        yield limit


@pytest.mark.parametrize("error", ERRORS, ids=range(len(ERRORS)))
@pytest.mark.parametrize("solver", ["lbfgs", "gd", "adam"])
@pytest.mark.parametrize("kind", [SoftmaxRegression, MLPClassifier])
def test_a_fit_goes_on_with_smaller_blocks(xp, memory, kind, solver, error):
    X, y = blobs(n_samples=150)
    model = kind(solver=solver, max_iter=5, tol=0, random_state=0, batch_size=60)
    whole = [xp.host(W) for W, _ in model.fit(xp(X), y.tolist())._layers()]
    labels = xp.host(model.predict(xp(X)))
    asked = memory(50, error)
    parts = [xp.host(W) for W, _ in model.fit(xp(X), y.tolist())._layers()]
    for W, expected in zip(parts, whole, strict=True):
        np.testing.assert_allclose(W, expected, rtol=1e-6, atol=1e-9)
    assert max(asked) > 50
    assert max(size for size in asked if size <= 50) > 25
    assert sum(size > 50 for size in asked) <= 6  # what was found is kept
    np.testing.assert_array_equal(xp.host(model.predict(xp(X))), labels)


def test_partial_fit_and_a_sweep_go_on_with_smaller_blocks(memory):
    X, y = blobs(n_samples=150)
    expected = SoftmaxRegressionCV([0.1, 1.0], cv=3).fit(X, y).scores_
    memory(50)
    np.testing.assert_allclose(SoftmaxRegressionCV([0.1, 1.0], cv=3).fit(X, y).scores_, expected)
    SoftmaxRegression(solver="adam").partial_fit(X, y, classes=[0, 1, 2])


def test_a_fit_that_fits_in_no_blocks_says_what_is_too_large(xp, memory):
    X, y = blobs(n_samples=150)
    model = SoftmaxRegression().fit(xp(X), y.tolist())
    asked = memory(0)
    described = r"Out of memory with X of shape \(150, 5\) \(.*float64, 0.0 MB, .*\)"
    with pytest.raises(MemoryError, match=described + ".* 1 problem.* 18 parameters") as failure:
        SoftmaxRegression().fit(xp(X), y.tolist())
    assert f"in blocks of {MIN_BLOCK_ROWS} rows. Free memory" in str(failure.value)
    assert failure.value.__cause__ is ERRORS[0]
    assert MIN_BLOCK_ROWS in asked
    with pytest.raises(MemoryError, match=described):
        model.predict(xp(X))


@pytest.mark.parametrize("method", ["predict", "score"])
def test_wide_rows_in_half_precision_are_expanded_block_by_block(method):
    X = np.random.default_rng(0).standard_normal((20_000, 2048)).astype("float16")
    y = np.arange(len(X)) % 2
    model = SoftmaxRegression().fit(X[:20], y[:20])
    tracemalloc.start()
    model.predict(X) if method == "predict" else model.score(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.25 * (2 * X.nbytes)  # in single precision


def test_wide_rows_in_half_precision_are_read_block_by_block(tmp_path, rng):
    X = rng.standard_normal((20_000, 256)).astype(np.float16)
    X[15_000, 7] = np.nan
    np.save(tmp_path / "bad.npy", X)
    with pytest.raises(ValueError, match=r"row 15000, column 7 .* is nan"):
        datasets.load_rows(tmp_path / "bad.npy", datasets.Schema(256))
    np.save(tmp_path / "X.npy", np.nan_to_num(X))
    tracemalloc.start()
    datasets.load_rows(tmp_path / "X.npy", datasets.Schema(256))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.3 * X.nbytes


def test_a_fit_does_not_try_again_after_other_errors(memory):
    asked = memory(0, RuntimeError("cuBLAS failed"))
    with pytest.raises(RuntimeError, match="cuBLAS"):
        SoftmaxRegression().fit(*blobs())
    assert len(asked) == 1


def test_a_sweep_never_holds_the_logits_of_all_rows_and_problems():
    """Its peak of memory grows with the rows by less than half of those logits."""
    n_classes, n_folds, peaks = 40, 5, []
    for n_samples in (8000, 20_000):
        X, y = blobs(n_samples=n_samples, n_features=8, n_classes=n_classes, spread=2.0)
        model = SoftmaxRegressionCV([0.1, 1.0], cv=n_folds, block_rows=256)
        # Hessians take memory too.
        model._policy = replace(DEFAULT, max_kept_logits=1 << 14, max_cost_of_newton=0.0)
        tracemalloc.start()
        model.fit(X, y)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    logits_per_row = 8 * n_classes * n_folds
    assert peaks[1] - peaks[0] < 0.5 * logits_per_row * 12_000
