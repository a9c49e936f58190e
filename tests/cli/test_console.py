"""Progress on stderr, at any width."""

import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from xsoftmax import MLPClassifier, SoftmaxRegressionCV
from xsoftmax.cli import console
from xsoftmax.cli.evaluation import Evaluation
from xsoftmax.cli.train import _objective

from ..problems import blobs

X, Y = blobs()


@pytest.fixture
def screen(monkeypatch):
    """Sets the width of a terminal; called without one, gives the lines that it was shown."""
    shown = io.StringIO()

    def set_or_read(width=None):
        if width is None:
            text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue())
            return [line for line in re.split(r"[\r\n]+", text) if line.strip()]
        terminal = Console(file=shown, width=width, force_terminal=True, legacy_windows=False)
        monkeypatch.setattr(console, "err", terminal)
        return None

    return set_or_read


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("held_out", [True, False])
def test_training_progress_cuts_nothing(screen, width, held_out):
    screen(width)
    scores = [0.98765] if held_out else []
    model = SimpleNamespace(loss_curve_=[1.2345e-5], validation_scores_=scores)
    with console.training_progress("mlp on digits", 1000, quiet=False) as monitor:
        for iteration in range(1, 8):
            monitor(iteration, model)
    title, *bars = screen()
    assert title == "mlp on digits"
    figures = "objective 1.234e-05" + ("  accuracy 0.988" if held_out else "")
    assert re.fullmatch(rf"━+ 7/7 {figures} \d\d:\d\d", bars[-1].strip())  # full
    assert all(len(bar) <= width for bar in bars)
    assert not any("…" in bar for bar in bars)


@pytest.mark.parametrize("width", [60, 80])
def test_sweep_progress_knows_its_total_from_the_start(screen, width):
    screen(width)
    with console.sweep_progress("sweep of C on digits", 6, quiet=False) as monitor:
        SoftmaxRegressionCV([0.1, 1.0], cv=3).fit(X, Y, monitor=monitor)
    _, *bars = screen()
    assert re.search(r"━ 0/6 problems --:-- left$", bars[0].strip())
    assert re.fullmatch(r"━+ 6/6 problems \d\d:\d\d", bars[-1].strip())
    assert not any("…" in bar for bar in bars)


def test_a_fit_that_is_interrupted_ends_with_a_bar_that_is_not_full(screen):
    screen(60)

    def fit():
        with console.training_progress("mlp", 1000, quiet=False) as monitor:
            monitor(7, SimpleNamespace(loss_curve_=[0.5]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit()
    assert "   7/1000 objective 0.5" in screen()[-1]
    assert screen()[-1].strip().endswith("left")


def test_quiet_shows_nothing(screen):
    screen(60)
    with console.training_progress("mlp", 10, quiet=True) as monitor:
        monitor(1, SimpleNamespace(loss_curve_=[0.5]))
    assert screen() == []


def test_the_objective_is_that_of_the_parameters_that_were_kept():
    model = MLPClassifier((3,), solver="gd", max_iter=5, tol=0, random_state=0).fit(X, Y)
    assert _objective(model) == model.loss_curve_[-1]
    model.set_params(early_stopping=True, n_iter_no_change=2, max_iter=50).fit(X, Y)
    best = model.validation_scores_.index(max(model.validation_scores_))
    assert best < len(model.loss_curve_) - 1
    assert _objective(model) == model.loss_curve_[best]


LABELS = np.zeros(7)


def printed(width, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=shown, width=width))
    figures = "0.24014291022543646", "0.16293340442170298"
    console.print_table("A run", ["iteration", "published", "[loss]"], [["100", *figures]])
    console.print_scores("Scores", {"train": Evaluation(0.9, 0.12345, LABELS, LABELS)})
    return shown.getvalue()


def test_a_table_that_is_too_wide_becomes_lines(monkeypatch):
    lines = printed(36, monkeypatch).splitlines()
    assert lines[:4] == [
        "A run",
        "iteration 100",
        "  published: 0.24014291022543646",
        "  [loss]: 0.16293340442170298",
    ]
    assert max(map(len, lines)) <= 36
    assert lines[-1] == "  cross-entropy loss: 0.1235"


def test_a_table_that_fits_is_a_table(monkeypatch):
    text = printed(60, monkeypatch)
    assert "│ 100       │ 0.24014291022543646 │ 0.16293340442170298 │" in text
    assert "┃ iteration ┃           published ┃              [loss] ┃" in text
