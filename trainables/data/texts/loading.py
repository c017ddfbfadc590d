"""Loading of texts: read, cut into parts by position, numbered, checked, and kept for later calls in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from trainables.data.cache_keys import CacheKey
from trainables.data.parts import PARTS, PartName
from trainables.data.texts.noticed import check_tokens_differ, copied_pieces, noticed_ids
from trainables.data.texts.reading import RawText, path_of_text, read_text_parts, text_files
from trainables.data.texts.settings import TextSettings
from trainables.data.texts.text import TextData, TextPart
from trainables.data.texts.vocabulary import Vocabulary
from trainables.errors import DataError
from trainables.kept_data import is_kept

__all__ = ["described_text", "load_text", "text_checksum"]

Array = np.ndarray[Any, Any]
_SHOWN = 10
_BYTES = 256


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
    given, unit = _read(CacheKey(settings), _stamp(settings)).parts, data.vocabulary.unit
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
        found.update(np.ascontiguousarray(points, dtype="<i8").tobytes())
    return found.hexdigest()[:16]


@lru_cache(maxsize=2)
def _read(key: CacheKey[TextSettings], stamp: tuple[object, ...]) -> RawText:
    return read_text_parts(key.settings)


@lru_cache(maxsize=4)
def _load(key: CacheKey[TextSettings], device: str, stamp: tuple[object, ...]) -> TextData:
    settings = key.settings
    text = _read(key, stamp)
    notes = list(text.notes)
    points = _parted(text, settings)
    check_tokens_differ(text.name, points["train"], text.unit)
    vocabulary = _vocabulary(points, text, settings, notes)
    notes += copied_pieces(points, text.unit)
    place, context = torch.device(device), settings.context
    parts = {}
    for part in PARTS:
        tokens = vocabulary.encode(points[part], f"{text.name}, {part}") if part in points else np.empty(0)
        stride = 1 if part == "train" else context
        parts[str(part)] = TextPart(torch.from_numpy(tokens.astype(np.int32)).to(place), context, stride)
    most = (len(points["train"]) - 1) // context * context
    wanted = settings.epoch_tokens
    if wanted is not None and not context <= wanted <= len(points["train"]):
        raise DataError(
            f"epoch_tokens is {wanted:,}; it is at least the context, {context:,}, and at most the training part, "
            f"{len(points['train']):,}: for more, train more epochs"
        )
    return TextData(text.name, **parts, vocabulary=vocabulary, epoch_tokens=min(wanted or most, most), notes=notes)


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
        parts["train"] = np.concatenate([parts["train"], parts.pop("validation")])
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
        size = settings.vocabulary or int(train.max()) + 1
        notes += noticed_ids(points, size)
        return Vocabulary("ids", size)
    others = np.concatenate([points[part] for part in points if part != "train"])
    made = Vocabulary.of_characters(train, others)
    if made.has_bucket:
        strange = others[~np.isin(others, train)]
        absent = [chr(point) for point in np.unique(strange).tolist()]
        shown = ", ".join(map(repr, absent[:_SHOWN])) + (", .." if len(absent) > _SHOWN else "")
        notes.append(
            f"warning: {len(strange):,} characters outside the training part do not occur in it ({shown}); they share "
            "one token for unknown characters, which is never trained"
        )
    return made


def _stamp(settings: TextSettings) -> tuple[object, ...]:
    """Sizes and times of the files, which reveal a change."""
    path = path_of_text(settings)
    if path is None or is_kept(settings.data):
        return ()
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in text_files(path))
