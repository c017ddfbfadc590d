"""The courses of compared runs as a picture: the best so far against trials and time, with a colour for each group."""

from __future__ import annotations

from pathlib import Path

from nas_tune.analysis.comparison import Comparison
from nas_tune.errors import ConfigError
from nas_tune.results.frames import written_aside
from nas_tune.results.picture import drawable
from trainables.metrics import titled

__all__ = ["SUFFIXES", "draw_courses"]

SUFFIXES = (".png", ".svg", ".pdf")
# Okabe and Ito's colours, which colour-blind people can distinguish, too.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")


def draw_courses(found: Comparison, out: Path) -> None:
    """Write the picture; the suffix of the file selects its format.

    Args:
        found: the comparison.
        out: the file, with a suffix of `SUFFIXES`.

    Raises:
        ConfigError: the suffix is none of .png, .svg or .pdf.
        RunFolderError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    if out.suffix not in SUFFIXES:
        raise ConfigError(f"--out {out}: the name must end with {', '.join(SUFFIXES)}")
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    groups = list(found.groups["group"])
    labelled: set[str] = set()
    for row in found.runs.to_dict("records"):
        one, group = found.courses[row["run"]], str(row["group"])
        colour = _COLOURS[groups.index(group) % len(_COLOURS)]
        label = None if group in labelled else group
        labelled.add(group)
        for axes, across in ((left, one.trials), (right, one.seconds)):
            axes.step(across, drawable(one.best), where="post", color=colour, label=label, alpha=0.85, linewidth=1.6)
    for axes, said in ((left, "trials"), (right, "seconds since the first trial")):
        axes.set_xlabel(said)
        axes.grid(True, alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylabel(f"best {titled(found.metric, found.unit)} so far, of complete trials")
    left.legend(frameon=False)
    with written_aside(out) as draft:
        figure.savefig(draft, dpi=150, format=out.suffix[1:])
