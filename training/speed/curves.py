"""Measured numbers -> pictures (SVG text)."""

from collections.abc import Mapping, Sequence
from typing import Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from training.plots import COLOURS, STYLE, as_svg

Scale = Literal["linear", "log"]
Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]


def lines(series: Series, x: str, y: str, scale: Scale = "linear") -> str:
    """Draw each series, (values along x, values along y), by its name; the scale is that of both axes."""
    figure, axes = _figure(x, y)
    axes.set_xscale(scale)
    axes.set_yscale(scale)
    _draw(axes, series)
    if scale == "linear":
        axes.set_ylim(bottom=0)
    return as_svg(figure)


def saturation(series: Series, x: str, y: str) -> str:
    """Draw series that end on a level: x in powers of ten, y from what is there."""
    figure, axes = _figure(x, y)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    _draw(axes, series)
    return as_svg(figure)


def dots(values: Mapping[str, float], x: str) -> str:
    """Draw a dot for each name, the first on top, along a scale of powers of ten, on which a bar would have no beginning."""
    figure, axes = _figure(x, "")
    names = list(values)[::-1]
    axes.plot([values[name] for name in names], names, "o", color=COLOURS[0])
    axes.set_xscale("log")
    for place, name in enumerate(names):
        axes.annotate(f"{values[name]:.3g}", (values[name], place), xytext=(6, -3), textcoords="offset points", fontsize=7)
    return as_svg(figure)


def _draw(axes: Axes, series: Series) -> None:
    for k, (name, (xs, ys)) in enumerate(series.items()):
        axes.plot(xs, ys, "o-", color=COLOURS[k % len(COLOURS)], markersize=3, linewidth=1.2, label=name)
    if len(series) > 1:
        axes.legend()


def _figure(x: str, y: str) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.6), layout="constrained")
        return figure, figure.add_subplot(xlabel=x, ylabel=y)
