"""``xsoftmax info``."""

from __future__ import annotations

import sys

from .. import __version__, arrays
from . import options
from .console import print_json, print_table


def info(as_json: options.AsJson = False) -> None:
    """Which array libraries are here, with their versions and devices."""
    libraries = arrays.report()
    if as_json:
        print_json({"xsoftmax": __version__, "libraries": [one._asdict() for one in libraries]})
        return
    print_table(
        f"xsoftmax {__version__}, Python {sys.version.split()[0]}",
        ["library", "version", "devices"],
        [[one.name, one.version or "-", ", ".join(one.devices) or one.note] for one in libraries],
    )
