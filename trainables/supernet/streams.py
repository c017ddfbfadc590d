"""Batches without end out of one part of a data set, in random order, from where it stood."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from trainables.data import Split

__all__ = ["Stream"]


class Stream:
    """Indices of `size` images each time, every image once before any comes again.

    What fills no batch at the end of a round is left out of it. `generator` is on the device of the images.
    """

    def __init__(self, split: Split, size: int, generator: torch.Generator) -> None:
        self.split, self.size = split, min(size, len(split))
        self.batches = len(split) // self.size
        self._generator = generator
        self._order = torch.empty(0, dtype=torch.int64, device=split.labels.device)
        self._at = 0

    def next(self) -> tuple[Tensor, Tensor]:
        """Images as they were read, and labels."""
        if self._at + self.size > len(self._order):
            self._order = torch.randperm(len(self.split), generator=self._generator, device=self._order.device)
            self._at = 0
        rows = self._order[self._at : self._at + self.size]
        self._at += self.size
        return self.split.images.index_select(0, rows), self.split.labels.index_select(0, rows)

    def state_dict(self) -> dict[str, object]:
        """Where it stands."""
        return {"order": self._order, "at": self._at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken, over images as many."""
        if len(state["order"]) not in (0, len(self.split)):
            raise ValueError(f"the order is one of {len(state['order'])} images, here are {len(self.split)}")
        self._order = state["order"].to(self._order.device)
        self._at = state["at"]
