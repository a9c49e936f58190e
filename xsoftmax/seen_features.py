"""Only features that are ever seen: one that is 0 in every row keeps the weight 0.

It changes no logit and costs penalty. Pixels at the rim of an image, words and categories that a
part of the data lacks are such features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .arrays import Array, indices_from_host, namespace, to_list
from .network import Network

#: With a smaller share of features that are never seen, a copy of X would not pay.
LEAST_UNSEEN = 0.05


@dataclass(frozen=True)
class SeenFeatures:
    """The coordinates of a linear network that belong to some of its features."""

    full: Network
    X: Array  #: (n_samples, n_features)
    seen: Array  #: indices of features, ascending
    position: Array  #: (n_features,), where in `seen`, or its length for none

    @property
    def network(self) -> Network:
        """The network of these features."""
        return replace(self.full, layer_sizes=(self.seen.shape[0], self.full.layer_sizes[-1]))

    def rows(self, dtype: Any) -> Array:
        """X with these features."""
        return namespace(self.X).take(self.X, self.seen, axis=1)

    def project(self, parameters: Array) -> Array:
        """What parameters (n_problems, n_parameters) of the full network say of these features."""
        xp, ((W, b),) = namespace(parameters), self.full.unpack(parameters)
        return self.network.pack([(xp.take(W, self.seen, axis=2), b)])

    def expand(self, parameters: Array) -> Array:
        """The parameters of the full network, 0 for the other features."""
        xp, ((W, b),) = namespace(parameters), self.network.unpack(parameters)
        W = xp.concat([W, xp.zeros_like(W[:, :, :1])], axis=2)
        return self.full.pack([(xp.take(W, self.position, axis=2), b)])


def seen_features(network: Network, X: Array) -> SeenFeatures | None:
    """The features of X (n_samples, n_features) that are not 0 throughout, if that drops enough."""
    found = to_list(namespace(X).any(X, axis=0))
    seen = [j for j, there in enumerate(found) if there]
    if not seen or len(seen) > (1 - LEAST_UNSEEN) * len(found):
        return None
    where = {j: at for at, j in enumerate(seen)}
    position = [where.get(j, len(seen)) for j in range(len(found))]
    indices = (indices_from_host(x, like=X) for x in (seen, position))
    return SeenFeatures(network, X, *indices)
