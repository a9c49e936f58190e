"""Where a command's files go: checked before the work, and nothing of another run replaced unasked.

A picture that cannot be drawn costs a warning, not the command.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from .console import note
from .options import MODEL_NAME

DEFAULT_FOLDER = Path("xsoftmax-out")
FLOAT64_BYTES = 8

#: What evaluate draws, and what train, sweep and probe do.
RESULT_PICTURES = ("predictions.png", "recall.png", "confusion_matrix.png")
PICTURES = (
    *RESULT_PICTURES,
    "samples.png",
    "projection.png",
    "loss_curve.png",
    "weights.png",
    "sweep.png",
    "scores.png",
)

SaveTo = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Folder, or .safetensors file, for the model; default xsoftmax-out, or xsoftmax-out-2 "
        "and so on where that exists.",
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Replace files that are there.", metavar=""),
]


class Destination(NamedTuple):
    """Where a model and its pictures go."""

    model: Path
    pictures: Path | None  #: the folder; None to draw none
    is_default: bool  #: a folder of a new name is made for it
    force: bool


def destination(
    save_to: Path | None, plots: Path | None, *, no_plots: bool, force: bool
) -> Destination:
    """Where the options say that files go, once it is sure that they can be written there.

    Raises
    ------
    ValueError
        If --out ends like a file that is no model file.
    FileExistsError
        If something of another run would be replaced, and `force` does not allow that.
    OSError
        If something cannot be written there.
    """
    if save_to is None:
        model = (DEFAULT_FOLDER if force else _new_folder(DEFAULT_FOLDER)) / MODEL_NAME
    else:
        model = _model_path(save_to)
    pictures = None if no_plots else plots or _beside(model)
    check_new(model, force=force)
    where = Destination(model, pictures, save_to is None and not force, force)
    for folder in _picture_folders(where):
        check_pictures(folder, force=force)
    return where


def check_new(path: Path, *, force: bool, reads: Iterable[Any] = (), ending: str = "") -> None:
    """Refuse a file that cannot be written, or that is there already unless `force`.

    What the command `reads` is never replaced. The name must end in `ending`.
    """
    from ..serialization.files import check_writable

    if not path.name.lower().endswith(ending):
        raise ValueError(f"{path} must end in {ending}, which is what is written.")
    for other in reads:
        if other is not None and os.path.realpath(path) == os.path.realpath(other):
            raise ValueError(f"{path} is read by this command. Choose another name to write to.")
    if os.path.isfile(path) and not force:
        raise FileExistsError(
            f"{path} is there already. Choose another name, or replace it with --force."
        )
    check_writable(path)


def check_pictures(folder: Path, names: tuple[str, ...] = PICTURES, *, force: bool) -> None:
    """Refuse a folder where pictures cannot be written, or would replace others unless `force`."""
    there = [name for name in names if os.path.lexists(folder / name)]
    check_new(folder / (there or names)[0], force=force)


def check_room(where: Destination, estimator: Any, X: Any, y: Any) -> None:
    """Refuse, before training, a model that has no room on its disk."""
    from ..classifiers.rules import check_parameters
    from ..serialization.files import check_writable

    check_parameters(estimator)
    network = estimator._network(X.shape[1], len(set(y.tolist())))
    check_writable(where.model, network.n_parameters * FLOAT64_BYTES)


def save_model(where: Destination, estimator: Any, *, interrupted: bool = False) -> Destination:
    """Write the model; returns where it went, and where its pictures go.

    An interrupted run replaces no model: its own goes beside that, without pictures.
    """
    from ..serialization import model_file

    if interrupted and where.force and where.model.exists():
        stem = where.model.stem.removesuffix("-interrupted")
        beside = where.model.with_name(f"{stem}-interrupted.safetensors")
        model_file.save(estimator, beside)
        note(f"{where.model} stays, since this run was not finished; its model is {beside}")
        return where._replace(model=beside, pictures=None)
    if where.is_default:
        where = _made(where)
    model_file.save(estimator, where.model)
    for folder in _picture_folders(where) if where.force else ():
        for name in PICTURES:  # of the model that was there
            (folder / name).unlink(missing_ok=True)
    return where


def drawn(folder: Path | None, draw: Callable[[Any, Path], list[Path]]) -> list[Path]:
    """The files that ``draw(pictures, folder)`` wrote; `pictures` is the module that draws.

    What fails costs a warning: matplotlib may not even be importable.
    """
    if folder is None:
        return []
    try:
        from . import pictures

        return draw(pictures, folder)
    except Exception as error:
        warnings.warn(f"pictures were not drawn: {error}", stacklevel=2)
        return []


def _model_path(save_to: Path) -> Path:
    """The file that --out names, or that lies in the folder that it names."""
    if save_to.suffix.lower() == ".safetensors":
        return save_to
    if not os.path.isdir(save_to) and save_to.suffix[1:2].isalpha():
        model = save_to.with_suffix(".safetensors")
        raise ValueError(
            f"--out {save_to} is neither the name of a model file, which ends in .safetensors, nor "
            f"a folder that is there. Try --out {model}, or make that folder."
        )
    if os.path.isfile(save_to):
        raise FileExistsError(
            f"--out {save_to} is a file, and not a model file: those end in .safetensors. Name "
            "one of those, or a folder."
        )
    return save_to / MODEL_NAME


def _beside(model: Path) -> Path:
    """The folder of a model's pictures: its own, if it has one."""
    if model.name == MODEL_NAME:
        return model.parent
    return model.with_name(f"{model.stem}-pictures")


def _picture_folders(where: Destination) -> set[Path]:
    """Where pictures of this model or of the one before it may be."""
    beside = _beside(where.model)
    return {beside} if where.pictures is None else {beside, where.pictures}


def _new_folder(folder: Path) -> Path:
    """`folder`, or the first of folder-2, folder-3, ... that is not there."""
    names = (folder if i == 1 else folder.with_name(f"{folder.name}-{i}") for i in count(1))
    return next(name for name in names if not os.path.lexists(name))


def _made(where: Destination) -> Destination:
    """`where`, in a folder that this run made: another may have taken the name meanwhile."""
    while True:
        folder = _new_folder(DEFAULT_FOLDER)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        break
    if folder != DEFAULT_FOLDER:
        note(f"{DEFAULT_FOLDER} is there already, so this run's files go to {folder}")
    beside = where.pictures == where.model.parent
    return where._replace(model=folder / MODEL_NAME, pictures=folder if beside else where.pictures)
