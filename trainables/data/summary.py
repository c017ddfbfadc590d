"""A summary of a data set in one line."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.data.folding import Fold
from trainables.data.images import Raw
from trainables.data.pixels import value_range

__all__ = ["summary_of"]

_SHOWN_CLASSES = 20
"""Classes that are listed by name."""


def summary_of(
    raw: Raw,
    train: int,
    validation: int,
    test: int,
    *,
    whole: bool,
    shares: Mapping[str, float],
    fold: Fold | None = None,
) -> str:
    """Summarize a data set: the splits with their origin, the classes, the kind of images, and the notes of the reader.

    Args:
        raw: the data set.
        train: number of training images that remain for training.
        validation: number of training images that validation takes; 0 where the data set has a validation split.
        test: number of training images that testing takes; 0 where the data set has a test split.
        whole: whether training uses the validation images too.
        shares: the settings `validation_share` and `test_share`.
        fold: of a cross-validation, the fold that is for validation.

    Returns:
        One line.
    """
    parts = [f"{train} images to train on"]
    if whole and raw.validation is not None:
        given = len(raw.validation)
        parts = [f"{train + given} images to train on, the {given} for validation among them"]
    if fold is not None:
        parts.append(f"{validation} for validation, {fold}")
    elif raw.validation is None and not whole:
        parts.append(
            f"{validation} for validation parted from them (validation_share = {shares['validation_share']:g})"
        )
    elif raw.validation is not None and not whole:
        parts.append(f"{len(raw.validation)} for validation as given (validation_share is not used)")
    if raw.test is None:
        parts.append(f"{test} for testing parted from them (test_share = {shares['test_share']:g})")
    else:
        parts.append(f"{len(raw.test)} for testing as given (test_share is not used)")
    channels, *sides = raw.train.images.shape[1:]
    unit = "voxels" if len(sides) == 3 else "pixels"
    images = raw.train.images
    kind = str(images.dtype).removeprefix("torch.")
    low, high = value_range(images)
    values = f"{kind} from {low:g} to {high:g}"
    pixels = f"{' x '.join(map(str, sides))} {unit}, {channels} channel{'s' if channels > 1 else ''}, {values}"
    said = "".join(f"; {note}" for note in raw.notes)
    return f"{raw.name}: {', '.join(parts)}; {_targets(raw)}; {pixels}{said}"


def _targets(raw: Raw) -> str:
    classes, labels = raw.classes, raw.train.labels
    if not classes:
        count = f"{labels.shape[1]} numbers" if labels.shape[1] > 1 else "a number"
        return f"{count} for each image, from {float(labels.min()):g} to {float(labels.max()):g}"
    more = f" and {len(classes) - _SHOWN_CLASSES} more" if len(classes) > _SHOWN_CLASSES else ""
    listed = f"{', '.join(classes[:_SHOWN_CLASSES])}{more}"
    if labels.dim() == 2:
        each = float(labels.long().sum()) / len(labels)
        return f"{len(classes)} classes, {each:.2g} for an image on average: {listed}"
    return f"{len(classes)} classes: {listed}"
