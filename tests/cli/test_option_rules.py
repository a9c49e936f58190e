"""Options that do not apply."""

import pytest
from typer.testing import CliRunner

from xsoftmax.cli.app import app

from .commands import run


@pytest.mark.parametrize(
    ("arguments", "flag", "reason"),
    [
        ("train --hidden 3", "--hidden", "it is for --kind mlp"),
        ("train --activation tanh", "--activation", "it is for --kind mlp"),
        ("train --alpha 1", "--alpha", "it is for --kind mlp"),
        ("train --kind mlp --C 1", "--C", "penalty of an MLP is --alpha"),
        ("train --model mlp", "--model", "what to train is --kind"),
        ("train --batch-size 10", "--batch-size", "for --solver sgd or adam"),
        ("train --solver gd --batch-size 10", "--batch-size", "for --solver sgd or adam"),
        ("train --learning-rate 1", "--learning-rate", "for --solver gd, sgd or adam"),
        ("train --kind mlp --solver lbfgs --learning-rate 1", "--learning-rate", "chooses its"),
        ("train --labels y.npy", "--labels", "only a .npy file"),
        ("sweep t.csv --labels y.npy", "--labels", "only a .npy file"),
        ("evaluate t.csv --model m --labels y.npy", "--labels", "only a .npy file"),
        ("train --label-column y", "--label-column", "only a table"),
        ("sweep t.npz --label-column y", "--label-column", "only a table"),
        ("evaluate t.npy --model m --label-column y", "--label-column", "only a table"),
        ("predict --model m --label-column y", "--label-column", "only a table"),
        ("train t.parquet --no-header", "--header/--no-header", "only a .csv or .tsv"),
        ("predict t.npz --model m --header", "--header/--no-header", "only a .csv or .tsv"),
        ("train t.csv --data-dir d", "--data-dir", "for mnist and fashion-mnist"),
        ("train t.csv --test t.csv --test-size 0.3", "--test-size", "all rows of DATA"),
        ("train mnist --test-size 0.3", "--test-size", "a test part of its own"),
        ("sweep mnist --test t.csv", "--test", "a test part of its own"),
        ("sweep mnist --seed 1", "--seed", "folds are not shuffled"),
        ("train t.csv --test t.csv --seed 1", "--seed", "nothing is drawn at random"),
        ("train t.csv --test-labels y.npy", "--test-labels", "only --test with a .npy"),
        ("train --plots p --no-plots", "--plots", "--no-plots says"),
        ("sweep --plots p --no-plots", "--plots", "--no-plots says"),
        ("evaluate --model m --plots p --no-plots", "--plots", "--no-plots says"),
        ("evaluate t.csv --model m --seed 1", "--seed", "of a file all rows are scored"),
        ("evaluate mnist --model m --test-size 0.3", "--test-size", "only digits is split"),
        ("predict t.csv --model m --json --out p.csv", "--json", "--out writes CSV"),
        ("predict t.csv --model m --force", "--force", "without --out nothing is written"),
        (
            "evaluate t.csv --model m --force",
            "--force",
            "without --plots and --report nothing",
        ),
    ],
)
def test_check_options_refuses_an_option_that_does_not_apply_with_the_reason(
    arguments, flag, reason
):
    done = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, arguments.split())
    assert done.exit_code == 2
    assert f"{flag} does not apply: " in done.output
    assert reason in done.output


def test_check_options_takes_defaults_and_options_that_apply(tmp_path):
    run(
        "train", "--kind", "mlp", "--hidden", "4", "--batch-size", "100", "--learning-rate", "0.01",
        "--max-iter", "1", "--no-plots", "-q", "--test-size", "0.5", cwd=tmp_path,
    )  # fmt: skip
    run(
        "evaluate", "digits", "--model", "xsoftmax-out", "--seed", "0", "--test-size", "0.5",
        cwd=tmp_path,
    )  # fmt: skip
