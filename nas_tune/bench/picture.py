"""Regret against time: a line a strategy, with the band of its quartiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nas_tune.bench.scores import Scores
from nas_tune.errors import ConfigError

__all__ = ["draw_regret"]

# Okabe and Ito's colours, which people with any kind of sight tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_STYLES = ("-", "--", ":")


def draw_regret(scores: Scores, out: Path) -> None:
    """Write the picture; the suffix of `out` says its format.

    Raises:
        ConfigError: another suffix than .png, .svg or .pdf, or `out` cannot be written.
    """
    from matplotlib.figure import Figure

    if out.suffix not in (".png", ".svg", ".pdf"):
        raise ConfigError(f"--plot {out}: the name must end with .png, .svg or .pdf")
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    for index, row in enumerate(scores.standings):
        known = np.isfinite(row.regret)
        colour = _COLOURS[index % len(_COLOURS)]
        style = _STYLES[index // len(_COLOURS) % len(_STYLES)]
        axes.plot(scores.seconds[known], row.regret[known], style, color=colour, label=row.strategy)
        axes.fill_between(
            scores.seconds[known], row.regret_low[known], row.regret_high[known], color=colour, alpha=0.12, linewidth=0
        )
    axes.set_yscale("log")
    axes.set_xlabel("virtual seconds")
    axes.set_ylabel(f"regret by {scores.judged_by} score (mean, quartiles)")
    axes.grid(True, which="both", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    try:
        figure.savefig(out, dpi=150)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error}") from error
