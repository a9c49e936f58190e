"""``xsoftmax export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from . import options
from .console import print_files, print_json
from .outputs import Force, check_new

Kind = Annotated[Literal["onnx", "torch", "sklearn"], typer.Option("--to", help="What to write.")]
Out = Annotated[
    Path | None, typer.Option(help="The file; default that of the model, with another ending.")
]


def export(
    model: options.ModelToExport,
    to: Kind,
    out: Out = None,
    force: Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Write a saved model as a file of ONNX, torch or scikit-learn.

    onnx: a graph with the outputs label and probabilities. torch: an exported program that gives
    logits, for torch.export.load. sklearn: an estimator, for joblib.load.
    """
    from ..conversion.content import CONTENTS
    from ..serialization import model_file
    from ..serialization.files import write_whole

    write, ending = CONTENTS[to]
    path = model.with_suffix(ending) if out is None else out
    check_new(path, force=force, reads=[model], ending=ending)
    content = write(model_file.load(model))
    write_whole(path, content)
    if as_json:
        print_json({"model": str(model), "to": to, "file": str(path), "bytes": len(content)})
    else:
        print_files([path])
