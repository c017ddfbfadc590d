"""A loaded text: three parts on a device, each cut into examples of equal length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainables.data.parts import part_named
from trainables.data.texts.vocabulary import Vocabulary

__all__ = ["TextData", "TextPart"]


@dataclass(frozen=True)
class TextPart:
    """The tokens of one part. Example i begins at token `i * stride`.

    Attributes:
        tokens: (n,), int32 or uint8, numbers of tokens: on the device, or on the disk.
        context: the number of tokens of an example.
        stride: from the beginning of one example to that of the next: 1 where training draws examples anywhere, the
            context elsewhere.
        device: where examples are stored, if tokens are on the disk.
    """

    tokens: Tensor
    context: int
    stride: int
    device: torch.device | None = None

    def __len__(self) -> int:
        last = len(self.tokens) - self.context - 1
        return 0 if last < 0 else last // self.stride + 1

    def rows(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Take examples.

        Args:
            index: (k,), int64, numbers of examples in any order.

        Returns:
            The tokens, and the token after each, (k, context), int64.
        """
        places = index[:, None] * self.stride + torch.arange(self.context + 1, device=index.device)
        if self.device is not None:
            places = places.cpu()
        taken = self.tokens[places].long()
        if self.device is not None:
            taken = taken.to(self.device)
        return taken[:, :-1], taken[:, 1:]


@dataclass(frozen=True)
class TextData:
    """A text in three parts, on a device.

    Attributes:
        name: the path of the data.
        train: the part for training.
        validation: the part for validation; empty where training uses it too.
        test: the part for the test.
        vocabulary: the numbers of the tokens.
        epoch_tokens: the tokens of an epoch.
        notes: for people.
    """

    name: str
    train: TextPart
    validation: TextPart
    test: TextPart
    vocabulary: Vocabulary
    epoch_tokens: int
    notes: Sequence[str] = ()

    @property
    def device(self) -> torch.device:
        """The device of the tokens."""
        return self.train.device or self.train.tokens.device

    @property
    def classes(self) -> tuple[str, ...]:
        """None: a token is not a class of an example."""
        return ()

    @property
    def groups(self) -> Mapping[str, Tensor]:
        """None."""
        return {}

    @property
    def context(self) -> int:
        """The number of tokens of an example."""
        return self.train.context

    def split(self, name: str) -> TextPart:
        """Look up a part.

        Args:
            name: "train", "validation" or "test".

        Returns:
            The part, with at least one example.

        Raises:
            DataError: there is no such part, or it has no example.
        """
        part: TextPart = part_named(self, name, "example")
        return part

    def arguments(self) -> Mapping[str, Any]:
        """Return what a network for this text is built with.

        Returns:
            `vocabulary` and `context`.
        """
        return {"vocabulary": self.vocabulary.size, "context": self.context}

    def normalize(self, inputs: Tensor) -> Tensor:
        """Return the inputs: networks take tokens as they are.

        Args:
            inputs: tokens (n, context).

        Returns:
            The same.
        """
        return inputs

    def example(self) -> Tensor:
        """Return the first training example.

        Returns:
            Tokens (1, context), int64.
        """
        return self.train.rows(torch.zeros(1, dtype=torch.int64, device=self.device))[0]
