"""DARTS: Differentiable Architecture Search (Liu, Simonyan and Yang 2019, arXiv 1806.09055)."""

from __future__ import annotations

from typing import ClassVar

from trainables.supernet.methods.base import Method

__all__ = ["Darts"]


class Darts(Method):
    """Computes every option, weighted by the softmax of its decision's vector.

    A node adds up all its edges. The architecture has the two edges with the strongest operation, `none` excluded.
    """

    paper: ClassVar[str] = "arXiv 1806.09055"
