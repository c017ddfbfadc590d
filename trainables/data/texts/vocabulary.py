"""The vocabulary of a text: which number each token has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainables.errors import DataError

__all__ = ["BUCKET", "Vocabulary"]

Array = np.ndarray[Any, Any]
BUCKET = "\ufffd"
"""How a character that the vocabulary lacks is written."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The numbers of tokens.

    Attributes:
        unit: "characters", "bytes" or "ids".
        size: the number of different tokens.
        characters: of a text of characters, in the order of their numbers; without the bucket.
        has_bucket: whether the last number stands for every other character.
    """

    unit: str
    size: int
    characters: str = ""
    has_bucket: bool = False

    @classmethod
    def of_characters(cls, training: Array, others: Array) -> Vocabulary:
        """Make the vocabulary of the characters of a training part.

        Args:
            training: its code points.
            others: the code points of the other parts. Those that training lacks share one number, the bucket.

        Returns:
            The vocabulary.
        """
        known = np.unique(training)
        has_bucket = not bool(np.isin(np.unique(others), known).all())
        return cls("characters", len(known) + has_bucket, "".join(map(chr, known.tolist())), has_bucket)

    def encode(self, points: Array, place: str, *, start: int = 0) -> Array:
        """Number the tokens of a text.

        Args:
            points: code points, bytes or ids, (n,).
            place: names the text in messages.
            start: the number of tokens before these.

        Returns:
            (n,), int64, each below `size`.

        Raises:
            DataError: an id is beyond the vocabulary, or a character is, and there is no bucket.
        """
        whole = points.astype(np.int64)
        if self.unit != "characters":
            beyond = np.flatnonzero((whole < 0) | (whole >= self.size))
            if len(beyond):
                raise self._beyond(int(whole[beyond[0]]), start + int(beyond[0]), place)
            return whole
        known = np.array([ord(one) for one in self.characters], dtype=np.int64)
        numbers = np.searchsorted(known, whole).clip(max=len(known) - 1)
        absent = known[numbers] != whole
        if absent.any() and not self.has_bucket:
            first = int(np.flatnonzero(absent)[0])
            raise DataError(
                f"{place}: character {start + first} is {chr(int(whole[first]))!r}, which the training text lacks; "
                "leave it out, or train on a text that has it"
            )
        return np.where(absent, self.size - 1, numbers)

    def decode(self, numbers: Array) -> str | list[int]:
        """Write tokens as people read them.

        Args:
            numbers: of tokens, (n,).

        Returns:
            A text; of ids a list of them.
        """
        if self.unit == "ids":
            return [int(number) for number in numbers]
        if self.unit == "bytes":
            return bytes(numbers.astype(np.uint8).tolist()).decode("utf-8", "replace")
        letters = self.characters + BUCKET * self.has_bucket
        return "".join(letters[number] for number in numbers.tolist())

    def to_dict(self) -> dict[str, Any]:
        """Return the vocabulary as plain data.

        Returns:
            What JSON can hold, and `from_dict` reads.
        """
        return {"unit": self.unit, "size": self.size, "characters": self.characters, "has_bucket": self.has_bucket}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Vocabulary:
        """Read a vocabulary.

        Args:
            plain: what `to_dict` returned.

        Returns:
            The vocabulary.
        """
        return cls(**plain)

    def _beyond(self, number: int, index: int, place: str) -> DataError:
        what = "no id, which is 0 or more" if number < 0 else f"beyond the vocabulary of {self.size}"
        remedy = "correct it" if number < 0 else f"give vocabulary = {number + 1} or more, or correct it"
        return DataError(f"{place}: token {index} is {number}, {what}; {remedy}")
