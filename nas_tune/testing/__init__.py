"""Conformance suites for what plug-ins bring: strategies as samplers, and whole searches as their users run them."""

from __future__ import annotations

from nas_tune.testing.samplers import (
    Factory,
    check_beside_parameters,
    check_foreign_trials,
    check_restart,
    check_sampler,
    check_small_space,
    check_threads,
    example_space,
)
from nas_tune.testing.searches import check_search

__all__ = [
    "Factory",
    "check_beside_parameters",
    "check_foreign_trials",
    "check_restart",
    "check_sampler",
    "check_search",
    "check_small_space",
    "check_threads",
    "example_space",
]
