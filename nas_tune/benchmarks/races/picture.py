"""A picture of regret over time: a line for each strategy, with the band of its quartiles, on a logarithmic axis."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nas_tune.benchmarks.races.scores import Scores
from nas_tune.errors import ConfigError

__all__ = ["draw_regret"]

# Okabe and Ito's colours: people with any kind of sight tell them apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_STYLES = ("-", "--", ":")
_NOTHING = 1e-3
"""The bottom of the axis where every regret is 0."""


def draw_regret(scores: Scores, out: Path) -> None:
    """Draw the regret of every strategy, and write the picture.

    Args:
        scores: of the races.
        out: the file; its suffix sets the format.

    Raises:
        ConfigError: another suffix than .png, .svg or .pdf, or `out` cannot be written.
    """
    from matplotlib.figure import Figure

    if out.suffix not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"--plot {out}: the name must end with .png, .svg or .pdf")
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    floor = _floor(scores)
    for index, row in enumerate(scores.standings):
        known = np.isfinite(row.regret)
        mean, low, high = (np.maximum(curve[known], floor) for curve in (row.regret, row.regret_low, row.regret_high))
        colour = _COLOURS[index % len(_COLOURS)]
        style = _STYLES[index // len(_COLOURS) % len(_STYLES)]
        axes.plot(scores.seconds[known], mean, style, color=colour, label=row.strategy)
        axes.fill_between(scores.seconds[known], low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set_yscale("log")
    axes.set_ylim(bottom=floor)
    axes.set_xlabel("virtual seconds")
    axes.set_ylabel(f"regret by {scores.judged_by} score, from the best of the {scores.best_of} (mean, quartiles)")
    axes.grid(True, which="both", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    try:
        figure.savefig(out, dpi=150)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error}") from error


def _floor(scores: Scores) -> float:
    """The bottom of the axis, below the least mean that is not zero. A regret of 0 is drawn there."""
    means = np.concatenate([row.regret for row in scores.standings])
    above = means[np.isfinite(means) & (means > 0)]
    return float(above.min()) / 2 if len(above) else _NOTHING
