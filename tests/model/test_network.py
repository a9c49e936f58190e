"""Networks: layouts, starts, and backward against finite differences and torch."""

import numpy as np
import pytest

from xsoftmax.arrays import index_dtype
from xsoftmax.model.network import Network

from ..problems import blobs, objective_on, start


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_unpack_and_pack_are_inverses(xp, rng, fit_intercept):
    network = Network((4, 5, 3), "tanh", fit_intercept)
    parameters = xp(rng.standard_normal((2, network.n_parameters)))
    layers = network.unpack(parameters)
    assert [W.shape for W, _ in layers] == [(2, 5, 4), (2, 3, 5)]
    np.testing.assert_array_equal(xp.host(network.pack(layers)), xp.host(parameters))
    mask = xp.host(network.weight_mask(parameters))
    assert mask.sum() == 5 * 4 + 3 * 5
    assert mask.shape == (1, network.n_parameters)


def test_random_parameters_are_the_same_on_every_backend(xp):
    network = Network((784, 50, 10), "sigmoid")
    drawn = xp.host(network.random_parameters(np.random.RandomState(1), xp(np.zeros(1))))
    stream = np.random.RandomState(1)
    W1 = stream.standard_normal((50, 784)) / np.sqrt(784)
    W2 = stream.standard_normal((10, 50)) / np.sqrt(50)
    expected = np.concatenate([W1.ravel(), np.zeros(50), W2.ravel(), np.zeros(10)])
    np.testing.assert_array_equal(drawn[0], expected)


def test_random_parameters_keep_the_variance_through_the_layers(rng):
    X = rng.standard_normal((2000, 300))
    for activation, expected in (("relu", 2.0), ("identity", 1.0)):
        network = Network((300, 300, 300), activation)
        parameters = network.random_parameters(np.random.RandomState(0), X)
        logits = network.logits(network.unpack(parameters), X)
        gain = 1.0 if activation == "identity" else 0.5  # relu halves the mean square
        assert np.mean(logits**2) == pytest.approx(expected * gain, rel=0.1)


@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "gelu", "identity"])
def test_backward_gives_the_gradient_of_finite_differences(xp, hidden, activation):
    X, y = blobs(n_samples=12)
    objective = objective_on(xp, X, y, Cs=(0.1, 10.0), hidden=hidden, activation=activation)
    parameters = start(objective)
    gradient = xp.host(objective.value_and_gradient(parameters)[1])
    base = xp.host(parameters)
    for j in range(0, base.shape[1], 5):
        ahead, behind = base.copy(), base.copy()
        ahead[:, j] += 1e-6
        behind[:, j] -= 1e-6
        up, down = (xp.host(objective.value_and_gradient(xp(p))[0]) for p in (ahead, behind))
        np.testing.assert_allclose(gradient[:, j], (up - down) / 2e-6, atol=2e-8)


def test_backward_gives_torchs_gradient(torch):
    X, y = blobs(n_samples=30)
    objective = objective_on(np.asarray, X, y, Cs=(np.inf,), hidden=(6,), activation="sigmoid")
    parameters = start(objective)
    value, gradient = objective.value_and_gradient(parameters)
    layers = [
        (torch.tensor(W[0], requires_grad=True), torch.tensor(b[0], requires_grad=True))
        for W, b in objective.network.unpack(parameters)
    ]
    (W1, b1), (W2, b2) = layers
    logits = torch.sigmoid(torch.tensor(X) @ W1.T + b1) @ W2.T + b2
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y))
    loss.backward()
    assert value[0] == pytest.approx(loss.item(), rel=1e-14)
    expected = [(W.grad.numpy()[None], b.grad.numpy()[None]) for W, b in layers]
    np.testing.assert_allclose(gradient, objective.network.pack(expected), atol=1e-15)


def test_a_batch_of_problems_is_each_problem_alone(xp):
    X, y = blobs(n_samples=20)
    rng = np.random.default_rng(1)
    weights = rng.random((3, 20))
    for hidden in ((), (4,)):
        batch = objective_on(xp, X, y, Cs=(0.1, 1.0, 10.0), hidden=hidden, weights=weights)
        parameters = start(batch)
        values, gradients = map(xp.host, batch.value_and_gradient(parameters))
        for k, C in enumerate((0.1, 1.0, 10.0)):
            alone = objective_on(xp, X, y, Cs=(C,), hidden=hidden, weights=weights[k : k + 1])
            value, gradient = alone.value_and_gradient(parameters[k : k + 1, ...])
            np.testing.assert_allclose(values[k], xp.host(value)[0], rtol=1e-13)
            np.testing.assert_allclose(gradients[k], xp.host(gradient)[0], atol=1e-14)
        some = xp(np.asarray([2, 0]), None)
        some = xp.xp.astype(some, index_dtype(some))
        left, _ = batch.select([2, 0]).value_and_gradient(xp.xp.take(parameters, some, axis=0))
        np.testing.assert_allclose(xp.host(left), values[[2, 0]], rtol=1e-13)


@pytest.mark.parametrize(("n_in", "n_out"), [(300, 3), (300, 40), (40, 5), (5, 3)])
@pytest.mark.parametrize("n_problems", [1, 2])
def test_forward_and_backward_are_right_whichever_way_round_products_are(
    xp, rng, n_in, n_out, n_problems
):
    X, network = rng.standard_normal((20, n_in)), Network((n_in, n_out))
    theta = rng.standard_normal((n_problems, network.n_parameters))
    ((W, b),) = network.unpack(theta)
    logits, backward = network.forward(network.unpack(xp(theta)), xp(X))
    expected = W @ X.T + b[:, :, None]
    np.testing.assert_allclose(xp.host(logits), expected, atol=1e-12)
    ((dW, db),) = backward(xp(expected))
    np.testing.assert_allclose(xp.host(dW), expected @ X, atol=1e-10)
    np.testing.assert_allclose(xp.host(db), expected.sum(axis=2), atol=1e-10)
