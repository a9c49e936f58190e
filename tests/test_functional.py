"""Softmax and its losses: against constants, scipy, finite differences and autograd."""

import mpmath
import numpy as np
import pytest
import scipy.special

from xsoftmax import functional as F

from .array_library import Library
from .conftest import MISSING

DTYPES = ("float32", "float64")
FUNCTIONS = ("softmax", "log_softmax", "logsumexp")


def ulps(actual, expected):
    """Largest difference in units of the last place of the expected values."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite])
    if not finite.any():
        return 0.0
    spacing = np.spacing(np.abs(expected[finite]).astype(actual.dtype))
    return np.max(np.abs(actual[finite] - expected[finite]) / spacing)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("shape", "axis"), [((7,), -1), ((5, 4), 0), ((5, 4), 1), ((2, 3, 4), -2)])
def test_softmax_and_logsumexp_are_scipys(xp, rng, name, dtype, shape, axis):
    logits = (5 * rng.standard_normal(shape)).astype(dtype)
    result = xp.host(getattr(F, name)(xp(logits), axis=axis))
    expected = getattr(scipy.special, name)(logits.astype("float64"), axis=axis)
    assert result.dtype == dtype
    scale = np.finfo(dtype).eps * np.maximum(np.abs(expected), np.abs(logits).max())
    assert np.all(np.abs(result - expected) <= 4 * scale)
    if name == "softmax":
        assert np.all(np.abs(result - expected) <= 32 * np.finfo(dtype).eps * expected)


def exact(function, logits, index=None):
    """The value to 600 digits, rounded once."""
    with mpmath.workdps(600):
        total = mpmath.fsum(mpmath.exp(mpmath.mpf(z)) for z in logits)
        z = mpmath.mpf(logits[index]) if index is not None else None
        return float(
            {
                "logsumexp": lambda: mpmath.log(total),
                "softmax": lambda: mpmath.exp(z) / total,
                "log_softmax": lambda: z - mpmath.log(total),
            }[function]()
        )


@pytest.mark.parametrize(
    "logits", [[0.0, -40.0], [1.0, 2.0, 3.0], [-1.5, -0.25], [0.0, 0.0], [3e2, -3e2]]
)
def test_softmax_and_logsumexp_are_mpmaths(xp, logits):
    on_device = xp(np.asarray(logits))
    expected = exact("logsumexp", logits)
    scale = max(abs(expected), abs(max(logits)))  # the last addition may cancel
    assert abs(xp.host(F.logsumexp(on_device)) - expected) <= 4 * np.spacing(scale)
    for name in ("softmax", "log_softmax"):
        result = xp.host(getattr(F, name)(on_device))
        expected = [exact(name, logits, i) for i in range(len(logits))]
        assert ulps(result, expected) <= 4, name


def test_softmax_cross_entropy_of_a_sure_sample_is_not_rounded_to_zero(xp):
    value, _ = F.softmax_cross_entropy(xp([[40.0, 0.0]]), xp([0]))
    assert float(xp.host(value)) == pytest.approx(4.248354255291589e-18, rel=1e-14)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("behind", [-700.0, -30.0, -1e-9, 0.0, 0.3, 30.0, 700.0])
def test_softmax_cross_entropy_at_labels_keeps_its_digits(xp, n_classes, behind):
    # The others are as far ahead of the label's class as that is `behind`, which comes last.
    logits, label = [behind] * (n_classes - 1) + [0.0], n_classes - 1
    value, gradient = (xp.host(x) for x in F.softmax_cross_entropy(xp([logits]), xp([label])))
    p = [exact("softmax", logits, c) for c in range(n_classes)]
    with mpmath.workdps(600):
        p[label] = float(-mpmath.fsum(p[:label]))
    assert ulps(value, -exact("log_softmax", logits, label)) <= 8
    assert ulps(gradient[0], p) <= 8
    reverse = F.softmax_cross_entropy(xp([logits[::-1]]), xp([0]))
    assert xp.host(reverse[0]) == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(xp.host(reverse[1])[0], gradient[0][::-1], rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "row", [[1e4, 0.0], [-1e30, 0.0, 1.0], [-1e30, -1e30], [1e30, 1e30], [1e4, -1e4, 9999.0]]
)
def test_functions_of_finite_logits_are_finite(xp, dtype, row):
    # The first row lies 1e5 below or above the rest of the matrix.
    logits = np.asarray([row, [z - 1e5 for z in row], [z + 1e5 for z in row]], dtype=dtype)
    for name in FUNCTIONS:
        assert np.all(np.isfinite(xp.host(getattr(F, name)(xp(logits))))), name
    probabilities = xp.host(F.softmax(xp(logits)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=8 * np.finfo(dtype).eps)
    value, gradient = F.softmax_cross_entropy(xp(logits), xp([0, 1, 0]))
    assert np.isfinite(xp.host(value))
    assert np.all(np.isfinite(xp.host(gradient)))


def test_softmax_of_a_logit_of_minus_infinity_is_zero(xp):
    logits = xp([[0.0, -np.inf, 1.0], [-np.inf, -np.inf, 2.0]])
    probabilities = xp.host(F.softmax(logits))
    np.testing.assert_allclose(probabilities[0], scipy.special.softmax([0.0, -np.inf, 1.0]))
    np.testing.assert_array_equal(probabilities[1], [0, 0, 1])
    assert xp.host(F.log_softmax(logits))[1].tolist() == [-np.inf, -np.inf, 0]
    value, gradient = F.softmax_cross_entropy(logits, xp([0, 2]))
    assert np.isfinite(xp.host(value))
    assert np.all(np.isfinite(xp.host(gradient)))
    soft = xp([[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]])
    assert np.isfinite(xp.host(F.softmax_cross_entropy(logits, soft)[0]))


@pytest.mark.parametrize("logits", [[-np.inf, 1.0], [-np.inf, 1.0, 1.0]])
def test_softmax_cross_entropy_of_a_label_of_probability_zero_is_inf(xp, logits):
    value, gradient = F.softmax_cross_entropy(xp([logits]), xp([0]))
    assert xp.host(value) == np.inf
    assert xp.host(gradient)[0, 0] == -1
    sure, gradient = F.softmax_cross_entropy(xp([logits[:2]]), xp([1]))
    assert xp.host(sure) == 0
    assert xp.host(gradient)[0].tolist() == [0, 0]


def test_logsumexp_of_infinite_logits_is_their_maximum(xp):
    assert xp.host(F.logsumexp(xp([[-np.inf, -np.inf], [0.0, np.inf]]))).tolist() == [
        -np.inf,
        np.inf,
    ]
    assert xp.host(F.logsumexp(xp(np.zeros((2, 3))), axis=0, keepdims=True)).shape == (1, 3)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_softmax_cross_entropy_has_the_gradient_of_finite_differences(
    xp, rng, axis, soft, weighted
):
    shape = (3, 4, 2)
    logits = rng.standard_normal(shape)
    n_classes = shape[axis]
    samples = tuple(np.delete(shape, axis))
    targets = rng.integers(0, n_classes, samples)
    if soft:
        targets = scipy.special.softmax(rng.standard_normal(shape), axis=axis)
    weight = rng.random(samples) if weighted else None

    def value_at(z):
        extra = {} if weight is None else {"sample_weight": xp(weight)}
        return F.softmax_cross_entropy(xp(z), xp(targets), axis=axis, **extra)

    value, gradient = value_at(logits)
    log_p = scipy.special.log_softmax(logits, axis=axis)
    if soft:
        losses = -np.sum(targets * log_p, axis=axis)
    else:
        losses = -np.take_along_axis(log_p, np.expand_dims(targets, axis), axis).squeeze(axis)
    np.testing.assert_allclose(xp.host(value), np.average(losses, weights=weight), rtol=1e-13)
    step = 1e-5
    for index in [(0, 0, 0), (2, 3, 1), (1, 2, 0)]:
        ahead, behind = logits.copy(), logits.copy()
        ahead[index] += step
        behind[index] -= step
        slope = (xp.host(value_at(ahead)[0]) - xp.host(value_at(behind)[0])) / (2 * step)
        assert xp.host(gradient)[index] == pytest.approx(slope, abs=1e-9)


def test_softmax_cross_entropy_and_its_gradient_are_torchs(torch, rng):
    logits, labels = rng.standard_normal((6, 5)), rng.integers(0, 5, 6)
    value, gradient = F.softmax_cross_entropy(logits, labels)
    reference = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(reference, torch.tensor(labels))
    loss.backward()
    assert float(value) == pytest.approx(loss.item(), rel=1e-14)
    np.testing.assert_allclose(gradient, reference.grad.numpy(), atol=1e-16)


def test_cross_entropy_of_probabilities_is_that_of_their_logits(xp, rng):
    logits, labels, weight = rng.standard_normal((6, 5)), rng.integers(0, 5, 6), rng.random(6)
    for targets in (labels, np.eye(5)[labels] * 0.9 + 0.02):
        direct = F.cross_entropy(F.softmax(xp(logits)), xp(targets), sample_weight=xp(weight))
        stable, _ = F.softmax_cross_entropy(xp(logits), xp(targets), sample_weight=xp(weight))
        assert float(xp.host(direct)) == pytest.approx(float(xp.host(stable)), rel=1e-13)


def test_cross_entropy_adds_nothing_inside_the_logarithm(xp):
    sure = xp([[1.0, 0.0]])
    assert float(xp.host(F.cross_entropy(sure, xp([0])))) == 0
    assert float(xp.host(F.cross_entropy(sure, xp([[1.0, 0.0]])))) == 0


def test_one_hot_has_rows_of_the_identity_along_any_axis(xp):
    labels = xp([[0, 2], [1, 1]])
    result = xp.host(F.one_hot(labels, 3))
    np.testing.assert_array_equal(result, np.eye(3)[[[0, 2], [1, 1]]])
    for axis in (0, 1):
        found = xp.host(F.one_hot(labels, axis=axis))
        np.testing.assert_array_equal(found, np.moveaxis(result, -1, axis))
    assert xp.host(F.one_hot(labels, 3, dtype=xp.xp.float32)).dtype == np.float32


def test_one_hot_of_bytes_has_more_classes_than_a_byte_counts(xp):
    result = xp.host(F.one_hot(xp(np.asarray([5, 200], dtype="uint8")), 300))
    assert [row.nonzero()[0].tolist() for row in result] == [[5], [200]]


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0]])
def test_softmax_cross_entropy_and_one_hot_refuse_labels_out_of_range(xp, labels):
    with pytest.raises(ValueError, match=r"targets=.* must lie in 0 .. 2 for 3 classes; got"):
        F.softmax_cross_entropy(xp(np.zeros((2, 3))), xp(labels))
    with pytest.raises(ValueError, match=r"labels=.* must lie in 0 .. 2"):
        F.one_hot(xp(labels), 3)


def test_losses_name_the_argument_that_breaks_a_rule(xp):
    logits, labels = xp(np.zeros((2, 3))), xp([0, 1])
    with pytest.raises(TypeError, match="must be integers"):
        F.softmax_cross_entropy(logits, xp([0.0, 1.0]))
    with pytest.raises(ValueError, match=r"shape \(2,\) or probabilities of shape \(2, 3\)"):
        F.softmax_cross_entropy(logits, xp([0, 1, 2]))
    with pytest.raises(ValueError, match="summing to 1"):
        F.softmax_cross_entropy(logits, xp([[0.5, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    with pytest.raises(ValueError, match="non-negative"):
        F.softmax_cross_entropy(logits, xp([[2.0, -1.0, 0.0], [1.0, 0.0, 0.0]]))
    with pytest.raises(ValueError, match="one weight per sample"):
        F.softmax_cross_entropy(logits, labels, sample_weight=xp([1.0]))
    with pytest.raises(ValueError, match="not all zero"):
        F.cross_entropy(logits + 1 / 3, labels, sample_weight=xp([0.0, 0.0]))


def test_softmax_computes_half_precision_in_single(rng):
    logits = rng.standard_normal((3, 4)).astype("float16")
    assert F.softmax(logits).dtype == np.float32


def test_all_is_what_the_module_offers():
    assert sorted(F.__all__) == F.__all__
    assert all(callable(getattr(F, name)) for name in F.__all__)


def test_softmax_cross_entropy_takes_labels_of_any_integer_dtype(xp):
    logits = xp(np.eye(3))
    expected = xp.host(F.softmax_cross_entropy(logits, xp([2, 0, 1]))[0])
    for dtype in ("int32", "uint8"):
        value, _ = F.softmax_cross_entropy(logits, xp([2, 0, 1], dtype))
        assert xp.host(value) == expected


def test_softmax_cross_entropy_normalizes_targets_that_nearly_sum_to_1(xp):
    logits, targets = xp([[1e4, 0.0]]), np.asarray([[0.9992, 0.0]])
    value, gradient = F.softmax_cross_entropy(logits, xp(targets))
    assert xp.host(value) == 0
    np.testing.assert_array_equal(xp.host(gradient), [[0, 0]])
    value, _ = F.softmax_cross_entropy(xp([[1.0, 0.0]]), xp([[0.25002, 0.75006]]))
    assert float(xp.host(value)) == pytest.approx(np.log1p(np.exp(-1)) + 0.75, rel=1e-14)


def test_softmax_cross_entropy_ignores_a_sample_of_weight_zero(xp):
    logits = xp([[0.0, -np.inf], [0.0, 1.0]])
    value, gradient = F.softmax_cross_entropy(logits, xp([1, 0]), sample_weight=xp([0.0, 1.0]))
    assert float(xp.host(value)) == pytest.approx(np.log1p(np.e), rel=1e-14)
    assert np.all(np.isfinite(xp.host(gradient)))


@pytest.mark.parametrize("targets", [[0, 0], [[1.0], [1.0]]])
def test_softmax_cross_entropy_of_one_class_is_zero(xp, targets):
    value, gradient = F.softmax_cross_entropy(xp([[3.0], [-2.0]]), xp(targets))
    assert xp.host(value) == 0
    assert xp.host(gradient).tolist() == [[0], [0]]


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_softmax_cross_entropy_has_the_gradient_of_autograd(torch, rng, n_classes, soft):
    logits = torch.tensor(rng.standard_normal((5, n_classes)), requires_grad=True)
    targets = torch.tensor(rng.integers(0, n_classes, 5))
    if soft:
        targets = torch.softmax(torch.tensor(rng.standard_normal((5, n_classes))), 1)
    weight = torch.tensor(rng.random(5))
    value, gradient = F.softmax_cross_entropy(logits, targets, sample_weight=weight)
    (3 * value).backward()
    np.testing.assert_allclose(logits.grad, 3 * gradient.detach(), atol=1e-15)
    unrecorded = F.softmax_cross_entropy(logits.detach(), targets, sample_weight=weight)
    np.testing.assert_allclose(gradient.detach(), unrecorded[1], atol=1e-16)
    assert not unrecorded[1].requires_grad


def test_gradient_of_softmax_cross_entropy_has_a_derivative(torch, rng):
    logits = torch.tensor(rng.standard_normal((1, 3)), requires_grad=True)
    _, gradient = F.softmax_cross_entropy(logits, torch.tensor([1]))
    gradient[0, 0].backward()
    p = torch.softmax(logits.detach()[0], 0).numpy()
    np.testing.assert_allclose(logits.grad[0], p[0] * (np.eye(3)[0] - p), atol=1e-15)


@pytest.fixture
def jax():
    if "jax" in MISSING:
        pytest.skip("JAX is not installed")
    import jax

    return jax


@pytest.mark.parametrize("soft", [False, True])
def test_softmax_cross_entropy_is_traced_by_jax(jax, rng, soft):
    logits, weight = jax.numpy.asarray(rng.standard_normal((4, 3))), jax.numpy.asarray([1, 2, 0, 1])
    targets = jax.numpy.asarray(np.eye(3)[[0, 2, 1, 1]] if soft else [0, 2, 1, 1])

    def loss(z, t, w):
        return F.softmax_cross_entropy(z, t, sample_weight=w)

    value, gradient = loss(logits, targets, weight)
    traced = jax.jit(loss)(logits, targets, weight)
    np.testing.assert_allclose(traced[0], value, rtol=1e-14)
    np.testing.assert_allclose(traced[1], gradient, atol=1e-15)
    own = jax.grad(lambda z: loss(z, targets, weight)[0])(logits)
    np.testing.assert_allclose(own, gradient, atol=1e-15)
    each = jax.vmap(F.softmax_cross_entropy)(logits[:, None, :], targets[:, None])[0]
    assert each.shape == (4,)
    with pytest.raises(ValueError, match="must lie in"):  # what is known is checked
        jax.grad(lambda z: F.softmax_cross_entropy(z, jax.numpy.asarray([3, 0, 0, 0]))[0])(logits)


def test_one_hot_is_traced_by_jax_if_n_classes_is_given(jax):
    labels = jax.numpy.asarray([0, 2])
    traced = jax.jit(lambda labels: F.one_hot(labels, 3))(labels)
    np.testing.assert_array_equal(traced, np.eye(3)[[0, 2]])
    with pytest.raises(ValueError, match=r"one_hot\(n_classes=...\) must be given, because JAX"):
        jax.jit(F.one_hot)(labels)


@pytest.mark.parametrize("targets", [[0, 2], [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]])
def test_softmax_cross_entropy_checks_all_values_with_one_transfer(targets):
    library = Library()
    logits, targets, weight = map(library.array, (np.zeros((2, 3)), targets, [1.0, 2.0]))
    F.softmax_cross_entropy(logits, targets, sample_weight=weight)
    assert library.transfers == ["__array__"]


def test_functions_refuse_complex_numbers(xp):
    z = xp(np.zeros((2, 3), dtype="complex128"))
    real, labels = xp(np.full((2, 3), 1 / 3)), xp([0, 1])
    names = [name for name in F.__all__ if name not in ("one_hot", "cross_entropy")]
    for name in names:
        arguments = (z, labels) if name == "softmax_cross_entropy" else (z,)
        with pytest.raises(TypeError, match=rf"{name}\((logits|z)=...\) must hold real numbers"):
            getattr(F, name)(*arguments)
    with pytest.raises(TypeError, match=r"probabilities=...\) must hold real"):
        F.cross_entropy(z, labels)
    with pytest.raises(TypeError, match=r"targets=...\) must hold real"):
        F.softmax_cross_entropy(real, z)
    with pytest.raises(TypeError, match=r"sample_weight=...\) must hold real"):
        F.softmax_cross_entropy(real, labels, sample_weight=z[:, 0])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
def test_softmax_cross_entropy_and_one_hot_take_unsigned_labels(xp, dtype):
    labels = xp([2, 0, 1], dtype)
    value, _ = F.softmax_cross_entropy(xp(np.eye(3)), labels)
    assert xp.host(value) == xp.host(F.softmax_cross_entropy(xp(np.eye(3)), xp([2, 0, 1]))[0])
    np.testing.assert_array_equal(xp.host(F.one_hot(labels)), np.eye(3)[[2, 0, 1]])
    largest = np.iinfo(dtype).max
    with pytest.raises(ValueError, match=rf"must lie in 0 .. 2 .* from 0 to {largest}"):
        F.softmax_cross_entropy(xp(np.eye(3)), xp([largest, 0, 1], dtype))


def test_one_hot_of_no_labels_needs_n_classes(xp):
    nothing = xp(np.zeros(0, dtype="int64"))
    assert xp.host(F.one_hot(nothing, 3)).shape == (0, 3)
    with pytest.raises(ValueError, match="because there are no labels"):
        F.one_hot(nothing)
    with pytest.raises(TypeError, match=r"n_classes=...\) must be an integer; got 2.5"):
        F.one_hot(xp([0, 1]), 2.5)


def test_functions_refuse_no_classes_and_losses_no_samples(xp):
    no_rows, no_classes = xp(np.zeros((0, 3))), xp(np.zeros((2, 0)))
    labels, none = xp([0, 0]), xp(np.zeros(0, dtype="int64"))
    for name in FUNCTIONS:
        assert xp.host(getattr(F, name)(no_rows)).shape[0] == 0
        with pytest.raises(ValueError, match=rf"{name}\(logits=.*at least one class along axis=-1"):
            getattr(F, name)(no_classes)
        with pytest.raises(ValueError, match=r"must have classes along axis=2; got shape \(0, 3\)"):
            getattr(F, name)(no_rows, axis=2)
    for function in (F.cross_entropy, F.softmax_cross_entropy):
        with pytest.raises(ValueError, match=r"at least one sample .*got shape \(0, 3\)"):
            function(no_rows, none)
        with pytest.raises(ValueError, match=r"at least one class .*got shape \(2, 0\)"):
            function(no_classes, labels)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_softmax_cross_entropy_takes_probabilities_in_half_precision(torch, rng, dtype):
    soft = scipy.special.softmax(3 * rng.standard_normal((200, 30)), axis=1)
    logits = torch.tensor(rng.standard_normal((200, 30)))
    rounded = torch.tensor(soft).to(getattr(torch, dtype))
    value, _ = F.softmax_cross_entropy(logits, rounded)
    expected, _ = F.softmax_cross_entropy(logits, torch.tensor(soft))
    assert float(value) == pytest.approx(float(expected), rel=1e-2)
    with pytest.raises(ValueError, match="summing to 1"):
        F.softmax_cross_entropy(logits, 1.1 * rounded)
