"""How properties draw their data."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

#: Few, because JAX compiles anew for each.
SHAPES = ((1, 2), (3, 5), (2, 40))

#: A backend is the same for all examples; how long one takes depends on what JAX compiles.
examples = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from(["float32", "float64"])


def logits(bound: float) -> st.SearchStrategy:
    """Logits (n_samples, n_classes) of -bound to bound, with ties and zeros among them."""
    elements = st.floats(-bound, bound, width=32)
    shapes = st.sampled_from(SHAPES)
    return shapes.flatmap(lambda shape: arrays("float64", shape, elements=elements))
