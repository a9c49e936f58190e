"""``python -m xsoftmax``: the command line with errors in words and the right exit codes.

Nothing is imported before `main` runs, so that Ctrl-C while Python imports ends in one line too.
"""

import os
import sys

FAILED = 1


def main() -> None:
    """Run a command; bad input, missing files and missing devices exit with 1 and one sentence."""
    try:
        from . import interrupts
    except (KeyboardInterrupt, RuntimeError):  # Python 3.11 turns the first into the second
        os.write(2, b"interrupted\n")
        os._exit(130)
    interrupts.listen()
    from . import cli
    from .cli.console import err, warnings_in_words

    try:
        with warnings_in_words():
            cli.app(prog_name="xsoftmax")
    except SystemExit as ended:
        sys.exit(_flushed(ended.code))
    except (ValueError, TypeError, OSError, RuntimeError, ImportError, MemoryError) as error:
        err.print("[red]error:[/] ", end="")
        err.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(_flushed(FAILED))


def _flushed(code: str | int | None) -> str | int | None:
    """The exit code, once stdout has taken all that was printed: a disk may be full."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not code:
            print(f"error: cannot write to stdout: {error.strerror}.", file=sys.stderr)
            return FAILED
    return code


if __name__ == "__main__":
    main()
