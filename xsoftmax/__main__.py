"""``python -m xsoftmax``: the command line with errors in words and the right exit codes."""

from __future__ import annotations

import sys

from .cli import app
from .cli.console import err, warnings_in_words

FAILED = 1


def main() -> None:
    """Run a command; bad input, missing files and missing devices exit with 1 and one sentence."""
    try:
        with warnings_in_words():
            app(prog_name="xsoftmax")
    except (ValueError, TypeError, OSError, RuntimeError, ImportError, MemoryError) as error:
        err.print("[red]error:[/] ", end="")
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
