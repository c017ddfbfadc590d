"""The Pareto front of a run as a picture: one objective of the complete trials against the other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Objective
from nas_tune.results.frames import written_aside
from nas_tune.results.run import Run
from trainables.metrics import titled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["SUFFIXES", "draw_front", "drawable"]

SUFFIXES = (".png", ".svg", ".pdf")
_WIDE = 30
"""An axis is logarithmic if its greatest value is more than this many times the least."""


_Numbers = NDArray[np.float64]
_LARGEST = 1e300


def drawable(values: pd.Series[Any] | _Numbers) -> _Numbers:
    """Limit values to what Matplotlib can draw: it overflows beyond 1e300.

    Args:
        values: numbers, shape (n,).

    Returns:
        Floats, shape (n,), at most 1e300 in size; NaN where a value is missing.
    """
    known = values if isinstance(values, np.ndarray) else values.to_numpy(dtype=float, na_value=np.nan)
    room: _Numbers = np.clip(known, -_LARGEST, _LARGEST)
    return room


def draw_front(run: Run, out: Path) -> None:
    """Draw the first objective upwards and the second to the right, and write the picture.

    Args:
        run: with two objectives or more.
        out: the file; its suffix sets the format.

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
    steps = "steps-post" if right.mode == "min" else "steps-pre"
    values, worth = drawable(complete[right.metric]), drawable(complete[up.metric])
    axes.scatter(values, worth, s=22, color="#bbbbbb", label="complete trials")
    # Okabe and Ito's vermilion: people with any kind of sight tell it from grey.
    ends = (drawable(front[one.metric]) for one in (right, up))
    axes.plot(*ends, "o-", ms=5, color="#D55E00", drawstyle=steps, label="Pareto front")
    if len(values) and np.nanmin(values) > 0 and np.nanmax(values) > _WIDE * np.nanmin(values):
        axes.set_xscale("log")
    axes.set_xlabel(_label(right, run.unit(right.metric)))
    axes.set_ylabel(_label(up, run.unit(up.metric)))
    axes.grid(True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def _label(objective: Objective, unit: str) -> str:
    return f"{titled(objective.metric, unit)} ({'more' if objective.mode == 'max' else 'less'} is better)"
