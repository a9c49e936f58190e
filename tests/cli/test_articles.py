"""Both published runs on real MNIST; the first rows here, all of them with --slow."""

import pytest

from xsoftmax import datasets
from xsoftmax.cli.articles import ARTICLES, reproduce


@pytest.fixture(scope="module")
def mnist(mnist_dir):
    data = datasets.mnist(mnist_dir, dtype="float64")
    return data.X_train, data.y_train, data.X_test, data.y_test


def check_neural_network(rows):
    for row in rows:
        assert row.loss == pytest.approx(row.published_loss, rel=1e-9)
        assert row.accuracy == row.published_accuracy


def check_softmax_regression(rows):
    for row in rows[1:]:
        assert row.loss == pytest.approx(row.published_loss, rel=0.02)


def test_reproduce_neural_network_begins_digit_for_digit(mnist):
    result = reproduce(ARTICLES["neural-network"], *mnist, max_iter=101)
    assert [row.iteration for row in result.rows] == [0, 100]
    check_neural_network(result.rows)


def test_reproduce_softmax_regression_begins_within_two_per_cent(mnist):
    result = reproduce(ARTICLES["softmax-regression"], *mnist, max_iter=201)
    assert [row.iteration for row in result.rows] == [0, 100, 200]
    check_softmax_regression(result.rows)


@pytest.mark.slow
def test_reproduce_neural_network_in_full(mnist):
    article = ARTICLES["neural-network"]
    result = reproduce(article, *mnist)
    assert len(result.rows) == 10
    check_neural_network(result.rows)
    assert result.train_accuracy == article.train_accuracy
    assert result.test_accuracy == article.test_accuracy


@pytest.mark.slow
def test_reproduce_softmax_regression_in_full(mnist):
    article = ARTICLES["softmax-regression"]
    result = reproduce(article, *mnist)
    assert len(result.rows) == 10
    check_softmax_regression(result.rows)
    assert result.train_accuracy == pytest.approx(article.train_accuracy, abs=0.003)
    assert result.test_accuracy == pytest.approx(article.test_accuracy, abs=0.003)
