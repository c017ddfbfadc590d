"""An endless stream of batches from one part of the data, in random order, which can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from trainables.tasks.task import Part
from trainables.training.batches import Batch
from trainables.training.fetching import batches_of

__all__ = ["Stream"]


class Stream:
    """An endless stream of random batches; every example comes once before any comes again.

    Examples that do not fill a batch at the end of a round are left out of that round.

    Args:
        part: the examples, at least one.
        size: examples per batch; at most all examples of a round.
        generator: draws the order; on the device of the data.
        order: draws the numbers of the examples of a round, always as many, by the generator; None draws each once.
    """

    def __init__(
        self,
        part: Part,
        size: int,
        generator: torch.Generator,
        order: Callable[[torch.Generator], Tensor] | None = None,
    ) -> None:
        self._round = len(part) if order is None else len(order(torch.Generator(generator.device)))
        self.part, self.size = part, min(size, self._round)
        self.batches = self._round // self.size
        self._generator, self._drawn = generator, order or self._once
        self._order = torch.empty(0, dtype=torch.int64, device=generator.device)
        self._at = 0
        self._coming: Iterator[tuple[Batch, Batch]] | None = None

    def next(self) -> tuple[Batch, Batch]:
        """Return the next batch.

        Returns:
            The inputs as they were read, without augmentation and normalisation, and their targets.
        """
        if self._at + self.size > len(self._order):
            self._order = self._drawn(self._generator)
            self._at = 0
            self._coming = None
        if self._coming is None:
            ends = range(self._at + self.size, len(self._order) + 1, self.size)
            self._coming = batches_of(self.part, [self._order[end - self.size : end] for end in ends])
        self._at += self.size
        return next(self._coming)

    def _once(self, generator: torch.Generator) -> Tensor:
        return torch.randperm(len(self.part), generator=generator, device=generator.device)

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
            ValueError: the state belongs to a part of another size.
        """
        if len(state["order"]) not in (0, self._round):
            raise ValueError(f"the saved order is of {len(state['order'])} examples, and the data have {self._round}")
        self._order = state["order"].to(self._order.device)
        self._at = state["at"]
        self._coming = None
