"""DARTS: Differentiable Architecture Search (Liu, Simonyan and Yang 2019, arXiv 1806.09055)."""

from __future__ import annotations

from typing import ClassVar

from trainables.supernet.methods.base import Method

__all__ = ["Darts"]


class Darts(Method):
    """Every option at once, weighted by the softmax of its decision's vector.

    A node adds up all its edges; chosen are the two whose strongest operation, `none` left aside, is the
    strongest.
    """

    paper: ClassVar[str] = "arXiv 1806.09055"
