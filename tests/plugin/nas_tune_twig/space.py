"""`twig`: a convolution of some width with a function after it."""

from __future__ import annotations

from typing import Any

from search_spaces import Architecture, Space, choice

__all__ = ["canonical", "space"]


def canonical(architecture: Architecture) -> Any:
    """Twigs that differ in a decision are different."""
    return architecture.tree


def space(widths: tuple[int, ...] = (2, 4)) -> Space:
    """The space; `widths` are those of the convolution."""
    return Space({"width": choice(*widths), "act": choice("relu", "tanh")}, name="twig", canonical=canonical)
