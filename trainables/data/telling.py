"""What a person should know of the images that were found, in one line."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.data.images import Raw

__all__ = ["told"]

_SHOWN_CLASSES = 20


def told(raw: Raw, train: int, validation: int, test: int, *, whole: bool, shares: Mapping[str, float]) -> str:
    """The parts with their numbers and where they are from, the classes, the kind of images, and the data's own notes.

    `train`, `validation` and `test` count what was parted from the training images; of a split of the data's own they
    are 0.
    """
    parts = [_of_training(raw, train, whole=whole)]
    if raw.validation is None and not whole:
        parts.append(
            f"{validation} for validation parted from them (validation_share = {shares['validation_share']:g})"
        )
    elif raw.validation is not None and not whole:
        parts.append(f"{len(raw.validation)} for validation as given (validation_share is not used)")
    if raw.test is None:
        parts.append(f"{test} for testing parted from them (test_share = {shares['test_share']:g})")
    else:
        parts.append(f"{len(raw.test)} for testing as given (test_share is not used)")
    channels, height, width = raw.train.images.shape[1:]
    pixels = f"{height} x {width} pixels, {channels} channel{'s' if channels > 1 else ''}, {_range(raw)}"
    said = "".join(f"; {note}" for note in raw.notes)
    return f"{raw.name}: {', '.join(parts)}; {_classes(raw.classes)}; {pixels}{said}"


def _of_training(raw: Raw, count: int, *, whole: bool) -> str:
    if whole and raw.validation is not None:
        return f"{count + len(raw.validation)} images to train on, the {len(raw.validation)} for validation among them"
    return f"{count} images to train on"


def _classes(classes: tuple[str, ...]) -> str:
    more = f" and {len(classes) - _SHOWN_CLASSES} more" if len(classes) > _SHOWN_CLASSES else ""
    return f"{len(classes)} classes: {', '.join(classes[:_SHOWN_CLASSES])}{more}"


def _range(raw: Raw) -> str:
    images = raw.train.images
    return f"{str(images.dtype).removeprefix('torch.')} from {float(images.min()):g} to {float(images.max()):g}"
