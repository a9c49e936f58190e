"""Which options go together: one table for each command.

An option that a person gave and that would change nothing is an error that says why.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import typer

#: Suffixes of files whose features may be read at each pass.
STORED = (".npy", ".safetensors")

Values = dict[str, Any]  #: of all parameters of a command, by the name in its function


class Rule(NamedTuple):
    """Options, by the names of their parameters, that apply only where `applies` holds."""

    parameters: tuple[str, ...]
    applies: Callable[[Values], bool]
    reason: str


def check_options(context: typer.Context, rules: tuple[Rule, ...]) -> None:
    """Refuse options given on the command line that do not apply.

    Raises
    ------
    typer.BadParameter
        For the first of them. The message has its flag and the reason.
    """
    given = [
        parameter
        for parameter in context.command.params
        if _name_of(context.get_parameter_source(parameter.name or "")) == "COMMANDLINE"
    ]
    for rule in rules:
        for parameter in given:
            if parameter.name in rule.parameters and not rule.applies(context.params):
                flag = "/".join(parameter.opts[:1] + parameter.secondary_opts)
                raise typer.BadParameter(f"{flag} does not apply: {rule.reason}.", ctx=context)


def _name_of(source: Any) -> str:
    return getattr(source, "name", "")


def may_be_stored(data: str) -> bool:
    """Whether features may stay in their file: that of one array, or a folder of them."""
    path = Path(data)
    if path.is_dir():
        return any(file.suffix.lower() in STORED for file in path.iterdir())
    return path.suffix.lower() in STORED


def _has_test_part(values: Values) -> bool:
    from ..datasets import has_test_part

    return has_test_part(values["data"])


def _splits(values: Values) -> bool:
    """Whether a random part of DATA is tested on."""
    return values["test"] is None and not _has_test_part(values)


def _any_source(values: Values, *names_or_suffixes: str) -> bool:
    """Whether DATA or --test has one of these names, or ends in one of these suffixes."""
    sources = [values["data"], values.get("test") or ""]
    return any(x in names_or_suffixes for s in sources for x in (s, Path(s).suffix) if x)


def _solver(values: Values) -> str:
    return values["solver"] or ("adam" if values["kind"] == "mlp" else "lbfgs")


_FILES_OF_MNIST = Rule(
    ("data_dir",),
    lambda v: _any_source(v, "mnist", "fashion-mnist"),
    "it is for mnist and fashion-mnist",
)
_TABLES = (
    Rule(
        ("label_column",),
        lambda v: _any_source(v, ".csv", ".tsv", ".parquet"),
        "only a table (.csv, .tsv, .parquet) has columns with names",
    ),
    Rule(
        ("header",),
        lambda v: _any_source(v, ".csv", ".tsv"),
        "only a .csv or .tsv file may be without a header",
    ),
)
_LABELS = Rule(
    ("labels",),
    lambda v: Path(v["data"]).suffix == ".npy",
    "only a .npy file of features needs labels from another file",
)
_IN_FILES = Rule(
    ("stored",),
    lambda v: may_be_stored(v["data"]),
    "only features of .npy and .safetensors files can be read at each pass",
)
_PICTURES = Rule(
    ("plots",), lambda v: not v["no_plots"], "--no-plots says that no pictures are drawn"
)
_SPLIT = (
    Rule(
        ("test", "test_size"),
        lambda v: not _has_test_part(v),
        "DATA has a test part of its own",
    ),
    Rule(
        ("test_size",),
        lambda v: v["test"] is None,
        "with --test all rows of DATA are trained on",
    ),
    Rule(
        ("test_labels",),
        lambda v: Path(v["test"] or "").suffix == ".npy",
        "only --test with a .npy file needs labels from another file",
    ),
)

_TRAINING = (_FILES_OF_MNIST, *_TABLES, _LABELS, _IN_FILES, *_SPLIT, _PICTURES)

SWEEP = (
    *_TRAINING,
    Rule(("seed",), _splits, "no rows are split at random, and folds are not shuffled"),
)

TRAIN = (
    Rule(
        ("model",),
        lambda _: False,
        "it names a saved model in other commands; what to train is --kind",
    ),
    Rule(
        ("hidden", "activation", "alpha"),
        lambda v: v["kind"] == "mlp",
        "it is for --kind mlp",
    ),
    Rule(
        ("c",),
        lambda v: v["kind"] != "mlp",
        "it is for --kind softmax-regression; the penalty of an MLP is --alpha",
    ),
    Rule(
        ("learning_rate",),
        lambda v: _solver(v) != "lbfgs",
        "lbfgs chooses its steps itself; it is for --solver gd, sgd or adam",
    ),
    Rule(
        ("batch_size",),
        lambda v: _solver(v) in ("sgd", "adam"),
        "lbfgs and gd take all rows at once; it is for --solver sgd or adam",
    ),
    Rule(
        ("seed",),
        lambda v: (
            _splits(v) or v["kind"] == "mlp" or _solver(v) in ("sgd", "adam") or v["early_stopping"]
        ),
        "nothing is drawn at random here",
    ),
    *_TRAINING,
)

PROBE = (
    Rule(
        ("cv",),
        lambda v: len(v["others"]) < 2,
        "C is chosen on VAL; without VAL it is chosen by folds",
    ),
    _PICTURES,
)

EVALUATE = (
    _FILES_OF_MNIST,
    *_TABLES,
    _LABELS,
    Rule(
        ("test_size", "seed"),
        lambda v: v["data"] == "digits",
        "only digits is split here; of a file all rows are scored",
    ),
    _PICTURES,
    Rule(
        ("force",),
        lambda v: v["plots"] is not None or v["report"] is not None,
        "without --plots and --report nothing is written",
    ),
)

PREDICT = (
    _FILES_OF_MNIST,
    *_TABLES,
    Rule(
        ("as_json",),
        lambda v: v["save_to"] is None,
        "--out writes CSV; without --out, --json prints to stdout",
    ),
    Rule(
        ("force",),
        lambda v: v["save_to"] is not None,
        "without --out nothing is written",
    ),
)
