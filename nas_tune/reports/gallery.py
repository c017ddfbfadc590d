"""Drawings of the best architectures, as the catalogue draws their space; text where there is no drawing."""

from __future__ import annotations

from dataclasses import dataclass

from nas_tune.errors import NasTuneError
from nas_tune.results import Run
from nas_tune.results.space import run_space
from search_spaces import Space, draw
from search_spaces.notation import writer

__all__ = ["Portrait", "portraits"]

_LARGEST = 150_000
"""The most characters of an SVG; a larger drawing would be unreadable, and would make up most of the page."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """One architecture as the page shows it.

    Attributes:
        trial: the number of its trial.
        text: the architecture as text.
        picture: the drawing as SVG, or None.
        why: why there is no drawing, or why it is a plain one; else empty.
    """

    trial: int
    text: str
    picture: str | None
    why: str = ""


def portraits(run: Run, trials: list[int]) -> list[Portrait]:
    """Draw the architectures of some trials.

    Args:
        run: the run.
        trials: the numbers of the trials.

    Returns:
        A portrait for each trial that has an architecture, in order.
    """
    space = run_space(run)
    written = writer(space)
    trees = [(number, run.tree(number)) for number in trials]
    return [Portrait(number, written(tree), *_drawn(run, space, number)) for number, tree in trees if tree is not None]


def _drawn(run: Run, space: Space | None, trial: int) -> tuple[str | None, str]:
    if space is None:
        return None, "the description of its space cannot be read, so it is not drawn"
    try:
        picture = draw(run.architecture(trial)).svg()
    except NasTuneError as error:
        return None, f"not drawn: {error}"
    except Exception as error:  # noqa: BLE001 -- the graphs of a stranger's space may raise anything
        return None, f"not drawn: its space raised {type(error).__name__}: {error}"
    if len(picture) > _LARGEST:
        return None, "too large to draw on a page"
    kind = str(run.meta["space"].get("type"))
    if kind not in run.left_out:
        return picture, ""
    return picture, f"drawn as its decisions: {kind} cannot be imported here, for a report imports nothing of a run"
