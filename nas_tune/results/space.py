"""The space of a run, for what shows its architectures."""

from __future__ import annotations

from nas_tune.results.run import Run
from search_spaces import Space, SpaceError

__all__ = ["run_space"]


def run_space(run: Run) -> Space | None:
    """Read the space of a run.

    Args:
        run: an open run.

    Returns:
        The space as `Run.space`; None where its description cannot be read.
    """
    try:
        return run.space
    except SpaceError:
        return None
