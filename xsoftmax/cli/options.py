"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from .. import arrays

Backend = Literal["numpy", "cupy", "torch", "jax"]

Data = Annotated[
    str,
    typer.Argument(
        help="digits, mnist, fashion-mnist, a .npz, .npy, .csv or .tsv file, or a folder of IDX "
        "files."
    ),
]
Labels = Annotated[Path | None, typer.Option(help="A .npy file of labels, when DATA is .npy.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of labels in CSV; default the last.")]
TestSize = Annotated[
    float, typer.Option(help="Share of rows to test on, if DATA does not say.", min=0.01, max=0.99)
]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of MNIST's files; default $XSOFTMAX_DATA_DIR or cache.")
]
BackendName = Annotated[Backend, typer.Option(help="Array library to compute with.")]
Device = Annotated[str | None, typer.Option(help="Its device, such as cpu, cuda:0 or 1.")]
Dtype = Annotated[Literal["float32", "float64"], typer.Option(help="Precision to compute in.")]
ModelFile = Annotated[Path, typer.Option("--model", help="The model file that train wrote.")]
Seed = Annotated[int, typer.Option(help="For splits, shuffles and weights.")]
Plots = Annotated[Path | None, typer.Option(help="Folder for pictures.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, not a table.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def somewhere(place: arrays.Backend) -> Any:
    """An array on `place`, for ``load(like=...)``."""
    return place.asarray(np.zeros(1))
