"""A method that searches in a supernet as DARTS does, at a temperature."""

from __future__ import annotations

from typing import Any, ClassVar

from trainables.supernet.methods import base

__all__ = ["Method"]


class Method(base.Method):
    """The softmax of each decision's vector, divided by `warmth`."""

    paper: ClassVar[str] = "arXiv 1806.09055"

    def __init__(self, warmth: float = 2.0) -> None:
        super().__init__()
        self.warmth = warmth

    def expected(self, decision: Any, alpha: Any) -> Any:
        return super().expected(decision, alpha / self.warmth)
