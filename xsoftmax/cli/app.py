"""The command line: parse, call, print. One file a command.

Commands import what they need when they run, so that help and usage errors come at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from .. import __version__
from .console import note
from .evaluate import evaluate
from .export import export
from .info import info
from .interrupts import exit_code, interrupts_raised, is_interrupt, what_ended_it
from .predict import predict
from .probe import probe
from .reproduce import reproduce
from .sweep import sweep
from .train import train


def _interruptible(command: Callable) -> Callable:
    """`command`, which Ctrl-C ends with one line and exit code 130, and SIGTERM with 143."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            with interrupts_raised():
                return command(*args, **kwargs)
        except (Exception, KeyboardInterrupt) as error:
            if isinstance(error, typer.Exit) or not is_interrupt(error):
                raise
            note(what_ended_it())
            raise typer.Exit(exit_code()) from None

    return wrapped


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, sweep, probe, evaluate, predict, export, reproduce, info):
    app.command()(_interruptible(command))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"xsoftmax {__version__}")
        raise typer.Exit


@app.callback()
def callback(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version.",
            callback=_print_version,
            is_eager=True,
            metavar="",
        ),
    ] = False,
) -> None:
    """Train softmax classifiers on NumPy, CuPy, PyTorch or JAX arrays."""
