"""Ctrl-C and SIGTERM on the command line: one line on stderr and a code of its own, at any moment.

Schedulers of clusters and containers end a process by SIGTERM, and give it a while to tidy up.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_heard = [signal.SIGINT]  #: the last one is what ends the process

_SHOW_CURSOR = "\x1b[?25h"  #: a progress bar hides it


def exit_code() -> int:
    """128 + the signal that was heard, as shells report it."""
    return 128 + _heard[-1]


def what_ended_it() -> str:
    """In a word."""
    return _WORDS[_heard[-1]]


def leave_at_once(number: int, _: Any = None) -> None:
    """End the process here and now; for moments when there is nothing to tidy up."""
    cursor = _SHOW_CURSOR if os.isatty(2) else ""
    os.write(2, f"{cursor}{_WORDS[signal.Signals(number)]}\n".encode())
    os._exit(128 + number)


def listen() -> None:
    """Let the signals end the process at once, unless the shell made the process deaf to them."""
    for number in _WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave_at_once)


def finished() -> None:
    """Let them do nothing while Python takes itself down: the command has done its work."""
    for number in _WORDS:
        if signal.getsignal(number) is leave_at_once:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def interrupts_raised() -> Iterator[None]:
    """Let them raise KeyboardInterrupt, so that a fit keeps its model and files are whole."""
    # Not where nobody called `listen`, and not where the process is deaf.
    listening = [number for number in _WORDS if signal.getsignal(number) is leave_at_once]
    hook = sys.unraisablehook
    try:
        if listening:
            sys.unraisablehook = lambda lost: _ask_again(lost, hook)
        for number in listening:
            signal.signal(number, _raise)
        yield
    finally:
        for number in listening:
            signal.signal(number, leave_at_once)
        sys.unraisablehook = hook


def is_interrupt(error: BaseException | None) -> bool:
    """Whether KeyboardInterrupt led to `error`: libraries turn it into errors of their own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _raise(number: int, frame: FrameType | None) -> None:
    """KeyboardInterrupt, but within an import, where libraries print tracebacks of it."""
    _heard.append(signal.Signals(number))
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            leave_at_once(number)
        frame = frame.f_back
    raise KeyboardInterrupt


def _ask_again(lost: Any, hook: Any) -> None:
    """Where Python would print and drop an interrupt (in a finaliser), send it once more."""
    if is_interrupt(lost.exc_value):
        threading.Timer(0.05, _send).start()
    else:
        hook(lost)


def _send() -> None:
    """The signal, which on POSIX wakes the main thread only if the whole process gets it."""
    if os.name == "posix":
        os.kill(os.getpid(), _heard[-1])
    else:
        signal.raise_signal(_heard[-1])
