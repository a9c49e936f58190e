"""Names of a user's own in pictures, in whatever font has their script."""

from __future__ import annotations

from functools import cache
from textwrap import fill
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager

#: Fonts that have scripts which matplotlib's own lacks, where they are installed.
FALLBACK_FONTS = (
    "Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans Arabic", "Noto Sans Devanagari",
    "Noto Sans Hebrew", "Noto Sans Thai", "Noto Emoji", "WenQuanYi Zen Hei", "Unifont",
    "Arial Unicode MS", "Hiragino Sans", "PingFang SC", "Segoe UI", "Segoe UI Emoji",
    "Microsoft YaHei", "Malgun Gothic",
)  # fmt: skip
#: Letters of a name, and of one line of it above a small image.
MOST_LETTERS, LETTERS_ABOVE = 40, 12


def named(name: Any) -> str:
    """A name on one line, without its middle if it is very long."""
    text = str(name).replace("\n", " ")
    if len(text) <= MOST_LETTERS:
        return text
    half = MOST_LETTERS // 2
    return f"{text[:half]}…{text[1 - half :]}"


def above(name: Any) -> str:
    """A name on as many short lines as it takes above a small image."""
    text = named(name)
    return text if len(text) <= LETTERS_ABOVE else fill(text, LETTERS_ABOVE)


def short(count: int) -> str:
    """A count in at most five characters: 950, 1.2k, 34k, 1.2M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * size:
            digits = 0 if count >= 9.95 * size else 1
            return f"{count / size:.{digits}f}{unit}"
    return str(int(count))


def as_it_is() -> dict[str, Any]:
    """How names of a user's own are drawn."""
    return {"parse_math": False, "fontfamily": _families(tuple(mpl.rcParams["font.family"]))}


@cache
def _families(first: tuple[str, ...]) -> list[str]:
    """Fonts to look for a letter in, one after another."""
    installed = set(font_manager.get_font_names())
    return [*first, *(name for name in FALLBACK_FONTS if name in installed)]
