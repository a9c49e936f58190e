"""The function that training minimises, for many problems at once.

With row weights s_ki that sum to 1 per problem k, targets t, parameters theta_k of a network with
logits z_k (offsets are added to them), and a penalty strength p_kj that is 0 for intercepts:

    f_k(theta) = sum_i s_ki [ logsumexp_c z_kci - sum_c t_kci z_kci ] + 1/2 sum_j p_kj theta_kj^2

    dz_kci     = s_ki (softmax(z_ki)_c - t_kci)        the gradient is its backward, + p_kj theta_kj

For softmax regression p = 1 / (C_k S_k), with S_k the sum of the weights before they were scaled:
scikit-learn's objective divided by C_k S_k, so the minimiser is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log
from typing import Any, TypeVar

from ..arrays import (
    Array,
    block_values,
    compiled,
    computed_once,
    device,
    has_float64,
    index_dtype,
    indices_from_host,
    is_out_of_memory,
    megabytes,
    namespace,
    retry_on_out_of_memory,
    row_slices,
    values_there,
    vecdot,
)
from ..model.losses import weighted_cross_entropy
from ..model.network import Network
from ..sources import current_checkpoint, dense, windows
from .line_restriction import Iterate, LinearLineFunction, LineFunction, value_and_gradient_at
from .policy import DEFAULT, Policy
from .rows import Block, Rows, added

#: Vectors of parameters that a solver holds of each problem, for an error message.
SOLVER_COPIES = 50
GOLDEN_RATIO = 0.6180339887498949

Result = TypeVar("Result")


@dataclass(frozen=True)
class Objective:
    """Values and gradients of `n_problems` problems that share their rows.

    Parameters everywhere are (n_problems, n_parameters), values (n_problems,). `block_rows` is how
    many rows are worked on at a time; None lets temporaries fit a processor's cache. Beyond X and
    the parameters, memory holds a few arrays of `block_values` (more only if one row needs more),
    and for a linear model at most 4 times the logits that `policy` lets it keep.
    """

    network: Network
    rows: Rows
    penalty: Array  #: (n_problems, n_parameters)
    block_rows: int | None = None
    policy: Policy = DEFAULT

    @property
    def n_problems(self) -> int:
        """How many problems there are."""
        n_problems: int = self.penalty.shape[0]
        return n_problems

    @property
    def n_samples(self) -> int:
        """How many rows one pass reads."""
        return self.rows.n_samples

    @computed_once
    def strength(self) -> Array:
        """(n_problems,): the penalty of every weight."""
        return namespace(self.penalty).max(self.penalty, axis=1)

    @computed_once
    def values_at_zero(self) -> Array:
        """(n_problems,): f where all parameters are 0, if the weights sum to 1."""
        xp, offset, value = namespace(self.penalty), self.rows.offset, 0.0 * self.penalty[:, 0]
        if offset is None:  # every class is as probable as any other
            return value + log(self.network.layer_sizes[-1])
        one = xp.ones_like(self.penalty[:, :1])
        (losses,) = self.rows.reduce(partial(_loss_at_zero, one), added, self.block_size)
        return value + losses

    @computed_once
    def keeps_logits(self) -> bool:
        """Whether a trial step reads the logits of all rows instead of the rows."""
        n_logits = self.n_problems * self.network.n_logits * self.n_samples
        kept = values_there(self.policy.max_kept_logits, self.penalty)
        is_here = not self.rows.are_remote and current_checkpoint() is None
        return self.network.is_linear and n_logits <= kept and is_here

    def value_and_gradient(self, parameters: Array) -> tuple[Array, Array]:
        """f and its gradient, in one pass over the rows."""
        network = self.network
        gradient = self.penalty * parameters
        value = 0.5 * vecdot(gradient, parameters)
        of_block = partial(_loss_of_block, network, parameters)
        losses, part = self.rows.reduce(of_block, added, self.block_size)
        gradient += part
        return value + losses, gradient

    def evaluate(self, parameters: Array) -> Iterate:
        """The iterate at `parameters`, in one pass over the rows."""
        if not self.keeps_logits:
            return Iterate(parameters, *self.value_and_gradient(parameters))
        one = namespace(parameters).ones_like(parameters[:, 0])
        _, _, iterate = self.restrict_from_zero(parameters)(one)
        return iterate()

    def evaluate_at_zero(self, zeros: Array) -> Iterate:
        """The iterate at parameters of 0."""
        if not self.keeps_logits:
            return self.evaluate(zeros)
        logits, blocks = self._logits_at_zero(zeros), self.rows.blocks(self.block_size)
        value, gradient = value_and_gradient_at(self.network, self.penalty, blocks, zeros, logits)
        return Iterate(zeros, value, gradient, logits)

    def restrict(self, start: Iterate, direction: Array) -> LineFunction:
        """f restricted to start + step * direction, for a line search.

        Where the logits are linear in the parameters, the first trial step makes the only pass over
        the rows that is needed for it, and others read no row until the iterate is asked for.
        """
        if start.logits is not None and self.keeps_logits:
            blocks = partial(self.rows.blocks, self.block_size)
            return LinearLineFunction(self.network, self.penalty, blocks, start, direction)

        def at(step: Array) -> tuple[Array, Array, Callable[[], Iterate]]:
            parameters = start.parameters + step[:, None] * direction
            value, gradient = self.value_and_gradient(parameters)
            slope = vecdot(gradient, direction)
            return value, slope, lambda: Iterate(parameters, value, gradient)

        return at

    def restrict_from_zero(self, direction: Array) -> LineFunction:
        """f restricted to step * direction."""
        zeros = namespace(direction).zeros_like(direction)
        logits = self._logits_at_zero(direction) if self.keeps_logits else None
        return self.restrict(Iterate(zeros, zeros[:, 0], zeros, logits), direction)

    def _logits_at_zero(self, like: Array) -> Array:
        """(n_problems, n_logits, n_samples) where all parameters are 0, of `like`'s problems."""
        shape = like.shape[0], self.network.n_logits, self.n_samples
        logits = namespace(like).zeros(shape, dtype=like.dtype, device=like.device)
        return logits if self.rows.offset is None else logits + self.rows.offset

    def minibatches(self, batch_size: int, random_state: Any) -> Iterator[Objective]:
        """The objective on each of the minibatches of one epoch.

        `random_state`, a numpy RandomState, shuffles the rows on the host, so that one seed means
        the same batches on every backend; None takes them in order. The penalty stays that of the
        whole, so that every batch estimates the same f. Where few rows here and there cost much,
        minibatches are drawn from a window of shuffled pieces of the rows.
        """
        # Nothing is asked twice of a minibatch, so that logits are not worth keeping.
        policy = replace(self.policy, max_kept_logits=0)
        for rows, order in self._windows(batch_size, random_state):
            for some in row_slices(order.shape[0], batch_size):
                share = self.n_samples / order[some].shape[0]
                batch = rows.subsample_weighted(order[some], share)
                yield replace(self, rows=batch, policy=policy)

    def _windows(self, batch_size: int, random_state: Any) -> Iterator[tuple[Rows, Array]]:
        """Rows, and an order of them, in which all are met once."""
        like, dtype, n_samples = self.penalty, index_dtype(self.penalty), self.n_samples
        if self.rows.source.has_random_access:
            if random_state is None:
                yield self.rows, namespace(like).arange(n_samples, dtype=dtype, device=device(like))
            else:
                yield self.rows, indices_from_host(random_state.permutation(n_samples), like=like)
            return
        n_features, *_ = self.network.layer_sizes
        for window in windows(n_samples, batch_size, n_features, random_state):
            rows = self.rows.subsample_weighted(indices_from_host(window, like=like), 1.0)
            n_rows = len(window)
            order = range(n_rows) if random_state is None else random_state.permutation(n_rows)
            yield rows, indices_from_host(order, like=like)

    def subsample(self, n_rows: int) -> Objective:
        """An estimate from `n_rows` rows, or from all if there are no more.

        They are spread evenly but not periodically, so that rows in any periodic order are met as
        often as they occur.
        """
        if self.n_samples <= n_rows:
            return self
        xp, like = namespace(self.penalty), self.penalty
        # Single precision does not tell the places of rows apart where there are over 2^24.
        dtype = xp.float64 if has_float64(like) else like.dtype
        i = xp.arange(n_rows, dtype=dtype, device=like.device)
        places = (i + i * GOLDEN_RATIO % 1) * (self.n_samples / n_rows)
        rows = xp.astype(xp.minimum(places, self.n_samples - 1.0), index_dtype(like))
        return replace(self, rows=self.rows.subsample(rows))

    @property
    def gathered(self) -> Objective:
        """Itself, or where X is no array an estimate from as many rows as memory should hold.

        Curvature is made of these.
        """
        return self if self.rows.are_gathered else self._few_gathered

    @computed_once
    def _few_gathered(self) -> Objective:
        (n_features, *_), policy = self.network.layer_sizes, self.policy
        useful = 4 * max(policy.few_rows, policy.hessian_rows_per_parameter * n_features)
        n_rows = min(useful, max(1, policy.max_gathered_values // n_features))
        rows = self.subsample(n_rows).rows
        if rows is self.rows:
            like, dtype = self.penalty, index_dtype(self.penalty)
            every = namespace(like).arange(self.n_samples, dtype=dtype, device=device(like))
            rows = rows.subsample(every)
        return replace(self, rows=rows._replace(X=dense(rows.X)))

    def to_float32(self) -> Objective | None:
        """The same in single precision, where that tells the rows apart."""
        rows, xp = self.rows.to_float32(), namespace(self.penalty)
        if rows is None:
            return None
        return replace(self, rows=rows, penalty=xp.astype(self.penalty, xp.float32))

    def select(self, problems: Sequence[int]) -> Objective:
        """The objective of only some of the problems."""
        indices = indices_from_host(problems, like=self.penalty)
        penalty = namespace(self.penalty).take(self.penalty, indices, axis=0)
        return replace(self, rows=self.rows.select(problems), penalty=penalty)

    @computed_once
    def block_size(self) -> int:
        """Rows per block, such that temporaries stay small however many rows there are."""
        values = max(self.n_problems * self.network.n_units, self.rows.source.row_values // 4)
        rows = max(256, block_values(self.penalty) // values)
        return self.block_rows or min(self.n_samples, rows)

    def retry_on_out_of_memory(
        self, step: Callable[[Objective], Result]
    ) -> tuple[Result, Objective]:
        """`step` of the objective, and the objective with as many rows at a time as fit.

        While memory runs out the step is made again: first without kept logits, then with half as
        many rows at a time.
        """
        if self.keeps_logits:
            try:
                return step(self), self
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            forgetful = replace(self, policy=replace(self.policy, max_kept_logits=0))
            return forgetful.retry_on_out_of_memory(step)

        def in_blocks(n_rows: int) -> tuple[Result, Objective]:
            rows = self.rows._replace(max_block_rows=n_rows)
            is_same = n_rows == self.block_size
            smaller = self if is_same else replace(self, block_rows=n_rows, rows=rows)
            return step(smaller), smaller

        return retry_on_out_of_memory(in_blocks, self.block_size, self._sizes)

    def _sizes(self) -> str:
        """What there is to hold in memory, in words."""
        n_problems, n_parameters = self.penalty.shape
        copies = f"about {SOLVER_COPIES} copies of {megabytes(self.penalty)} each"
        rows = self.rows.source.describe()
        problems = f"{n_problems} problem(s) of {n_parameters} parameters"
        return f"{rows} and {problems}, of which a solver holds {copies}"


def _loss_at_zero(one: Array, block: Block) -> tuple[Array]:
    """(n_problems,): the losses of a block where the logits are its offset; `one` is (n, 1)."""
    logits = block.offset + 0.0 * one[:, :, None]
    losses, _ = weighted_cross_entropy(logits, block.targets, block.weights)
    return (namespace(losses).sum(losses, axis=(1, 2)),)


def _loss_of_block(network: Network, parameters: Array, block: Block) -> tuple[Array, Array]:
    """What a block adds to the value and to the gradient."""
    return _loss_of_rows(network, parameters, *block[1:])


@compiled
def _loss_of_rows(
    network: Network,
    parameters: Array,
    X: Array,
    targets: Array,
    weights: Array,
    offset: Array | None,
) -> tuple[Array, Array]:
    """What rows X add to the value and to the gradient."""
    logits, backward = network.forward(network.unpack(parameters), X)
    logits = logits if offset is None else logits + offset
    losses, dlogits = weighted_cross_entropy(logits, targets, weights)
    return namespace(losses).sum(losses, axis=(1, 2)), network.pack(backward(dlogits))
