"""How many random members of a family are built and trained for a step: a sample, and the whole sweep in slow tests."""

from __future__ import annotations

import pytest

__all__ = ["SWEEP"]

SWEEP = pytest.mark.parametrize("count", [10, pytest.param(200, marks=pytest.mark.slow)])
