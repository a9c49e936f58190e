"""Progress on stderr, at any width."""

import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from xsoftmax import SoftmaxRegressionCV
from xsoftmax.cli.console import (
    print_json,
    print_scores,
    print_table,
    sweep_progress,
    training_progress,
)
from xsoftmax.cli.evaluation import Evaluation

from ..problems import blobs

X, Y = blobs()


class Screen(Console):
    """A terminal of a given width, and the lines that it was shown."""

    def __init__(self, width):
        super().__init__(file=io.StringIO(), width=width, force_terminal=True, legacy_windows=False)

    @property
    def lines(self):
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.file.getvalue())
        return [line for line in re.split(r"[\r\n]+", text) if line.strip()]


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("held_out", [True, False])
def test_training_progress_cuts_nothing(width, held_out):
    screen = Screen(width)
    scores = [0.98765] if held_out else []
    model = SimpleNamespace(loss_curve_=[1.2345e-5], validation_scores_=scores)
    with training_progress("mlp on digits", 1000, quiet=False, console=screen) as monitor:
        for iteration in range(1, 8):
            monitor(iteration, model)
    title, *bars = screen.lines
    assert title == "mlp on digits"
    figures = "objective 1.234e-05" + ("  accuracy 0.988" if held_out else "")
    assert re.fullmatch(rf"━+ 7/7 {figures} \d\d:\d\d", bars[-1].strip())  # full
    assert all(len(bar) <= width for bar in bars)
    assert not any("…" in bar for bar in bars)


@pytest.mark.parametrize("width", [60, 80])
def test_sweep_progress_knows_its_total_from_the_start(width):
    screen = Screen(width)
    with sweep_progress("sweep of C on digits", 6, quiet=False, console=screen) as monitor:
        SoftmaxRegressionCV([0.1, 1.0], cv=3).fit(X, Y, monitor=monitor)
    _, *bars = screen.lines
    assert re.search(r"━ 0/6 problems --:-- left$", bars[0].strip())
    assert re.fullmatch(r"━+ 6/6 problems \d\d:\d\d", bars[-1].strip())
    assert not any("…" in bar for bar in bars)


def test_training_progress_that_is_interrupted_is_not_full():
    screen = Screen(60)

    def fit():
        with training_progress("mlp", 1000, quiet=False, console=screen) as monitor:
            monitor(7, SimpleNamespace(loss_curve_=[0.5]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit()
    assert "   7/1000 objective 0.5" in screen.lines[-1]
    assert screen.lines[-1].strip().endswith("left")


def test_training_progress_that_is_quiet_shows_nothing():
    screen = Screen(60)
    with training_progress("mlp", 10, quiet=True, console=screen) as monitor:
        monitor(1, SimpleNamespace(loss_curve_=[0.5]))
    assert screen.lines == []


LABELS = np.zeros(7)


def printed(width):
    shown = Console(file=io.StringIO(), width=width)
    figures = "0.24014291022543646", "0.16293340442170298"
    print_table("A run", ["iteration", "published", "[loss]"], [["100", *figures]], shown)
    print_scores("Scores", {"train": Evaluation(0.9, 0.12345, LABELS, LABELS)}, shown)
    return shown.file.getvalue()


def test_print_table_makes_lines_of_a_table_that_is_too_wide():
    lines = printed(36).splitlines()
    assert lines[:4] == [
        "A run",
        "iteration 100",
        "  published: 0.24014291022543646",
        "  [loss]: 0.16293340442170298",
    ]
    assert max(map(len, lines)) <= 36
    assert lines[-1] == "  cross-entropy loss: 0.1235"


def test_print_table_makes_a_table_where_it_fits():
    text = printed(60)
    assert "│ 100       │ 0.24014291022543646 │ 0.16293340442170298 │" in text
    assert "┃ iteration ┃           published ┃              [loss] ┃" in text


def test_print_json_has_no_nan(capsys):
    print_json({"a": float("nan"), "b": [float("inf"), 1.5]})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5]}
