"""Measured answers -> pictures (SVG text), the same bytes for the same numbers."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from tagger.taxonomy import Taxonomy
from training.evaluate import Answers, Bools, reliability

# Okabe and Ito's colours, told apart by colour-blind readers too (https://jfly.uni-koeln.de/color/).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "tagger",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "axes.spines.top": False,
}
STYLE |= {"axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd", "legend.frameon": False, "font.size": 9}


def precision_recall(gold: Bools, answers: Answers, others: Sequence[Answers], taxonomy: Taxonomy) -> str:
    """Draw each topic's precision over recall as the threshold falls; a dot where it stands, and one for each other system."""
    figure, axes = _figure("recall: share of the topic's texts that got the tag", "precision: share of the tags that are right")
    for k, topic in enumerate(taxonomy.ids):
        if not gold[:, k].any():
            continue
        colour = COLOURS[k % len(COLOURS)]
        precision, recall, _ = precision_recall_curve(gold[:, k], answers.scores[:, k].round(3))
        axes.step(recall.round(3), precision.round(3), where="post", color=colour, linewidth=1.4, label=topic)
        for system, marker in zip([answers, *others], "oxs+", strict=False):
            right = int((gold[:, k] & system.tags[:, k]).sum())
            given = int(system.tags[:, k].sum())
            if given:
                axes.plot(round(right / int(gold[:, k].sum()), 3), round(right / given, 3), marker, color=colour, markersize=6)
    for system, marker in zip([answers, *others], "oxs+", strict=False):
        axes.plot([], [], marker, color="#666666", label=system.system)
    axes.legend(loc="lower left")
    return as_svg(figure)


def reliability_curve(gold: Bools, answers: Answers) -> str:
    """Draw the share of right topics over the score, and how many scores; on the diagonal 0.8 is right in 8 cases of 10."""
    figure, axes = _figure("score", "share of texts that are about the topic")
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--")
    bins = reliability(answers.scores, gold)
    axes.plot([round(b.score, 3) for b in bins], [round(b.right, 3) for b in bins], "o-", color=COLOURS[0], markersize=5)
    for b in bins:
        axes.annotate(
            f"{b.texts:,}", (round(b.score, 3), round(b.right, 3)), xytext=(6, -9), textcoords="offset points", fontsize=7
        )
    return as_svg(figure)


def _figure(x: str, y: str) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 4.2), layout="constrained")
        axes = figure.add_subplot(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    return figure, axes


def as_svg(figure: Figure) -> str:
    """Return the figure as SVG without a date, from the first tag on."""
    drawn = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    text = drawn.getvalue()
    return text[text.index("<svg") :]
