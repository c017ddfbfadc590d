"""A picture of all architectures that a supernet scored: the score against a cost, the front, and the chosen ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nas_tune.errors import ConfigError
from nas_tune.results.frames import written_aside
from nas_tune.results.picture import SUFFIXES, drawable
from nas_tune.winners.specialize.supernets import Scored
from trainables.supernet.path_limits import PathLimits

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["check_plot", "draw_scored", "front_of"]

_COST = "macs"


def check_plot(out: str | os.PathLike[str] | None) -> None:
    """Refuse the name of a picture before anything is scored.

    Args:
        out: the file; None for none.

    Raises:
        ConfigError: it has another suffix than .png, .svg or .pdf.
    """
    if out is not None and Path(out).suffix not in SUFFIXES:
        raise ConfigError(f"plot {os.fspath(out)}: the name must end with {', '.join(SUFFIXES)}")


def front_of(costs: NDArray[np.float64], values: NDArray[np.float64], *, is_max: bool) -> NDArray[np.intp]:
    """Find the points that no cheaper point reaches.

    Args:
        costs: shape (n,); less is better.
        values: shape (n,).
        is_max: whether more of `values` is better.

    Returns:
        Their numbers, by ascending cost.
    """
    worth = values if is_max else -values
    order = np.lexsort((-worth, costs))
    best = np.maximum.accumulate(worth[order])
    is_better = np.append(True, best[1:] > best[:-1])
    found: NDArray[np.intp] = order[is_better]
    return found


def draw_scored(scored: Scored, costing: PathLimits, rows: pd.DataFrame, out: Path) -> None:
    """Draw the scores upwards and multiply-accumulates to the right, and write the picture.

    Args:
        scored: the supernet with its scores.
        costing: counts the costs.
        rows: what `nas_tune.specialize` returns.
        out: the file; its suffix sets the format.

    Raises:
        RunFolderError: it cannot be written.
    """
    from matplotlib.figure import Figure

    costs = np.array([costing.costs(one)[_COST] for one in scored.architectures.values()])
    values = drawable(np.array([metrics[scored.primary] for metrics in scored.metrics.values()], dtype=float))
    front = front_of(costs, values, is_max=scored.is_max)
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.scatter(costs, values, s=14, color="#bbbbbb", label="scored architectures")
    steps = "steps-post"
    axes.plot(costs[front], values[front], "-", color="#D55E00", drawstyle=steps, label="Pareto front")
    axes.scatter(rows[_COST], rows[f"shared_{scored.primary}"], s=60, marker="D", color="#0072B2", label="chosen")
    for row in rows.to_dict("records"):
        place = (row[_COST], row[f"shared_{scored.primary}"])
        axes.annotate(str(row["limits"]), place, textcoords="offset points", xytext=(6, -12), fontsize=8)
    axes.set_xlabel("multiply-accumulates (less is better)")
    axes.set_ylabel(f"{scored.primary} with shared weights ({'more' if scored.is_max else 'less'} is better)")
    axes.grid(True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with written_aside(out) as draft:
        figure.savefig(draft, dpi=150, format=out.suffix[1:])
