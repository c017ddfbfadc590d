"""Texts that do not fit into memory: their code points and their tokens are in files, which are mapped into memory.

The tokens of a text are written once. The other processes of a run, and those that come later, map the same files.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from trainables.data.npz import DAMAGE
from trainables.data.texts.pieces import pieces_of
from trainables.data.texts.vocabulary import Vocabulary
from trainables.drafts import draft_file
from trainables.kept_data import keep_beside, kept_beside

__all__ = ["KeptTokens", "mapped_tokens"]

Array = np.ndarray[Any, Any]
_BYTE = 256


def mapped_tokens(file: Path) -> Tensor:
    """Map the tokens of an `.npy` file.

    Args:
        file: of numbers (n,), uint8 or int32.

    Returns:
        (n,), on the disk; nothing may be written into it.
    """
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


class KeptTokens:
    """The tokens of a text in files of this process or of its run.

    Args:
        data: the setting `data`, with which a run takes the files along.
        key: tells the content and how it is cut.
    """

    def __init__(self, data: object, key: str) -> None:
        self._data, self._key = data, key

    def read(self) -> tuple[dict[str, Tensor], Vocabulary, list[str]] | None:
        """Look the tokens up.

        Returns:
            The tokens by part, on the disk; the vocabulary; and the notes. None where they are not kept, or damaged.
        """
        file = kept_beside(self._data, f"{self._key}.text")
        if file is None:
            return None
        try:
            plain = json.loads(file.read_text(encoding="utf-8"))
            vocabulary, notes = Vocabulary.from_dict(plain["vocabulary"]), list(map(str, plain["notes"]))
            parts = {}
            for part, count in plain["parts"].items():
                tokens = kept_beside(self._data, f"{self._key}-{part}.npy")
                if tokens is None:
                    return None
                parts[str(part)] = mapped_tokens(tokens)
                if len(parts[part]) != count:
                    return None
        except DAMAGE:
            return None
        return parts, vocabulary, notes

    def write(self, points: Mapping[Any, Array], vocabulary: Vocabulary, notes: Sequence[str], name: str) -> None:
        """Number the tokens of all parts, and keep them.

        Args:
            points: code points, bytes or ids by part.
            vocabulary: numbers them.
            notes: for people.
            name: names the text in messages.

        Raises:
            DataError: a token is beyond the vocabulary.
        """
        dtype = np.dtype(np.uint8 if vocabulary.size <= _BYTE else np.int32)
        for part, some in points.items():
            with draft_file(keep_beside(self._data, f"{self._key}-{part}.npy")) as draft, draft.open("wb") as opened:
                npy.write_array_header_1_0(opened, {"descr": dtype.str, "fortran_order": False, "shape": some.shape})
                start = 0
                for piece in pieces_of(some):
                    numbers = vocabulary.encode(piece, f"{name}, {part}", start=start)
                    opened.write(numbers.astype(dtype).data)
                    start += len(piece)
        counts = {str(part): len(some) for part, some in points.items()}
        plain = {"parts": counts, "vocabulary": vocabulary.to_dict(), "notes": list(notes)}
        with draft_file(keep_beside(self._data, f"{self._key}.text")) as draft:
            draft.write_text(json.dumps(plain), encoding="utf-8")
