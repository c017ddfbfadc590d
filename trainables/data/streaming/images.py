"""Encoded images that stand in the place of a tensor of decoded ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainables.data.decode import EIGHT, Array, Encoded, stacked
from trainables.data.streaming.ahead import prepared_ahead
from trainables.data.streaming.facts import Facts, facts_of
from trainables.data.streaming.framing import Resize, decoded_in_frame
from trainables.data.streaming.kept_facts import kept_facts
from trainables.errors import DataError

__all__ = ["StreamedImages"]


@dataclass(frozen=True, slots=True, eq=False)
class StreamedImages:
    """Images that are decoded each time they are asked for. Of a tensor they have what a part of the data needs.

    Attributes:
        encoded: all encoded images.
        resize: the size to which they are brought.
        facts: what each of them is like.
        numbers: (n,), int64, on the CPU, which of them these images are.
        loaders: the number of threads that decode.
        device: where decoded images are stored.
    """

    encoded: Sequence[Encoded]
    resize: Resize
    facts: Facts
    numbers: Tensor
    loaders: int
    device: torch.device

    @classmethod
    def of(cls, encoded: Sequence[Encoded], *, resize: Resize, loaders: int, data: str | None = None) -> StreamedImages:
        """Read images once, to learn what they are like, unless another process of the run has done so.

        Args:
            encoded: the images, at least one.
            resize: the size to which they are brought.
            loaders: the number of threads that decode.
            data: the setting `data`, with which a run keeps what the images are like; None keeps nothing.

        Returns:
            All images, on the CPU.

        Raises:
            DataError: a file is damaged, or images differ in size or in depth; the message names the file.
        """
        if data is None:
            facts = facts_of(encoded, resize=resize, loaders=loaders)
        else:
            facts = kept_facts(encoded, resize=resize, loaders=loaders, data=data)
        return cls(encoded, resize, facts, torch.arange(len(encoded)), loaders, torch.device("cpu"))

    @property
    def shape(self) -> torch.Size:
        """(n, c, h, w)."""
        return torch.Size((len(self.numbers), *self.facts.shape))

    @property
    def dtype(self) -> torch.dtype:
        """The type of decoded images, uint8 or float32."""
        return torch.uint8 if self.facts.depth == EIGHT else torch.float32

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Tensor | slice) -> StreamedImages:
        """Choose images without decoding any."""
        chosen = self.numbers[index.cpu() if isinstance(index, Tensor) else index]
        return StreamedImages(self.encoded, self.resize, self.facts, chosen, self.loaders, self.device)

    def to(self, device: torch.device) -> StreamedImages:
        """Choose where decoded images are stored.

        Args:
            device: the device.

        Returns:
            The same images.
        """
        return StreamedImages(self.encoded, self.resize, self.facts, self.numbers, self.loaders, device)

    def joined(self, other: StreamedImages) -> StreamedImages:
        """Concatenate images.

        Args:
            other: images of the same shape and type.

        Returns:
            These images, followed by the others.
        """
        return StreamedImages(
            [*self.encoded, *other.encoded],
            self.resize,
            self.facts.joined(other.facts),
            torch.cat((self.numbers, other.numbers + len(self.encoded))),
            self.loaders,
            self.device,
        )

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Decode some images, as `torch.Tensor.index_select` takes them.

        Args:
            dim: 0.
            index: (k,), int64.

        Returns:
            (k, c, h, w).

        Raises:
            DataError: a file is gone, damaged or of another size than when it was read first.
        """
        return next(self.ahead([index]))

    def ahead(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Decode batches in order, the next two while one is used.

        Args:
            batches: the numbers of the images of each batch, (k,), int64.

        Yields:
            (k, c, h, w) for each.

        Raises:
            DataError: as for `index_select`.
        """
        for parts in prepared_ahead(self._decoded, (self.numbers[one.cpu()].tolist() for one in batches), self.loaders):
            if not parts:
                yield torch.empty((0, *self.facts.shape), dtype=self.dtype, device=self.device)
                continue
            yield torch.from_numpy(parts[0] if len(parts) == 1 else np.concatenate(parts)).to(self.device)

    def totals(self, power: int) -> Tensor:
        """Sum the values of these images to a power.

        Args:
            power: 1 or 2.

        Returns:
            (c,), float64; exact for images of 8 bits.
        """
        return self.facts.totals[power - 1, self.numbers].sum(0).to(self.device)

    def _decoded(self, numbers: Sequence[int]) -> Array:
        found = []
        for number in numbers:
            name = self.encoded[number][0]
            one, before = decoded_in_frame(self.encoded[number], self.resize)
            channels = one.array.shape[2] if one.array.ndim == 3 else 1
            size = one.array.shape[:2]
            changed = size != self.facts.shape[1:] or list(before) != self.facts.sizes[number].tolist()
            if changed or one.depth != self.facts.depth or channels > self.facts.shape[0]:
                raise DataError(f"{name} has changed while it was used; leave the data as they are until the run ends")
            found.append(one.array)
        return stacked(found, self.facts.shape[0])
