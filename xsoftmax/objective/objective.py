"""The function that training minimises, for many problems at once.

With row weights s_ki that sum to 1 per problem k, targets t, parameters theta_k of a network with
logits z_k, and a penalty strength p_kj that is 0 for intercepts:

    f_k(theta) = sum_i s_ki [ logsumexp_c z_kci - sum_c t_ci z_kci ] + 1/2 sum_j p_kj theta_kj^2

    dz_kci     = s_ki (softmax(z_ki)_c - t_ci)         the gradient is its backward, + p_kj theta_kj

For softmax regression p = 1 / (C_k S_k), with S_k the sum of the weights before they were scaled:
scikit-learn's objective divided by C_k S_k, so the minimiser is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log
from typing import Any

from ..arrays import (
    Array,
    block_values,
    compiled,
    computed_once,
    described,
    index_dtype,
    indices_from_host,
    megabytes,
    namespace,
    on_accelerator,
    row_slices,
    to_list,
)
from ..curvature.covariances import anisotropy
from ..curvature.hessian import (
    Contrasts,
    Design,
    DiagonalInverse,
    contrasts,
    inverse_hessian,
    inverse_hessian_cost,
    rows_that_suffice,
    sampling_error,
    whole_design,
)
from ..curvature.preconditioner import Preconditioner, evaluation_cost, precondition, spectrum_cost
from ..model.losses import class_curvatures, curvature_product, weighted_cross_entropy
from ..model.network import Layer, Network
from .line_restriction import LinearRay, Point, Ray, gradient_at
from .rows import ArrayRows, Block

#: Logits of all rows are kept for the line search of a linear model when they are fewer than this,
#: and on a GPU fewer than the second.
KEPT_VALUES, KEPT_ON_ACCELERATOR = 1 << 23, 1 << 28
#: A sample is one row of so many.
SAMPLE_STRIDE = 4
#: A sample of fewer rows says too little of where the minimum is.
SAMPLED_PER_FEATURE, SAMPLED_PER_CLASS = 16, 50
#: On fewer times the rows that make a Hessian a step costs nearly as much as on more.
ROWS_PER_HESSIAN_ROW = 4
#: With fewer for each parameter its minimum would follow what is particular to its rows.
ROWS_PER_PARAMETER = 10
#: Vectors of parameters that L-BFGS keeps of each problem.
SOLVER_COPIES = 50
GOLDEN_RATIO = 0.6180339887498949
#: A row with less curvature is as straight as numbers can tell.
CURVED = 1e-30
#: A sample is worth its calls if an evaluation of it costs so many multiplications.
WORTH_A_SAMPLE = 20_000_000
#: Rows that foretell how uneven curvature is: an eighth, but no fewer and no more than these.
FEW_PROBED, MANY_PROBED = 256, 1024
#: Curvature pays at once where the largest is so many times the mean. Of 50 problems drawn at
#: random, nearly all with less took longer so, and nearly all with more less long.
UNEVEN = 4.0
#: Evaluations that an exact inverse Hessian saves.
CHEAP = 4


@dataclass(frozen=True)
class Objective:
    """Values and gradients of `n_problems` problems that share their rows.

    Parameters everywhere are (n_problems, n_parameters), values (n_problems,). `block_rows` is how
    many rows are worked on at a time; None lets temporaries fit a processor's cache. Beyond X and
    the parameters, memory holds a few arrays of `block_values` (more only if one row needs more),
    and for a linear model at most 4 times `KEPT_VALUES` logits (on a GPU 32 times as many).
    """

    network: Network
    rows: ArrayRows
    penalty: Array  #: (n_problems, n_parameters)
    block_rows: int | None = None

    @property
    def n_samples(self) -> int:
        """How many rows one pass reads."""
        return self.rows.n_samples

    @computed_once
    def block_size(self) -> int:
        """Rows per block, such that temporaries stay small however many rows there are."""
        n_features, *_ = self.network.layer_sizes
        values = max(self.penalty.shape[0] * self.network.n_units, n_features // 4)
        rows = max(256, block_values(self.penalty) // values)
        return self.block_rows or min(self.n_samples, rows)

    def in_blocks(self, n_rows: int) -> Objective:
        """The same objective, so many rows at a time."""
        if n_rows == self.block_size:
            return self
        return replace(self, block_rows=n_rows, rows=self.rows._replace(most=n_rows))

    def sizes(self) -> str:
        """What there is to hold in memory, in words."""
        (n_problems, n_parameters), X = self.penalty.shape, self.rows.X
        return (
            f"{described(X)} and {n_problems} problem(s) of {n_parameters} parameters, of which "
            f"a solver holds about {SOLVER_COPIES} copies of {megabytes(self.penalty)} each"
        )

    @computed_once
    def keeps_logits(self) -> bool:
        """Whether a trial step reads the logits of all rows instead of the rows."""
        n_logits = self.penalty.shape[0] * self.network.n_logits * self.n_samples
        kept = KEPT_ON_ACCELERATOR if on_accelerator(self.penalty) else KEPT_VALUES
        return self.network.is_linear and n_logits <= kept

    @computed_once
    def hessian_is_cheap(self) -> bool:
        """Whether exact Hessians cost no more than the evaluations that they save."""
        n_problems, network = self.penalty.shape[0], self.network
        if not network.is_linear:
            return False
        inverse = inverse_hessian_cost(network, self.n_samples, n_problems)
        return inverse <= CHEAP * evaluation_cost(network, self.n_samples, n_problems)

    @computed_once
    def sample_is_cheap(self) -> bool:
        """Whether a step on `sample` costs much less than one on all rows."""
        n_rows, n_problems = self.n_samples // SAMPLE_STRIDE, self.penalty.shape[0]
        if not self.network.is_linear:
            return False
        if not self.hessian_is_cheap:
            return evaluation_cost(self.network, n_rows, n_problems) >= WORTH_A_SAMPLE
        enough = ROWS_PER_HESSIAN_ROW * rows_that_suffice(self.network)
        return n_rows >= enough

    @computed_once
    def hessian_error(self) -> float:
        """What a step by the inverse Hessian of few rows leaves of the squared decrement."""
        return sampling_error(self.network, self.n_samples)

    @computed_once
    def contrasts(self) -> Contrasts:
        """In which the Hessian is inverted."""
        return contrasts(self.network, self.penalty, self.rows.middle)

    @computed_once
    def design(self) -> Design | None:
        """All rows as Hessians see them, if those are so few that it is worth keeping."""
        return whole_design(self.network, self.rows)

    @property
    def is_plain(self) -> bool:
        """Whether no cell of the rows is large: see `Features`."""
        return self.rows.is_plain

    @property
    def in_double(self) -> bool:
        """Whether values are computed in double precision."""
        return self.penalty.dtype == namespace(self.penalty).float64

    def hessian_product(self, point: Point, vector: Array) -> Array:
        """H v for a linear model at `point`, with v like the parameters, in one pass."""
        network, product = self.network, self.penalty * vector
        for block in self.rows.seen_blocks(self.block_size):
            change, _ = network.forward(network.unpack(block.of_seeing(vector)), block.X)
            curved = curvature_product(block.of_seeing(self._logits_at(point, block)), change)
            gradient = network.linear_gradient(block.weights * curved, block.X)
            product += block.of_all(network.pack(gradient))
        return product

    def inverse_diagonal(self, point: Point) -> DiagonalInverse:
        """The inverse of the Hessian's diagonal at `point`, for a linear model, in one pass."""
        xp, network, rows = namespace(point.value), self.network, self.rows
        squares: Any = 0.0
        mass: Any = 0.0
        for block in rows.blocks(self.block_size):
            curved = block.weights * class_curvatures(self._logits_at(point, block))
            X = rows.from_middle(block.X)
            squares = squares + xp.matmul(curved, X * X)
            mass = mass + xp.sum(curved, axis=2)
        return DiagonalInverse.of(network, squares, mass, self.strength, rows.middle)

    def gap_bound(self, point: Point) -> Array:
        """(n_problems,): what f may at most be above its minimum, or f itself if that is less.

        A linear model is strongly convex in its weights, so that with the intercepts at their best
        f - f* <= |g_W|^2 / (2 p). And f* >= 0. Intercepts are at their best near a minimum, where
        this is asked.
        """
        xp, ((W, b),) = namespace(point.value), self.network.unpack(point.gradient)
        if b is not None and self.rows.middle is not None:
            W = W - b[:, :, None] * self.rows.middle
        p = xp.maximum(self.strength, xp.finfo(W.dtype).smallest_normal)
        return xp.minimum(0.5 * xp.sum(W * W, axis=(1, 2)) / p, point.value)

    def _logits_at(self, point: Point, block: Block) -> Array:
        """The logits of a block of rows at `point`."""
        if point.logits is not None:
            return point.logits[:, :, block.span]
        return self.network.forward(self.network.unpack(point.parameters), block.X)[0]

    def logit_change(self, point: Point, direction: Array, of_all_rows: bool = False) -> Array:
        """(n_problems,): how much more a step along `direction` changes one logit of a row than
        another, at most.

        Unless it is to be `of_all_rows`, which takes less time, rows that weigh nothing, and those
        whose probabilities are 0 and 1 to the last digit at `point`, do not count: nothing that
        they could tell is left.
        """
        xp, network = namespace(direction), self.network
        largest = xp.zeros_like(point.value)
        for block in self.rows.blocks(self.block_size):
            change, _ = network.forward(network.unpack(direction), block.X)
            if network.n_logits == 1:  # the other class's logit is always 0
                change = xp.concat([change, xp.zeros_like(change)], axis=1)
            change = xp.max(change, axis=1) - xp.min(change, axis=1)
            if not of_all_rows:
                curvature = xp.max(class_curvatures(self._logits_at(point, block)), axis=1)
                change = xp.where(curvature * block.weights[:, 0, :] > CURVED, change, 0.0)
            largest = xp.maximum(largest, xp.max(change, axis=1))
        return largest

    def inverse_hessian(self, point: Point, few: bool) -> Array:
        """At `point`, one of each problem, in `contrasts`; about that if `few` rows will do."""
        network, frame, layers = self.network, self.contrasts, self.network.unpack(point.parameters)
        return inverse_hessian(network, self.rows, layers, point.logits, frame, self.design, few)

    @computed_once
    def strength(self) -> Array:
        """(n_problems,): the penalty of every weight."""
        return namespace(self.penalty).max(self.penalty, axis=1)

    @property
    def null_value(self) -> float:
        """f where all parameters are 0 and every class is as probable as any other, if the weights
        sum to 1.
        """
        return log(self.network.layer_sizes[-1])

    def value_and_gradient(self, parameters: Array) -> tuple[Array, Array]:
        """f and its gradient, in one pass over the rows."""
        xp, network = namespace(parameters), self.network
        gradient = self.penalty * parameters
        value = 0.5 * xp.vecdot(gradient, parameters)
        for block in self.rows.seen_blocks(self.block_size):
            losses, part = _loss_of_rows(
                network, block.of_seeing(parameters), block.X, block.targets, block.weights
            )
            value = value + block.of_all(losses)
            gradient += block.of_all(part)
        return value, gradient

    def start(self, parameters: Array) -> Point:
        """Where to start, at `parameters` or lower.

        A linear model drops what its classes have in common: that changes no probability, and no
        step from there brings it back.
        """
        return self.at(self.network.centered(parameters) if self.network.is_linear else parameters)

    def origin(self, parameters: Array) -> Point:
        """The point at `parameters` of 0, where every class is as probable as any other."""
        if not self.keeps_logits:
            return self.at(parameters)
        logits = self._no_logits(parameters)
        value = _null_values(self.null_value, self.rows.weights, parameters)
        blocks = self.rows.seen_blocks(self.block_size)
        gradient = gradient_at(self.network, self.penalty, blocks, parameters, logits)
        return Point(parameters, value, gradient, logits)

    def at(self, parameters: Array) -> Point:
        """The point at `parameters`, in one pass over the rows."""
        if not self.keeps_logits:
            return Point(parameters, *self.value_and_gradient(parameters))
        ray, length = self.from_zero(parameters), namespace(parameters).ones_like(parameters[:, 0])
        _, _, point = ray(length)
        return point()

    def from_zero(self, direction: Array) -> Ray:
        """f restricted to step * direction."""
        nowhere = namespace(direction).zeros_like(direction)
        logits = self._no_logits(direction) if self.keeps_logits else None
        return self.along(Point(nowhere, nowhere[:, 0], nowhere, logits), direction)

    def _no_logits(self, like: Array) -> Array:
        shape = like.shape[0], self.network.n_logits, self.n_samples
        return namespace(like).zeros(shape, dtype=like.dtype, device=like.device)

    def along(self, start: Point, direction: Array) -> Ray:
        """f restricted to start + step * direction, for a line search.

        Where the logits are linear in the parameters, the first trial step makes the only pass over
        the rows that is needed for it, and others read no row until the point is asked for.
        """
        if start.logits is not None:
            blocks = partial(self.rows.seen_blocks, self.block_size)
            return LinearRay(self.network, self.penalty, blocks, start, direction)

        def ray(step: Array) -> tuple[Array, Array, Callable[[], Point]]:
            parameters = start.parameters + step[:, None] * direction
            value, gradient = self.value_and_gradient(parameters)
            slope = namespace(gradient).vecdot(gradient, direction)
            return value, slope, lambda: Point(parameters, value, gradient)

        return ray

    @computed_once
    def curvature_pays(self) -> bool:
        """Whether to buy curvature before anything was evaluated.

        It is worth most where some directions are much more curved than others, which few rows
        foretell; and whole eigenvectors may cost next to nothing.
        """
        network, n_samples = self.network, self.n_samples
        if not network.is_linear:
            return False
        evaluation = evaluation_cost(network, n_samples, self.penalty.shape[0])
        if spectrum_cost(network, n_samples) <= evaluation:
            return True
        probed = self.few(min(MANY_PROBED, max(FEW_PROBED, n_samples // 8)))
        (block,) = probed.rows.blocks(probed.n_samples)
        return to_list(anisotropy(network, block.X, self.strength, n_samples)) >= UNEVEN

    def preconditioner(
        self, point: Point, n_evaluations: int, damping: float, first: bool = False
    ) -> Preconditioner | None:
        """An approximate inverse Hessian at `point`, for about as much as `n_evaluations` of f.

        The further the minimum may be, from 0 to 1, the more `damping` should there be. Of the
        `first` more is asked, which takes two transfers to the host: whether squares overflow, and
        whether `point` is at 0.
        """
        if not self.network.is_linear:
            return None
        layers: list[Layer] | None = self.network.unpack(point.parameters)
        if first and not to_list(namespace(point.parameters).any(point.parameters != 0)):
            layers = None
        rows, strength, logits = self.rows, self.strength, point.logits
        return precondition(
            self.network, rows, strength, layers, n_evaluations, damping, first, logits
        )

    def precondition(self, preconditioner: Preconditioner | None, gradient: Array) -> Array:
        """The preconditioner's product with k gradients of each problem, (k n_problems, ...)."""
        if preconditioner is None:
            return gradient
        strength, k = self.strength, gradient.shape[0] // self.penalty.shape[0]
        if k > 1:
            strength = namespace(gradient).concat([strength] * k)
        return preconditioner.apply(gradient, strength)

    def minibatches(self, batch_size: int, random_state) -> Iterator[Objective]:
        """The objective on each of the minibatches of one epoch.

        `random_state`, a numpy RandomState, shuffles the rows on the host, so that one seed means
        the same batches on every backend; None takes them in order. The penalty stays that of the
        whole, so that every batch estimates the same f.
        """
        if random_state is None:
            like, dtype = self.penalty, index_dtype(self.penalty)
            order = namespace(like).arange(self.n_samples, dtype=dtype, device=like.device)
        else:
            order = indices_from_host(random_state.permutation(self.n_samples), like=self.penalty)
        for rows in row_slices(self.n_samples, batch_size):
            yield replace(self, rows=self.rows.sample(order[rows]))

    def sample(self) -> Objective | None:
        """An estimate of a linear model's objective from a quarter of the rows, if those suffice.

        They are spread evenly but not periodically, so that rows in any periodic order are met as
        often as they occur. Few rows for what there is to learn are penalised as if they were all,
        with the same C: `SAMPLE_STRIDE` times as much.
        """
        n_features, *_, n_classes = self.network.layer_sizes
        n_rows = self.n_samples // SAMPLE_STRIDE
        enough = max(SAMPLED_PER_FEATURE * n_features, SAMPLED_PER_CLASS * n_classes)
        if not self.network.is_linear or n_rows < enough:
            return None
        xp, like = namespace(self.penalty), self.penalty
        i = xp.arange(n_rows, dtype=like.dtype, device=like.device)
        places = (i + i * GOLDEN_RATIO % 1) * (self.n_samples / n_rows)
        rows = xp.astype(xp.clip(places, max=self.n_samples - 1), index_dtype(like))
        few = n_rows < ROWS_PER_PARAMETER * self.network.n_parameters
        penalty = SAMPLE_STRIDE * self.penalty if few else self.penalty
        return replace(self, rows=self.rows.sample(rows), penalty=penalty)

    def in_single(self) -> Objective | None:
        """The same in single precision, where that tells the rows apart."""
        rows, xp = self.rows.in_single(), namespace(self.penalty)
        if rows is None:
            return None
        return replace(self, rows=rows, penalty=xp.astype(self.penalty, xp.float32))

    def few(self, n_rows: int) -> Objective:
        """An estimate from `n_rows` rows at even distances, or all if there are no more."""
        if self.n_samples <= n_rows:
            return self
        places = [i * self.n_samples // n_rows for i in range(n_rows)]
        return replace(self, rows=self.rows.sample(indices_from_host(places, like=self.penalty)))

    def take(self, problems: Sequence[int]) -> Objective:
        """The objective of only some of the problems."""
        indices = indices_from_host(problems, like=self.penalty)
        penalty = namespace(self.penalty).take(self.penalty, indices, axis=0)
        return replace(self, rows=self.rows.take(problems), penalty=penalty)


@compiled
def _loss_of_rows(
    network: Network, parameters: Array, X: Array, targets: Array, weights: Array
) -> tuple[Array, Array]:
    """What rows X add to the value and to the gradient."""
    logits, backward = network.forward(network.unpack(parameters), X)
    losses, dlogits = weighted_cross_entropy(logits, targets, weights)
    return namespace(losses).sum(losses, axis=(1, 2)), network.pack(backward(dlogits))


@compiled
def _null_values(null: float, weights: Array, parameters: Array) -> Array:
    """(n_problems,): the losses of all rows at `parameters` of 0, each `null`."""
    mass = namespace(weights).sum(weights, axis=1)  # not 1 where rows are a sample
    return null * mass + parameters[:, 0]
