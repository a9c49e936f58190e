"""``python -m xsoftmax``: the command line with errors in words and the right exit codes.

Nothing is imported before `main` runs, so that Ctrl-C while Python imports ends in one line too.
"""

import errno
import os
import sys

FAILED = 1
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main() -> None:
    """Run a command; bad input, missing files and missing devices exit with 1 and one sentence."""
    try:
        from .cli import interrupts
    except (KeyboardInterrupt, RuntimeError):  # Python 3.11 turns the first into the second
        os.write(2, b"interrupted\n")
        os._exit(130)
    interrupts.listen()
    from .cli.app import app
    from .cli.console import err, warnings_in_words

    code: str | int | None = None
    try:
        with warnings_in_words():
            app(prog_name="xsoftmax")
    except SystemExit as ended:
        code = ended.code
    except (ValueError, TypeError, OSError, RuntimeError, ImportError, MemoryError) as error:
        err.print("[red]error:[/] ", end="")
        err.print(_in_words(error), markup=False, highlight=False, soft_wrap=True)
        code = FAILED
    try:
        sys.stdout.flush()
    except OSError as error:
        if not code:
            print(f"error: {_in_words(error)}", file=sys.stderr)
        code = code or FAILED
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries again
    interrupts.finished()
    sys.exit(code)


def _in_words(error: Exception) -> str:
    """The message; of the system's, with the file first, and stdout where it names none."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return f"cannot write to stdout: {error.strerror}." if error.errno in NO_ROOM else str(error)


if __name__ == "__main__":
    main()
