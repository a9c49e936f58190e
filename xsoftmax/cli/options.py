"""The options that several commands share; one flag means the same in all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .standard_input import file_of_standard_input

Backend = Literal["numpy", "cupy", "torch", "jax"]

MODEL_NAME = "model.safetensors"  #: of the file in the folder that train writes


def _in_folder(path: Path | None) -> Path | None:
    """The model file itself, or the one in a folder."""
    return path / MODEL_NAME if path is not None and path.is_dir() else path


#: An option without a value: an empty metavar keeps its type out of the help.
_FLAG: dict[str, Any] = {"metavar": ""}
Data = Annotated[
    str,
    typer.Argument(
        help="digits, mnist, fashion-mnist, a .npz, .npy, .safetensors, .csv, .tsv or .parquet "
        "file, a folder of .npz, .npy, .safetensors, .parquet or IDX files, or - for what is piped "
        "in.",
        callback=file_of_standard_input,
    ),
]
Labels = Annotated[Path | None, typer.Option(help="A .npy file of labels, when DATA is .npy.")]
LabelColumn = Annotated[
    str | None, typer.Option(help="Column of labels of a table; default the last.")
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first line of a .csv or .tsv names the columns; default: found out.",
        show_default=False,
    ),
]
Test = Annotated[
    str | None,
    typer.Option(
        help="What to test on; all rows of DATA are then trained on.",
        callback=file_of_standard_input,
    ),
]
TestLabels = Annotated[
    Path | None, typer.Option(help="A .npy file of labels, when --test is .npy.")
]
TestSize = Annotated[
    float,
    typer.Option(help="Share of rows to test on, if nothing says which.", min=0.01, max=0.99),
]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder of MNIST's files; default $XSOFTMAX_DATA_DIR or cache.")
]
BackendName = Annotated[Backend, typer.Option(help="Array library to compute with.")]
Device = Annotated[str | None, typer.Option(help="Its device, such as cpu, cuda:0 or 1.")]
Dtype = Annotated[Literal["float32", "float64"], typer.Option(help="Precision to compute in.")]
ModelFile = Annotated[
    Path,
    typer.Option(
        "--model", help="The model file that train wrote, or its folder.", callback=_in_folder
    ),
]
ModelToExport = Annotated[
    Path, typer.Argument(help="A model file that train wrote, or its folder.", callback=_in_folder)
]
ModelToDescribe = Annotated[
    Path | None,
    typer.Argument(help="A model file that train wrote, or its folder.", callback=_in_folder),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="A file that keeps what is found; the same command goes on from it if it is cut off."
    ),
]
Stored = Annotated[
    bool | None,
    typer.Option(
        "--stored/--in-memory",
        help="Whether features of .npy and .safetensors files are read from disk at each pass; "
        "default: files of 1 GiB and more.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(help="For splits, shuffles and weights.")]
Plots = Annotated[Path | None, typer.Option(help="Folder for pictures.")]
Report = Annotated[
    Path | None,
    typer.Option(help="A page of HTML to write, with scores, tables and pictures in one file."),
]
NoPlots = Annotated[bool, typer.Option("--no-plots", help="Draw no pictures.", **_FLAG)]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, not a table.", **_FLAG)
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Show no progress, and not what was made of columns.", **_FLAG
    ),
]


def somewhere(place: Any) -> Any:
    """An array on `place`, for ``load(like=...)``."""
    import numpy as np

    return place.asarray(np.zeros(1))
