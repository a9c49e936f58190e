"""The tables of docs/guide/extremes.md: each row gives what it says, and warns of nothing else."""

import re
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from xsoftmax import arrays

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "extremes.md"
SECONDS = 60  #: no row takes longer, of a processor's time; most take milliseconds


def setup():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {}
    exec(code, names)
    return names


def rows():
    lines = re.findall(r"^\| `(.*)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    for number, (code, outcome) in enumerate(lines):
        yield pytest.param(code, outcome, id=f"{number}: {code[:50]}")


def in_numpy(value):
    return arrays.to_host(value) if arrays.is_array(value) else np.asarray(value)


def check(code, outcome, names):
    kind, _, text = outcome.partition(": ")
    expected = kind.strip("`")
    if expected.endswith("Error"):
        with pytest.raises((ValueError, TypeError), match=re.escape(text)) as caught:
            eval(code, names)
        assert type(caught.value).__name__ == expected
    elif expected.endswith("Warning"):
        with pytest.warns(UserWarning, match=re.escape(text)):
            eval(code, names)
    elif kind.startswith("as scikit-learn"):
        check_as_scikit_learn(code, kind, names)
    else:
        found, value = in_numpy(eval(code, names)), np.asarray(eval(expected, names))
        assert found.shape == value.shape
        if value.dtype.kind == "f":
            np.testing.assert_allclose(found, value, rtol=1e-6, atol=1e-12)
        else:
            np.testing.assert_array_equal(found, value)


def check_as_scikit_learn(code, outcome, names):
    """The coefficients, where features were scaled in the scale of what scikit-learn is given."""
    seen = []

    def spied(X=names["X"], *args, **settings):
        seen.append((X, args, settings))
        return names["fit"](X, *args, **settings)

    model = eval(code, names | {"fit": lambda *a, **k: spied(*a, tol=1e-12, **k)})
    ((X, args, settings),) = seen
    y = args[0] if args else settings.get("y", names["y"])
    weight, C, scale = settings.get("sample_weight"), settings.get("C", 1.0), 1.0
    if outcome.endswith("of `X`"):
        given, X = np.asarray(X, np.float64), names["X"]
        scale = np.ptp(given) / np.ptp(X)
        C, weight = C * scale**2 * (1.0 if weight is None else weight[0]), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of C that is infinite, and of its own solver
        reference = LogisticRegression(C=C, tol=1e-12, max_iter=100_000)
        reference.fit(np.asarray(X, np.float64), y, sample_weight=weight)
    np.testing.assert_allclose(model.coef_ * scale, reference.coef_, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("code", "outcome"), [row for row in rows() if "array(" in row.values[0]])
def test_rows_about_arrays_hold_on_every_backend(xp, code, outcome):
    if "float16" in code and not hasattr(xp.xp, "float16"):
        pytest.skip(f"{xp} has no float16")
    check(code, outcome, setup() | {"array": xp})


@pytest.mark.parametrize(
    ("code", "outcome"), [row for row in rows() if "array(" not in row.values[0]]
)
def test_rows_about_estimators_hold(code, outcome):
    names, start = setup(), time.process_time()
    check(code, outcome, names)
    assert time.process_time() - start < SECONDS


def test_the_tables_are_read():
    assert len(list(rows())) > 120
