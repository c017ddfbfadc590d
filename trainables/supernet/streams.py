"""An endless stream of batches from one split of a data set, in random order, which can be resumed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from trainables.data import Split

__all__ = ["Stream"]


class Stream:
    """An endless stream of random batches; every image comes once before any comes again.

    Images that do not fill a batch at the end of a round are left out of that round.

    Args:
        split: the images and labels.
        size: images per batch; at most all images of the split.
        generator: draws the order; on the device of the images.
    """

    def __init__(self, split: Split, size: int, generator: torch.Generator) -> None:
        self.split, self.size = split, min(size, len(split))
        self.batches = len(split) // self.size
        self._generator = generator
        self._order = torch.empty(0, dtype=torch.int64, device=split.labels.device)
        self._at = 0

    def next(self) -> tuple[Tensor, Tensor]:
        """Return the next batch.

        Returns:
            The images as they were read, without augmentation and normalisation, and their labels (n,).
        """
        if self._at + self.size > len(self._order):
            self._order = torch.randperm(len(self.split), generator=self._generator, device=self._order.device)
            self._at = 0
        rows = self._order[self._at : self._at + self.size]
        self._at += self.size
        return self.split.images.index_select(0, rows), self.split.labels.index_select(0, rows)

    def state_dict(self) -> dict[str, object]:
        """Return the position in the stream.

        Returns:
            The order of the current round, and the place in it.
        """
        return {"order": self._order, "at": self._at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a position.

        Args:
            state: what `state_dict` returned.

        Raises:
            ValueError: the state belongs to a split of another size.
        """
        if len(state["order"]) not in (0, len(self.split)):
            raise ValueError(f"the order is one of {len(state['order'])} images, here are {len(self.split)}")
        self._order = state["order"].to(self._order.device)
        self._at = state["at"]
