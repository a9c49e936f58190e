"""Ctrl-C on the command line: one line on stderr and exit code 130, at any moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

INTERRUPTED = 130  #: 128 + SIGINT, as shells report it

_SHOW_CURSOR = "\x1b[?25h"  #: a progress bar hides it


def leave_at_once(*_: Any) -> None:
    """End the process here and now; for moments when there is nothing to tidy up."""
    cursor = _SHOW_CURSOR if os.isatty(2) else ""
    os.write(2, f"{cursor}interrupted\n".encode())
    os._exit(INTERRUPTED)


def listen() -> None:
    """Let Ctrl-C end the process at once, unless the shell made the process deaf to it."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, leave_at_once)


def finished() -> None:
    """Let Ctrl-C do nothing while Python takes itself down: the command has done its work."""
    if signal.getsignal(signal.SIGINT) is leave_at_once:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def interrupts_raised() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, so that a fit keeps its model and files are whole."""
    before = signal.getsignal(signal.SIGINT)
    if before is not leave_at_once:  # nobody called `listen`, or the process is deaf
        yield
        return
    hook = sys.unraisablehook
    try:
        sys.unraisablehook = lambda lost: _ask_again(lost, hook)
        signal.signal(signal.SIGINT, _raise)
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = hook


def is_interrupt(error: BaseException | None) -> bool:
    """Whether KeyboardInterrupt led to `error`: libraries turn it into errors of their own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _raise(_: int, frame: FrameType | None) -> None:
    """KeyboardInterrupt, but within an import, where libraries print tracebacks of it."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            leave_at_once()
        frame = frame.f_back
    raise KeyboardInterrupt


def _ask_again(lost: Any, hook: Any) -> None:
    """Where Python would print and drop an interrupt (in a finaliser), send it once more."""
    if is_interrupt(lost.exc_value):
        threading.Timer(0.05, _send).start()
    else:
        hook(lost)


def _send() -> None:
    """SIGINT, which on POSIX wakes the main thread only if the whole process gets it."""
    if os.name == "posix":
        os.kill(os.getpid(), signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
