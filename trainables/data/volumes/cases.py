"""Scans with masks as they are read, in the parts that their author gave them, and the checks that they pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainables.data.parts import PartName
from trainables.errors import DataError

__all__ = ["Cases", "Scans", "checked", "plain_mask"]

Array = np.ndarray[Any, Any]
_MOST_LABELS = 255
_ANISOTROPIC = 1.5
"""The ratio of the greatest to the least spacing from which it is told."""


@dataclass(frozen=True)
class Cases:
    """Some scans, each with its mask.

    Attributes:
        images: each (c, ...).
        masks: each (...), uint8.
        names: of the scans, for messages.
        groups: texts; empty without groups.
    """

    images: list[Array] = field(default_factory=list)
    masks: list[Array] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Scans:
    """Scans in the parts that their author gave them.

    Attributes:
        name: names the data in messages.
        parts: the scans by part, "train" among them; data without parts are all "train".
        classes: the names of the classes that the data give; empty where they give none.
        spacing: the distance of two voxels along each axis in mm; None where it is not known.
        orientation: where the axes point, such as "RAS"; empty where it is not known.
        groups: what decides the groups; empty without groups.
        notes: for people.
    """

    name: str
    parts: Mapping[PartName, Cases]
    classes: tuple[str, ...] = ()
    spacing: tuple[float, ...] | None = None
    orientation: str = ""
    groups: str = ""
    notes: Sequence[str] = ()


def plain_mask(mask: Array, place: str) -> Array:
    """Convert a mask to uint8.

    Args:
        mask: numbers of classes of any type.
        place: names it in messages.

    Returns:
        The same numbers.

    Raises:
        DataError: a value is not a whole number from 0 to 255.
    """
    if mask.dtype.kind not in "uifb":
        raise DataError(f"{place} is {mask.dtype}; a mask holds the number of the class of each voxel: 0, 1, 2, ..")
    if mask.dtype.kind == "f":
        odd = mask[~np.isfinite(mask) | (mask != np.round(mask))]
        if odd.size:
            raise DataError(
                f"{place} holds {odd.flat[0]:g}; a mask holds whole numbers of classes: give numbers instead of "
                "probabilities, and resample masks by the nearest neighbour"
            )
    if mask.size and (mask.min() < 0 or mask.max() > _MOST_LABELS):
        low, high = mask.min(), mask.max()
        raise DataError(f"{place} has values from {low:g} to {high:g}; classes are numbered from 0 to {_MOST_LABELS}")
    return mask.astype(np.uint8)


def checked(scans: Scans, classes: Sequence[str] | None) -> tuple[tuple[str, ...], list[str]]:
    """Check scans against their masks, and name the classes.

    Args:
        scans: the scans.
        classes: names that a user gives; None takes those of the data, else numbers.

    Returns:
        The names of the classes, and notes for people.

    Raises:
        DataError: shapes or labels break a rule; the message names the scan.
    """
    first = scans.parts["train"].images[0]
    seen: dict[PartName, list[int]] = {}
    empty: list[str] = []
    for part, cases in scans.parts.items():
        counts = np.zeros(_MOST_LABELS + 1, dtype=np.int64)
        for image, mask, name in zip(cases.images, cases.masks, cases.names, strict=True):
            _check_case(image, mask, f"{scans.name}: {name}", first)
            found = np.bincount(mask.ravel(), minlength=_MOST_LABELS + 1)
            counts += found
            if not found[1:].any():
                empty.append(name)
        seen[part] = np.flatnonzero(counts).tolist()
    named = _named(scans.name, seen["train"], tuple(classes) if classes is not None else scans.classes)
    notes = []
    for part, labels in seen.items():
        beyond = [label for label in labels if label not in seen["train"]]
        if beyond:
            raise DataError(
                f"{scans.name}: masks of {part} hold class {beyond[0]}, which no training mask has (they have "
                f"{', '.join(map(str, seen['train']))}); move a scan with it to training, or leave that class out"
            )
        lacking = [named[label] for label in seen["train"] if label not in labels]
        if lacking:
            notes.append(f"no voxel of {', '.join(lacking)} is for {part}; its Dice is absent there")
    if empty:
        shown = f"{', '.join(empty[:3])}{', ..' if len(empty) > 3 else ''}"
        notes.append(f"{len(empty)} masks hold the background alone, such as {shown}")
    return named, [*notes, *_of_spacing(scans)]


def _check_case(image: Array, mask: Array, place: str, first: Array) -> None:
    if image.shape[1:] != mask.shape:
        raise DataError(
            f"{place}: the image has the shape {image.shape[1:]} and the mask {mask.shape}; they must be equal: "
            "resample the mask to the image"
        )
    if image.ndim != first.ndim or len(image) != len(first):
        raise DataError(
            f"{place} has {len(image)} channels of shape {image.shape[1:]}, and the first scan {len(first)} of shape "
            f"{first.shape[1:]}; all need as many channels and sides"
        )
    if image.dtype.kind not in "uifb":
        raise DataError(f"{place} is {image.dtype}; scans are numbers")
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        count = int((~np.isfinite(image)).sum())
        raise DataError(
            f"{place}: the image holds {count} NaN or infinite values; replace them, such as by the minimum"
        )


def _named(name: str, labels: list[int], classes: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the classes, one for each label of the training masks."""
    if labels == [labels[0]]:
        raise DataError(
            f"{name}: every training mask holds class {labels[0]} alone; there is nothing to learn: check that the "
            "masks belong to the images"
        )
    if 0 not in labels:
        raise DataError(
            f"{name}: no training mask holds class 0, the background; number the background 0 and the others from 1 on"
        )
    count = max(labels) + 1
    missing = [label for label in range(count) if label not in labels]
    if missing:
        raise DataError(
            f"{name}: the classes of the training masks are {', '.join(map(str, labels))}, without {missing[0]}; "
            "number them 0, 1, 2, .. without gaps"
        )
    if classes and len(classes) != count:
        raise DataError(
            f"{name}: {len(classes)} classes are named ({', '.join(classes)}), and the training masks hold {count} (0 "
            f"to {count - 1}); name each of them, or leave scans out that hold others"
        )
    return classes or ("background", *(f"class {label}" for label in labels[1:]))


def _of_spacing(scans: Scans) -> list[str]:
    if scans.spacing is None:
        return []
    shown = " x ".join(f"{one:.3g}" for one in scans.spacing)
    where = f", axes {scans.orientation}" if scans.orientation else ""
    if min(scans.spacing) * _ANISOTROPIC >= max(scans.spacing):
        return [f"spacing {shown} mm{where}"]
    axis = int(np.argmax(scans.spacing))
    apart = f"conv_{'x'.join('1' if place == axis else '3' for place in range(len(scans.spacing)))}"
    return [
        f"anisotropic spacing {shown} mm{where}: a voxel is {max(scans.spacing) / min(scans.spacing):.2g} times "
        f"as long along one axis as along another; kernels are in voxels, so operations that take axis {axis} apart, "
        f"such as {apart}, may suit"
    ]
