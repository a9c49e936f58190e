"""Ours and the peers, each with a ladder of settings from loose to tight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn import config_context
from sklearn.linear_model import LogisticRegression

from xsoftmax import SoftmaxRegression, arrays

from .problems import Problem
from .timing import threads

#: The loosest are for problems that gain little of the objective: a tolerance is of the gain.
OUR_TOLERANCES = (3.0, 1.0, 0.3, *(10.0**-k for k in range(1, 13)))

Answer = tuple[Any, Any]  #: coef_ and intercept_, as NumPy arrays


class Contender(NamedTuple):
    """`solve(problem, setting)` answers; settings go from loose to tight."""

    settings: tuple[float, ...]
    solve: Callable[[Problem, float], Answer]


def ours(backend: str = "numpy", max_iter: int = 20_000, policy: Any = None) -> Contender:
    """xsoftmax; on a GPU the rows are there already, and the answer is copied back."""
    there = _once_moved(backend)

    def solve(problem: Problem, tol: float) -> Answer:
        model = SoftmaxRegression(problem.C, tol=tol, max_iter=max_iter)
        if policy is not None:
            model._policy = policy
        model.fit(*there(problem))
        return arrays.to_host(model.coef_), arrays.to_host(model.intercept_)

    return Contender(OUR_TOLERANCES, solve)


def plain_lbfgs(backend: str = "numpy", max_iter: int = 20_000) -> Contender:
    """xsoftmax's L-BFGS without curvature: no inverse Hessians, samples or single precision."""
    from xsoftmax.objective.policy import PLAIN  # which other commits may lack

    return ours(backend, max_iter, PLAIN)


def _once_moved(backend: str) -> Callable[[Problem], tuple[Any, Any]]:
    """X and y of a problem on the backend, moved at the first call for it."""
    place = arrays.backend(backend)
    moved: dict[int, tuple[Any, Any]] = {}

    def there(problem: Problem) -> tuple[Any, Any]:
        if id(problem.X) not in moved:
            moved.clear()
            moved[id(problem.X)] = place.asarray(problem.X), place.asarray(problem.y)
        return moved[id(problem.X)]

    return there


def scikit_learn(solver: str, n_threads: int | None = None) -> Contender:
    """LogisticRegression, with at most so many BLAS threads."""

    def solve(problem: Problem, tol: float) -> Answer:
        with threads(n_threads):
            model = LogisticRegression(C=problem.C, solver=solver, tol=tol, max_iter=20_000)
            model.fit(problem.X, problem.y)
        return model.coef_, model.intercept_

    return Contender(tuple(10.0**-k for k in range(1, 13)), solve)


def scikit_learn_there(backend: str) -> Contender:
    """LogisticRegression on the backend's arrays; SCIPY_ARRAY_API=1 must be set."""
    there = _once_moved(backend)

    def solve(problem: Problem, tol: float) -> Answer:
        X, y = there(problem)
        with config_context(array_api_dispatch=True):
            model = LogisticRegression(C=problem.C, tol=tol, max_iter=20_000).fit(X, y)
        return arrays.to_host(model.coef_), arrays.to_host(model.intercept_)

    return Contender(tuple(10.0**-k for k in range(1, 13)), solve)


def torch_lbfgs(device: str = "cpu") -> Contender:
    """torch.optim.LBFGS with its strong Wolfe line search; the setting is the iterations."""
    import torch

    def solve(problem: Problem, max_iter: float) -> Answer:
        X = torch.as_tensor(problem.X, device=device)  # moved each time: 10 ms for MNIST
        y = torch.as_tensor(problem.y, device=device)
        n_classes = int(problem.y.max()) + 1
        W = torch.zeros(n_classes, X.shape[1], dtype=X.dtype, device=device, requires_grad=True)
        b = torch.zeros(n_classes, dtype=X.dtype, device=device, requires_grad=True)
        # Two rows that differ by w have ||W||^2 = ||w||^2 / 2.
        strength = (2 if n_classes == 2 else 1) / (2 * problem.C * len(X))
        optimizer = torch.optim.LBFGS(
            [W, b],
            max_iter=int(max_iter),
            max_eval=10 * int(max_iter),
            tolerance_grad=0,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Any:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(X @ W.T + b, y) + strength * (W * W).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        coef, intercept = W.detach().cpu().numpy(), b.detach().cpu().numpy()
        if n_classes == 2:
            return np.diff(coef, axis=0), np.diff(intercept)
        return coef, intercept

    return Contender(tuple(float(5 * 2**k) for k in range(9)), solve)


def jax_lbfgs() -> Contender:
    """SciPy's L-BFGS-B over JAX's compiled value and gradient; the setting is its tolerance.

    Compiling falls into the first repetition.
    """
    import jax
    import jax.numpy as jnp
    from scipy.optimize import minimize

    jax.config.update("jax_enable_x64", True)

    @jax.jit
    def value_and_gradient(theta: Any, X: Any, y: Any, strength: Any) -> Any:
        def mean_loss(theta: Any) -> Any:
            W = theta[:, :-1]
            Z = X @ W.T + theta[:, -1]
            at_labels = jnp.take_along_axis(Z, y[:, None], axis=1)[:, 0]
            loss = jax.scipy.special.logsumexp(Z, axis=1) - at_labels
            return loss.mean() + strength * (W * W).sum()

        return jax.value_and_grad(mean_loss)(theta)

    def solve(problem: Problem, tol: float) -> Answer:
        n_classes = int(problem.y.max()) + 1
        shape = n_classes, problem.X.shape[1] + 1
        X, y = jnp.asarray(problem.X), jnp.asarray(problem.y)
        strength = (2 if n_classes == 2 else 1) / (2 * problem.C * len(problem.X))

        def at(theta: np.ndarray) -> tuple[float, np.ndarray]:
            theta = jnp.asarray(theta.reshape(shape), dtype=X.dtype)
            value, gradient = value_and_gradient(theta, X, y, strength)
            return float(value), np.asarray(gradient, dtype=np.float64).ravel()

        found = minimize(
            at, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B",
            options={"maxiter": 20_000, "maxfun": 40_000, "gtol": tol, "ftol": 1e-16},
        )  # fmt: skip
        W = found.x.reshape(shape)
        coef, intercept = W[:, :-1], W[:, -1]
        return (np.diff(coef, axis=0), np.diff(intercept)) if n_classes == 2 else (coef, intercept)

    return Contender(tuple(10.0**-k for k in range(1, 13)), solve)
