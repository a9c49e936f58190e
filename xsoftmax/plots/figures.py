"""Figures, axes, displays, and colours that tell apart for everyone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import isqrt
from typing import Any, Self

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from ..arrays import is_array, to_host

#: Of Okabe and Ito (2008), "Color universal design": different for the colour-blind too.
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
#: Of Petroff (2021), "Accessible color sequences for data visualization". arXiv:2107.02270
TEN_COLOURS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip


def new_axes(ax: Axes | None) -> Axes:
    """The given axes, or those of a new figure."""
    return plt.subplots(layout="constrained")[1] if ax is None else ax


def new_grid(n_rows: int, n_columns: int, *, size: float) -> np.ndarray:
    """Axes without ticks, each of `size` inches."""
    _, axes = plt.subplots(
        n_rows,
        n_columns,
        figsize=(size * n_columns, size * n_rows + 0.2),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat:
        ax.set_axis_off()
    return axes


def show_image(
    ax: Axes, image: np.ndarray, image_shape: tuple[int, int] | None, **style: Any
) -> Any:
    """Draw a row as an image, by default a square one."""
    side = isqrt(image.size)
    shape = image_shape or (side, side)
    if image.size != shape[0] * shape[1]:
        raise ValueError(
            f"image_shape must be (height, width) of {image.size} pixels; got {image_shape}."
        )
    return ax.imshow(image.reshape(shape), **({"cmap": "gray_r"} | style))


def make_room_above(axes: np.ndarray) -> None:
    """A larger figure, where titles take more than a line."""
    n_lines = max(ax.get_title().count("\n") for ax in axes.flat)
    figure = axes.flat[0].figure
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.16 * n_lines * len(axes))


def on_host(x: Any) -> np.ndarray:
    """An array of any library, or what NumPy takes, as NumPy's."""
    return to_host(x) if is_array(x) else np.asarray(x)


class Display(ABC):
    """Draws what it keeps."""

    ax_: Any
    figure_: Any

    @abstractmethod
    def _draw(self, ax: Axes | None) -> Any:
        """The axes, or an array of them."""

    def plot(self, *, ax: Axes | None = None) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw. By default in a new figure.

        Returns
        -------
        display : object
            The display, with ``ax_`` and ``figure_``.
        """
        self.ax_ = self._draw(ax)
        self.figure_ = np.ravel(self.ax_)[0].figure
        return self


class GridDisplay(Display):
    """Draws a grid of axes, which is a figure of its own."""

    def plot(self) -> Self:  # type: ignore[override]
        """Draw it in a new figure.

        Returns
        -------
        display : object
            The display, with ``ax_``, an array, and ``figure_``.
        """
        return super().plot()
