"""Loading of texts: read, cut into parts by position, numbered, checked, and kept for later calls in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.cache_keys import CacheKey
from trainables.data.parts import PARTS, PartName, parts_of_files
from trainables.data.streaming import why_streamed
from trainables.data.texts.mapping import KeptTokens
from trainables.data.texts.noticed import check_tokens_differ, copied_pieces, noticed_ids
from trainables.data.texts.pieces import pieces_of, unique_of
from trainables.data.texts.reading import (
    RawText,
    joined_points,
    path_of_text,
    read_text_parts,
    text_files,
    unit_of,
)
from trainables.data.texts.settings import TextSettings
from trainables.data.texts.text import TextData, TextPart
from trainables.data.texts.vocabulary import Vocabulary
from trainables.errors import DataError
from trainables.kept_data import is_kept

__all__ = ["described_text", "load_text", "text_checksum"]

Array = np.ndarray[Any, Any]
_Stamp = tuple[tuple[str, int, int], ...]
"""Path, size and time of each file."""
_SHOWN = 10
_BYTES = 256
_BYTES_A_TOKEN = 4
"""Of tokens in memory."""
_VERSION = 1
"""Of the files of tokens on the disk."""
_ELSEWHERE = ("data", "root", "context", "epoch_tokens", "stream")
"""The settings on which the tokens do not depend."""


def load_text(settings: TextSettings, device: torch.device) -> TextData:
    """Load a text and keep it for later calls; a change of the settings or files reads it again.

    Args:
        settings: the text, its parts and its examples.
        device: where the tokens are stored.

    Returns:
        The text in three parts.

    Raises:
        DataError: the text is missing, damaged or too short, or has tokens beyond the vocabulary.
    """
    return _load(CacheKey(settings), str(device), _stamp(settings))


def described_text(settings: TextSettings) -> list[str]:
    """Describe a text for a person: parts, vocabulary, what an epoch is, and what was noticed.

    Args:
        settings: the text.

    Returns:
        One line for each fact.
    """
    data = load_text(settings, torch.device("cpu"))
    given, unit = _given_parts(settings), data.vocabulary.unit
    counts = [f"{len(data.train.tokens):,} {unit} to train on"]
    for part, share in (("validation", "validation_share"), ("test", "test_share")):
        tokens = getattr(data, part).tokens
        if len(tokens):
            drawn = "as given" if part in given else f"by position ({share} = {getattr(settings, share):g})"
            counts.append(f"{len(tokens):,} for {part} {drawn}")
    return [
        f"{data.name}: {', '.join(counts)}",
        f"a vocabulary of {data.vocabulary.size:,}; an example has {data.context} {unit}, an epoch about "
        f"{data.epoch_tokens:,}",
        *data.notes,
    ]


def _given_parts(settings: TextSettings) -> Collection[str]:
    """The parts that a folder of files has; all others are drawn."""
    path = path_of_text(settings)
    if path is None or not path.is_dir():
        return ("train",)
    return {part or "train" for part in parts_of_files(path, text_files(path, unit_of(settings)), []).values()}


def text_checksum(settings: TextSettings) -> str:
    """Compute a checksum of all tokens, however the text is cut.

    Args:
        settings: the text.

    Returns:
        16 hexadecimal digits.
    """
    text = _read(CacheKey(settings), _stamp(settings))
    found = hashlib.sha256(text.unit.encode())
    for part, points in text.parts.items():
        found.update(part.encode())
        for piece in pieces_of(points):
            found.update(np.ascontiguousarray(piece, dtype="<i8").data)
    return found.hexdigest()[:16]


@lru_cache(maxsize=2)
def _read(key: CacheKey[TextSettings], stamp: _Stamp) -> RawText:
    return read_text_parts(key.settings, on_disk=bool(_why_streamed(key.settings)))


@lru_cache(maxsize=4)
def _load(key: CacheKey[TextSettings], device: str, stamp: _Stamp) -> TextData:
    settings, place = key.settings, torch.device(device)
    why = _why_streamed(settings)
    if why:
        name, (tokens, vocabulary, notes) = str(path_of_text(settings)), _tokens_on_disk(key, stamp)
        parts = {part: _part(tokens.get(part), part, settings.context, place) for part in PARTS}
        return _data(name, parts, vocabulary, settings, [*notes, why])
    text = _read(key, stamp)
    points, vocabulary, notes = _numbered(text, settings)
    parts = {}
    for part in PARTS:
        numbers = vocabulary.encode(points[part], f"{text.name}, {part}") if part in points else np.empty(0)
        stride = 1 if part == "train" else settings.context
        parts[part] = TextPart(torch.from_numpy(numbers.astype(np.int32)).to(place), settings.context, stride)
    return _data(text.name, parts, vocabulary, settings, notes)


def _numbered(text: RawText, settings: TextSettings) -> tuple[dict[PartName, Array], Vocabulary, list[str]]:
    """The points of all parts, the vocabulary that numbers them, and what was noticed."""
    notes = list(text.notes)
    points = _parted(text, settings)
    check_tokens_differ(text.name, points["train"], text.unit)
    vocabulary = _vocabulary(points, text, settings, notes)
    notes += copied_pieces(points, text.unit)
    return points, vocabulary, notes


def _tokens_on_disk(key: CacheKey[TextSettings], stamp: _Stamp) -> tuple[dict[str, Tensor], Vocabulary, list[str]]:
    """The tokens of all parts in files, which are written unless they are kept."""
    settings = key.settings
    what = {one.name: getattr(settings, one.name) for one in fields(settings) if one.name not in _ELSEWHERE}
    of_files = [(Path(file).name, size, changed) for file, size, changed in stamp]
    named = settings.data if is_kept(settings.data) else None  # whose name tells the content
    kept = KeptTokens(settings.data, hashlib.sha256(repr((_VERSION, what, named, of_files)).encode()).hexdigest()[:16])
    found = kept.read()
    if found is None:
        text = _read(key, stamp)
        kept.write(*_numbered(text, settings), text.name)
        found = kept.read()
    if found is None:
        raise DataError(f"the tokens of {settings.data} were written and cannot be read; free some space on the disk")
    return found


def _part(tokens: Tensor | None, part: PartName, context: int, device: torch.device) -> TextPart:
    tokens = torch.zeros(0, dtype=torch.int32) if tokens is None else tokens
    return TextPart(tokens, context, 1 if part == "train" else context, device)


def _data(
    name: str,
    parts: Mapping[PartName, TextPart],
    vocabulary: Vocabulary,
    settings: TextSettings,
    notes: Sequence[str],
) -> TextData:
    count, context, wanted = len(parts["train"].tokens), settings.context, settings.epoch_tokens
    most = (count - 1) // context * context
    if wanted is not None and not context <= wanted <= count:
        raise DataError(
            f"epoch_tokens is {wanted:,}; it is at least the context, {context:,}, and at most the training part, "
            f"{count:,}: for more, train more epochs"
        )
    return TextData(
        name,
        parts["train"],
        parts["validation"],
        parts["test"],
        vocabulary=vocabulary,
        epoch_tokens=min(wanted or most, most),
        notes=notes,
    )


def _why_streamed(settings: TextSettings) -> str:
    """A note for a person; empty where the tokens are in memory."""
    path = path_of_text(settings)
    if path is None or settings.stream is False:
        return ""
    size = sum(file.stat().st_size for file in text_files(path, unit_of(settings)))
    how = "examples are read from the disk while the network trains"
    return why_streamed(_BYTES_A_TOKEN * size, settings.stream, how, "the tokens", "stream = false reads them before")


def _parted(text: RawText, settings: TextSettings) -> dict[PartName, Array]:
    """The points of each part, in the order of the text: training, validation, test."""
    parts = dict(text.parts)
    total = len(parts["train"])
    shares: tuple[tuple[PartName, float], ...] = (
        ("test", settings.test_share),
        ("validation", settings.validation_share),
    )
    for part, share in shares:
        if part in parts or (part == "validation" and settings.whole):
            continue
        kept = len(parts["train"]) - round(share * total)
        parts["train"], parts[part] = parts["train"][:kept], parts["train"][kept:]
    if settings.whole and "validation" in parts:
        on_disk = bool(_why_streamed(settings))
        parts["train"] = joined_points([parts["train"], parts.pop("validation")], on_disk=on_disk)
    for part, points in parts.items():
        if len(points) <= settings.context:
            greater = "" if part == "train" or part in text.parts else f", a greater {part}_share"
            raise DataError(
                f"{text.name}: the part for {part} has {len(points)} {text.unit}, and an example takes context + 1 = "
                f"{settings.context + 1}; give a longer text, a smaller context{greater}"
            )
    return parts


def _vocabulary(
    points: Mapping[PartName, Array], text: RawText, settings: TextSettings, notes: list[str]
) -> Vocabulary:
    if text.unit == "bytes":
        return Vocabulary("bytes", _BYTES)
    train = points["train"]
    if text.unit == "ids":
        size = settings.vocabulary or max(int(piece.max()) for piece in pieces_of(train)) + 1
        notes += noticed_ids(points, size)
        return Vocabulary("ids", size)
    held = [some for part, some in points.items() if part != "train"]
    known, others = unique_of(train), np.unique(np.concatenate([unique_of(some) for some in held]))
    made = Vocabulary.of_characters(known, others)
    if made.has_bucket:
        strange = np.setdiff1d(others, known)
        count = sum(int(np.isin(piece, strange).sum()) for some in held for piece in pieces_of(some))
        absent = [chr(point) for point in strange.tolist()]
        shown = ", ".join(map(repr, absent[:_SHOWN])) + (", .." if len(absent) > _SHOWN else "")
        notes.append(
            f"warning: {count:,} characters outside the training part do not occur in it ({shown}); they share "
            "one token for unknown characters, which is never trained"
        )
    return made


def _stamp(settings: TextSettings) -> _Stamp:
    """Sizes and times of the files, which reveal a change."""
    path = path_of_text(settings)
    if path is None or is_kept(settings.data):
        return ()
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in text_files(path))
