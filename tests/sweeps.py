"""Long sweeps of a test: some of them in every run of the suite, the others with what is slow."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest

__all__ = ["quick"]


def quick(cases: Iterable[Any], chosen: Collection[Any]) -> list[Any]:
    """All cases as parameters of a test; those that are not chosen are marked as slow.

    Raises:
        ValueError: a chosen one is not a case, so that the sweep would be silently shorter.
    """
    cases = list(cases)
    if unknown := [one for one in chosen if one not in cases]:
        raise ValueError(f"{unknown} are not cases of this sweep; it has {cases}")
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=() if case in chosen else pytest.mark.slow)
        for case in cases
    ]
