"""The Pareto front of a run as a picture: what complete trials cost against what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Objective
from nas_tune.results.frames import written_aside
from nas_tune.results.run import Run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["SUFFIXES", "draw_front", "drawable"]

SUFFIXES = (".png", ".svg", ".pdf")
_WIDE = 30
"""From how large a ratio of its ends on an axis is logarithmic."""


Numbers = NDArray[np.float64]
_LARGEST = 1e300


def drawable(values: pd.Series[Any] | Numbers) -> Numbers:
    """Values that a picture has room for: beyond 1e300 they are drawn at 1e300, since Matplotlib overflows there."""
    known = values if isinstance(values, np.ndarray) else values.to_numpy(dtype=float, na_value=np.nan)
    room: Numbers = np.clip(known, -_LARGEST, _LARGEST)
    return room


def draw_front(run: Run, out: Path) -> None:
    """Write the picture: the first objective upwards, the second to the right; the suffix of `out` says its format.

    Raises:
        ConfigError: another suffix than .png, .svg or .pdf, or a run with one objective.
        RunFolderError: it cannot be written.
    """
    from matplotlib.figure import Figure

    if out.suffix not in SUFFIXES:
        raise ConfigError(f"--plot {out}: the name must end with {', '.join(SUFFIXES)}")
    if len(run.objectives) < 2:
        raise ConfigError(
            f"--plot: {run.path.name} has one objective, {run.metric}, and so no front to draw; "
            "search with two, such as metric = ['accuracy', 'parameters']"
        )
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    _draw(run, figure.subplots())
    with written_aside(out) as draft:
        figure.savefig(draft, dpi=150, format=out.suffix[1:])


def _draw(run: Run, axes: Axes) -> None:
    up, right = run.objectives[:2]
    table, front = run.trials(), run.pareto().sort_values(right.metric)
    complete = table[table["trial"].isin(run.contending())]
    # Okabe and Ito's vermilion, which people with any kind of sight tell from grey.
    steps = "steps-post" if right.mode == "min" else "steps-pre"
    values, worth = drawable(complete[right.metric]), drawable(complete[up.metric])
    axes.scatter(values, worth, s=22, color="#bbbbbb", label="complete trials")
    ends = (drawable(front[one.metric]) for one in (right, up))
    axes.plot(*ends, "o-", ms=5, color="#D55E00", drawstyle=steps, label="Pareto front")
    if len(values) and np.nanmin(values) > 0 and np.nanmax(values) > _WIDE * np.nanmin(values):
        axes.set_xscale("log")
    axes.set_xlabel(_said(right))
    axes.set_ylabel(_said(up))
    axes.grid(True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def _said(objective: Objective) -> str:
    return f"{objective.metric} ({'more' if objective.mode == 'max' else 'less'} is better)"
