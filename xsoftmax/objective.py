"""The function that training minimises, for many problems at once.

With row weights s_ki that sum to 1 per problem k, targets t, parameters theta_k of a network with
logits z_k, and a penalty strength p_kj that is 0 for intercepts:

    f_k(theta) = sum_i s_ki [ logsumexp_c z_kci - sum_c t_ci z_kci ] + 1/2 sum_j p_kj theta_kj^2

    dz_kci     = s_ki (softmax(z_ki)_c - t_ci)         the gradient is its backward, + p_kj theta_kj

For softmax regression p = 1 / (C_k S_k), with S_k the sum of the weights before they were scaled:
scikit-learn's objective divided by C_k S_k, so the minimiser is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .arrays import Array, from_host, index_dtype, namespace
from .functional import weighted_cross_entropy
from .network import Network
from .rows import ArrayRows, row_slices

#: Values per temporary while one block is computed: a few of them fit a processor's cache.
BLOCK_VALUES = 1 << 18

#: step (n_problems,) -> values, slopes (n_problems,) and a function that returns the gradients
Ray = Callable[[Array], tuple[Array, Array, Callable[[], Array]]]


@dataclass(frozen=True)
class Objective:
    """Values and gradients of `n_problems` problems that share their rows.

    Parameters everywhere are (n_problems, n_parameters), values (n_problems,).
    """

    network: Network
    rows: ArrayRows
    penalty: Array  #: (n_problems, n_parameters)

    @property
    def n_samples(self) -> int:
        """How many rows one pass reads."""
        return self.rows.n_samples

    @property
    def block_size(self) -> int:
        """Rows per block, such that temporaries stay small however many rows there are."""
        return max(256, BLOCK_VALUES // (self.penalty.shape[0] * self.network.n_units))

    def value_and_gradient(self, parameters: Array) -> tuple[Array, Array]:
        """f and its gradient, in one pass over the rows."""
        layers = self.network.unpack(parameters)
        xp = namespace(parameters)
        value = 0.5 * xp.sum(self.penalty * parameters * parameters, axis=1)
        gradient = self.penalty * parameters
        for block in self.rows.blocks(self.block_size):
            logits, backward = self.network.forward(layers, block.X)
            losses, dlogits = weighted_cross_entropy(logits, block.targets, block.weights, axis=1)
            value = value + xp.sum(losses, axis=(1, 2))
            gradient = gradient + self.network.pack(backward(dlogits))
        return value, gradient

    def along(self, parameters: Array, direction: Array) -> Ray:
        """f restricted to parameters + step * direction, for a line search.

        Where the logits are linear in the parameters they are computed once for both ends, and a
        trial step then reads no row again.
        """
        if self.network.is_linear:
            return self._along_linear(parameters, direction)

        def ray(step: Array) -> tuple[Array, Array, Callable[[], Array]]:
            value, gradient = self.value_and_gradient(parameters + step[:, None] * direction)
            slope = namespace(gradient).sum(gradient * direction, axis=1)
            return value, slope, lambda: gradient

        return ray

    def _along_linear(self, parameters: Array, direction: Array) -> Ray:
        xp, network = namespace(parameters), self.network
        n_problems = parameters.shape[0]
        both = network.unpack(xp.concat([parameters, direction]))
        blocks = []
        for block in self.rows.blocks(self.block_size):
            logits, backward = network.forward(both, block.X)
            blocks.append((block, logits[:n_problems, ...], logits[n_problems:, ...], backward))

        def trial(step: Array) -> Iterator[tuple]:
            for block, start, change, backward in blocks:
                logits = start + step[:, None, None] * change
                losses, dlogits = weighted_cross_entropy(
                    logits, block.targets, block.weights, axis=1
                )
                yield losses, dlogits, change, backward

        def ray(step: Array) -> tuple[Array, Array, Callable[[], Array]]:
            point = parameters + step[:, None] * direction
            value = 0.5 * xp.sum(self.penalty * point * point, axis=1)
            slope = xp.sum(self.penalty * point * direction, axis=1)
            for losses, dlogits, change, _ in trial(step):
                value = value + xp.sum(losses, axis=(1, 2))
                slope = slope + xp.sum(dlogits * change, axis=(1, 2))

            def gradient() -> Array:
                total = self.penalty * point
                for _, dlogits, _, backward in trial(step):
                    total = total + network.pack(backward(dlogits))
                return total

            return value, slope, gradient

        return ray

    def minibatches(self, batch_size: int, random_state) -> Iterator[Objective]:
        """The objective on each of the minibatches of one epoch.

        `random_state`, a numpy RandomState, shuffles the rows on the host, so that one seed means
        the same batches on every backend; None takes them in order. The penalty stays that of the
        whole, so that every batch estimates the same f.
        """
        xp, dtype = namespace(self.penalty), index_dtype(self.penalty)
        if random_state is None:
            order = xp.arange(self.n_samples, dtype=dtype, device=self.penalty.device)
        else:
            order = random_state.permutation(self.n_samples)
            order = from_host(order, like=self.penalty, dtype=dtype)
        for rows in row_slices(self.n_samples, batch_size):
            yield replace(self, rows=self.rows.sample(order[rows]))

    def take(self, problems: Array) -> Objective:
        """The objective of only some of the problems."""
        penalty = namespace(self.penalty).take(self.penalty, problems, axis=0)
        return replace(self, rows=self.rows.take(problems), penalty=penalty)
