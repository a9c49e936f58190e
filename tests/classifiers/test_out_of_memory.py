"""Running out of memory: smaller blocks, and an error that says what is too large."""

import sys
import tracemalloc
import weakref
from contextlib import nullcontext

import numpy as np
import pytest

from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV, datasets
from xsoftmax.arrays import memory as blocks
from xsoftmax.arrays import with_room
from xsoftmax.arrays.memory import FEWEST_ROWS
from xsoftmax.curvature import covariances as curvature
from xsoftmax.model import network
from xsoftmax.objective import line_restriction as rays_module
from xsoftmax.objective import objective
from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import LBFGS, Status, minimize

from .problem_table import Approximated
from .problems import blobs, objective_on, start


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
            asked.append(A.shape[-1])
            if A.shape[-1] > n_rows:
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


def test_partial_fit_and_a_sweep_go_on_too(memory):
    X, y = blobs(n_samples=150)
    expected = SoftmaxRegressionCV([0.1, 1.0], cv=3).fit(X, y).scores_
    memory(50)
    np.testing.assert_allclose(SoftmaxRegressionCV([0.1, 1.0], cv=3).fit(X, y).scores_, expected)
    SoftmaxRegression(solver="adam").partial_fit(X, y, classes=[0, 1, 2])


def test_what_does_not_fit_in_any_blocks_is_described(xp, memory):
    X, y = blobs(n_samples=150)
    model = SoftmaxRegression().fit(xp(X), y.tolist())
    asked = memory(0)
    described = r"Out of memory with X of shape \(150, 5\) \(.*float64, 0.0 MB, .*\)"
    with pytest.raises(MemoryError, match=described + ".* 1 problem.* 18 parameters") as failure:
        SoftmaxRegression().fit(xp(X), y.tolist())
    assert f"in blocks of {FEWEST_ROWS} rows. Free memory" in str(failure.value)
    assert failure.value.__cause__ is ERRORS[0]
    assert FEWEST_ROWS in asked
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


def test_so_does_reading_them(tmp_path, rng):
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


def test_other_errors_are_not_tried_again(memory):
    asked = memory(0, RuntimeError("cuBLAS failed"))
    with pytest.raises(RuntimeError, match="cuBLAS"):
        SoftmaxRegression().fit(*blobs())
    assert len(asked) == 1


def test_what_did_not_fit_is_let_go_before_the_next_try():
    alive = []

    def step(n_rows):
        assert not any(large() is not None for large in alive)
        large = np.zeros(n_rows)
        alive.append(weakref.ref(large))
        if n_rows > 300:
            raise MemoryError
        return n_rows

    assert with_room(step, 1000, str) == 250
    assert len(alive) == 3


def test_a_gpu_is_given_larger_blocks(monkeypatch):
    X = np.zeros((4, 2))
    assert blocks.block_values(X) == blocks.BLOCK_VALUES
    monkeypatch.setattr(blocks, "on_accelerator", lambda x: True)
    assert blocks.block_values(X) == blocks.BLOCK_VALUES * blocks.ACCELERATOR_FACTOR


def test_a_metric_made_of_all_rows_shrinks_too(memory):
    X, y = blobs(n_samples=150, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    objective = Approximated(objective.network, objective.rows, objective.penalty)
    solver = LBFGS(tol=1e-6, refresh=3)
    whole = minimize(objective, 0 * objective.penalty, solver, max_iter=100)
    memory(50)
    parts = minimize(objective, 0 * objective.penalty, solver, max_iter=100)
    assert parts.statuses == [Status.CONVERGED]
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-6)


def test_memory_that_runs_out_in_a_later_trial(monkeypatch):
    X, y = blobs(n_samples=150, n_features=4, spread=1.5)
    objective = objective_on(np.asarray, X, y, Cs=(0.1, 10.0, 1e4))
    objective = Approximated(objective.network, objective.rows, objective.penalty)
    whole = minimize(objective, start(objective, scale=3.0), LBFGS(tol=1e-6), max_iter=100)
    gradient_at, asked = rays_module.gradient_at, []

    def limited(network, penalty, blocks, parameters, logits):
        blocks = list(blocks)
        asked.append(blocks[0].span.stop)
        if asked[-1] > 50:
            raise MemoryError
        return gradient_at(network, penalty, blocks, parameters, logits)

    monkeypatch.setattr(rays_module, "gradient_at", limited)
    parts = minimize(objective, start(objective, scale=3.0), LBFGS(tol=1e-6), max_iter=100)
    assert max(asked) > 50 >= min(asked)
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-6)


def test_no_room_for_a_sample_is_no_sample(monkeypatch):
    X, y = blobs(n_samples=1200)

    def no_room(objective):
        raise MemoryError

    expected = SoftmaxRegression(tol=1e-12).fit(X, y).coef_
    monkeypatch.setattr(Objective, "sample", no_room)
    model = SoftmaxRegression(tol=1e-12).fit(X, y)
    np.testing.assert_allclose(model.coef_, expected, atol=1e-5)


def test_only_the_last_point_is_kept_while_the_next_is_sought(monkeypatch):
    X, y = blobs(n_samples=150, spread=2.0)
    objective, points = objective_on(np.asarray, X, y), []
    along = Objective.along

    def watched(objective, start, direction):
        points.append(weakref.ref(start.logits))
        assert sum(point() is not None for point in points) == 1
        return along(objective, start, direction)

    monkeypatch.setattr(Objective, "along", watched)
    minimize(objective, 0 * objective.penalty, LBFGS(tol=1e-10), max_iter=20)
    assert len(points) > 4


def test_a_sweep_never_holds_the_logits_of_all_rows_and_problems(monkeypatch):
    """Its peak of memory grows with the rows by less than half of those logits."""
    for module, name in (
        (blocks, "BLOCK_VALUES"),
        (objective, "KEPT_VALUES"),
        (curvature, "SAMPLE_VALUES"),
    ):
        monkeypatch.setattr(module, name, 1 << 14)
    monkeypatch.setattr(objective.Objective, "hessian_is_cheap", False)  # Hessians take memory too
    n_classes, n_folds, peaks = 40, 5, []
    for n_samples in (4000, 16_000):
        X, y = blobs(n_samples=n_samples, n_features=8, n_classes=n_classes, spread=2.0)
        tracemalloc.start()
        SoftmaxRegressionCV([0.1, 1.0], cv=n_folds).fit(X, y)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    logits_per_row = 8 * n_classes * n_folds
    assert peaks[1] - peaks[0] < 0.5 * logits_per_row * 12_000
