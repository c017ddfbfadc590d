"""The best architectures, drawn where their space can be imported here; as text where it cannot."""

from __future__ import annotations

from dataclasses import dataclass

from nas_tune.errors import NasTuneError
from nas_tune.results import Run
from nas_tune.results.architectures import space_of, writer
from search_spaces import Space, draw

__all__ = ["Portrait", "portraits"]

_LARGEST = 150_000
"""Characters of SVG; what is larger would be unreadable on a page, and make up most of it."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """One architecture: its trial, its text, and its picture (SVG), or None with the reason in `why`."""

    trial: int
    text: str
    picture: str | None
    why: str = ""


def portraits(run: Run, trials: list[int]) -> list[Portrait]:
    """The architectures of these trials; those that were not found yet are left out."""
    space = space_of(run)
    written = writer(space)
    trees = [(number, run.tree(number)) for number in trials]
    return [Portrait(number, written(tree), *_drawn(space, tree)) for number, tree in trees if tree is not None]


def _drawn(space: Space | None, tree: object) -> tuple[str | None, str]:
    if space is None:
        return None, "its space cannot be imported here, so it is not drawn"
    try:
        picture = draw(tree, space=space).svg()
    except NasTuneError as error:
        return None, f"not drawn: {error}"
    except Exception as error:  # noqa: BLE001 -- the graphs of a stranger's space may raise anything
        return None, f"not drawn: its space raised {type(error).__name__}: {error}"
    return (picture, "") if len(picture) <= _LARGEST else (None, "too large to draw on a page")
