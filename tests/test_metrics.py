"""Scores are scikit-learn's, and nothing but numbers crosses to the host."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from xsoftmax import functional as F
from xsoftmax import metrics
from xsoftmax.arrays import transfers

N_SAMPLES = 300


def predictions(n_classes, ties=False, seed=0):
    """Logits, labels and weights of 300 samples."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((N_SAMPLES, n_classes))
    if ties:
        logits = np.round(logits)
    y = rng.integers(0, n_classes, N_SAMPLES)
    logits[np.arange(N_SAMPLES), y] += 1.0
    return logits, y, 0.1 + rng.random(N_SAMPLES)


def expected_scores(logits, y, weight):
    """Each score by scikit-learn's functions."""
    n_classes, told = logits.shape[1], {"sample_weight": weight}
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    best, labels = logits.argmax(axis=1), np.arange(n_classes)
    indicators = np.eye(n_classes)[y]
    squares = np.sum((p - indicators) ** 2, axis=1) / (2 if n_classes == 2 else 1)
    found = {
        "accuracy": theirs.accuracy_score(y, best, **told),
        "balanced_accuracy": theirs.balanced_accuracy_score(y, best, **told),
        "f1_macro": theirs.f1_score(y, best, labels=labels, average="macro", **told),
        "neg_brier_score": -np.average(squares, weights=weight),
        "neg_log_loss": -theirs.log_loss(y, p, labels=labels, **told),
    }
    if n_classes == 2:
        ahead = logits[:, 1] - logits[:, 0]
        found["roc_auc"] = theirs.roc_auc_score(y, ahead, **told)
        found["roc_auc_ovr"] = found["roc_auc"]
    else:
        for name, k in (("top_k_accuracy", 2), ("top_3_accuracy", 3)):
            found[name] = theirs.top_k_accuracy_score(y, logits, k=k, labels=labels, **told)
        found["roc_auc_ovr"] = theirs.roc_auc_score(y, p, multi_class="ovr", **told)
    return found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_scores_are_scikit_learns(xp, n_classes, weighted):
    logits, y, weight = predictions(n_classes)
    weight = weight if weighted else np.ones(N_SAMPLES)
    expected = expected_scores(logits, y, weight)
    told = {"sample_weight": xp(weight)} if weighted else {}
    found = metrics.score(xp(logits), xp(y), list(expected), **told)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name
        assert metrics.score(xp(logits), xp(y), name, **told) == found[name]


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1_macro", "top_3_accuracy"])
def test_scores_of_equal_logits_are_scikit_learns(xp, name):
    logits, y, weight = predictions(5, ties=True)
    expected = expected_scores(logits, y, weight)[name]
    found = metrics.score(xp(logits), xp(y), name, xp(weight))
    assert found == pytest.approx(expected, rel=1e-12)


def test_equal_scores_are_half_a_pair_of_an_area(xp):
    logits, y, weight = predictions(2, ties=True)
    expected = expected_scores(logits, y, weight)["roc_auc"]
    assert metrics.score(xp(logits), xp(y), "roc_auc", xp(weight)) == pytest.approx(expected)
    assert metrics.score(xp(0.0 * logits), xp(y), "roc_auc") == pytest.approx(0.5)


def test_a_score_that_is_not_defined_is_nan(xp):
    logits, _, _ = predictions(3)
    only = np.zeros(N_SAMPLES, dtype=int)
    assert np.isnan(metrics.score(xp(logits[:, :2]), xp(only), "roc_auc"))
    assert np.isnan(metrics.score(xp(logits), xp(only), "roc_auc_ovr"))
    recall = np.mean(logits.argmax(axis=1) == 0)
    assert metrics.score(xp(logits), xp(only), "balanced_accuracy") == pytest.approx(recall)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", ["accuracy", "neg_log_loss", "f1_macro", "neg_brier_score"])
def test_sums_of_some_samples_and_of_others_add_up(xp, n_classes, name):
    """Of two problems at once, that share labels or have their own."""
    logits = np.stack([predictions(n_classes, seed=seed)[0].T for seed in (0, 1)])
    y, weight = predictions(n_classes)[1:]
    labels, weights = xp(np.stack([y, y[::-1]])), xp(np.stack([weight, weight**2]))
    metric, logits = metrics.known_metric(name, n_classes), xp(logits)
    whole = metric.sums(logits, labels, weights)
    parts = [
        metric.sums(logits[:, :, rows], labels[:, rows], weights[:, rows])
        for rows in (slice(0, 100), slice(100, N_SAMPLES))
    ]
    np.testing.assert_allclose(xp.host(parts[0] + parts[1]), xp.host(whole), rtol=1e-12)
    found = xp.host(metric.value(whole))
    for k in range(2):
        rows = xp.host(labels)[k], xp.host(weights)[k]
        expected = expected_scores(xp.host(logits)[k].T, *rows)[name]
        assert found[k] == pytest.approx(expected, rel=1e-12)
    shared = metric.value(metric.sums(logits, labels[:1, :], weights[:1, :]))
    assert shared.shape == (2,)
    assert float(xp.host(shared)[0]) == pytest.approx(found[0], rel=1e-12)


@pytest.mark.parametrize("n_bins", [1, 10, 15])
def test_reliability_is_that_of_bins_of_the_same_width(xp, n_bins):
    logits, y, weight = predictions(4)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    place = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    bins = [place == k for k in range(n_bins) if np.any(place == k)]
    expected = [
        [np.average(values[rows], weights=weight[rows]) for rows in bins]
        for values in (confidence, right)
    ]
    shares = [weight[rows].sum() / weight.sum() for rows in bins]
    found = metrics.reliability(xp(p), xp(y), n_bins, xp(weight))
    np.testing.assert_allclose(found.confidence, expected[0], rtol=1e-12)
    np.testing.assert_allclose(found.accuracy, expected[1], rtol=1e-12)
    np.testing.assert_allclose(found.share, shares, rtol=1e-12)
    error = metrics.expected_calibration_error(xp(p), xp(y), n_bins, xp(weight))
    gaps = np.abs(np.subtract(*expected))
    assert error == pytest.approx(np.dot(shares, gaps), rel=1e-12)


def test_probabilities_of_1_are_in_the_last_bin(xp):
    found = metrics.reliability(xp([[1.0, 0.0], [0.96, 0.04]]), xp([0, 1]), 10)
    assert found == ([0.98], [0.5], [1.0])


def test_scores_cross_to_the_host_as_numbers(xp, monkeypatch):
    logits, y, weight = predictions(5)
    moved = []
    to_host = transfers.to_host
    monkeypatch.setattr(
        transfers, "to_host", lambda x: (moved.append(tuple(x.shape)), to_host(x))[1]
    )
    names = ["accuracy", "roc_auc_ovr", "f1_macro", "neg_log_loss", "top_k_accuracy"]
    metrics.score(xp(logits), xp(y), names, xp(weight))
    assert max((int(np.prod(shape)) for shape in moved), default=0) <= len(names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scoring": "roc_auc"}, "for two classes, but there are 3; choose 'roc_auc_ovr'"),
        ({"scoring": "top_0_accuracy"}, "'top_0_accuracy' is not computed where arrays lie"),
        ({"scoring": "precision"}, "'precision' is not computed where arrays lie; choose among"),
        ({"y": [0, 1]}, r"needs logits of shape .* got \(4, 3\) and \(2,\)"),
        ({"y": [0, 1, 2, 3]}, r"must lie in 0 .. 2 for 3 classes"),
        ({"sample_weight": [0.0, 0.0, 0.0, 0.0]}, "non-negative, finite and not all zero"),
        ({"logits": [[np.nan] * 3] * 4}, "contains nan"),
    ],
)
def test_score_says_what_is_wrong(xp, change, message):
    given = {"logits": np.eye(4)[:, :3], "y": [0, 1, 2, 0], **change}
    given = {name: value if name == "scoring" else xp(value) for name, value in given.items()}
    with pytest.raises(ValueError, match=message):
        metrics.score(**given)


def test_reliability_refuses_no_bins(xp):
    with pytest.raises(ValueError, match=r"n_bins=...\) must be at least 1; got 0"):
        metrics.reliability(F.softmax(xp(np.eye(3))), xp([0, 1, 2]), n_bins=0)


def test_reliability_refuses_logits(xp):
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\].*from 0 to 3"):
        metrics.reliability(xp(3.0 * np.eye(3)), xp([0, 1, 2]))
    with pytest.raises(ValueError, match="at least one score"):
        metrics.score(xp(np.eye(3)), xp([0, 1, 2]), [])


def test_f1_is_of_the_classes_that_occur(xp):
    logits = np.asarray([[2.0, 0.0, 1.0], [3.0, 1.0, 2.0], [1.0, 3.0, 0.0]])
    y = np.asarray([0, 0, 0])
    expected = theirs.f1_score(y, logits.argmax(axis=1), average="macro")
    assert metrics.score(xp(logits), xp(y), "f1_macro") == pytest.approx(expected, rel=1e-6)
