"""Drawn images with boxes: circles, squares and triangles on grainy backgrounds, decided by a seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["CLASSES", "COUNT", "SIDE", "drawn_shapes"]

Array = np.ndarray[Any, Any]
CLASSES = ("circle", "square", "triangle")
COUNT = 480
SIDE = 96
"""The side of an image in pixels."""
_LEAST, _MOST = 14, 40
_TRIES = 20
_FINE = 4
"""Shapes are drawn so many times larger, and then made smaller, so that their edges are smooth."""
_CONTRAST = 60


def drawn_shapes(seed: int = 0, count: int = COUNT) -> tuple[Array, list[list[tuple[float, ...]]], list[list[int]]]:
    """Draw images.

    Args:
        seed: decides them.
        count: the number of images.

    Returns:
        The images (count, 3, `SIDE`, `SIDE`), uint8; the boxes of each image; and the numbers of their classes. An
        image has up to four shapes, one in twenty has none.
    """
    random = np.random.default_rng(seed)
    images = np.empty((count, 3, SIDE, SIDE), dtype=np.uint8)
    boxes: list[list[tuple[float, ...]]] = []
    labels: list[list[int]] = []
    for number in range(count):
        image, its_boxes, its_labels = _image(random)
        images[number] = image.transpose(2, 0, 1)
        boxes.append(its_boxes)
        labels.append(its_labels)
    return images, boxes, labels


def _image(random: np.random.Generator) -> tuple[Array, list[tuple[float, ...]], list[int]]:
    ground = random.uniform(60, 200, 3)
    slope = np.linspace(-1, 1, SIDE)[:, None, None] * random.uniform(-30, 30, 3)
    grain = random.normal(0, 8, (SIDE, SIDE, 1))
    base = np.clip(ground + slope + grain, 0, 255).astype(np.uint8)
    picture = Image.fromarray(base)
    boxes: list[tuple[float, ...]] = []
    labels: list[int] = []
    wanted = 0 if random.random() < 0.05 else int(random.integers(1, 5))
    for _ in range(wanted):
        box = _free_box(random, boxes)
        if box is None:
            break
        label = int(random.integers(len(CLASSES)))
        _draw(picture, box, label, _colour(random, ground))
        boxes.append(tuple(map(float, box)))
        labels.append(label)
    return np.asarray(picture), boxes, labels


def _free_box(random: np.random.Generator, boxes: list[tuple[float, ...]]) -> tuple[int, int, int, int] | None:
    """A square that leaves the others nearly uncovered; None where none was found."""
    for _ in range(_TRIES):
        side = int(random.integers(_LEAST, _MOST + 1))
        left, top = (int(random.integers(0, SIDE - side + 1)) for _ in range(2))
        box = (left, top, left + side, top + side)
        if all(_shared(box, other) < 0.1 * min(side * side, _area(other)) for other in boxes):
            return box
    return None


def _shared(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)


def _area(box: tuple[float, ...]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _colour(random: np.random.Generator, ground: Array) -> tuple[int, int, int]:
    """A colour that differs from the background."""
    while True:
        colour = random.integers(0, 256, 3)
        if np.abs(colour - ground).max() > _CONTRAST:
            return int(colour[0]), int(colour[1]), int(colour[2])


def _draw(picture: Image.Image, box: tuple[int, int, int, int], label: int, colour: tuple[int, int, int]) -> None:
    left, top, right, _ = box
    side = (right - left) * _FINE
    mask = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(mask)
    last = side - 1
    if CLASSES[label] == "circle":
        draw.ellipse((0, 0, last, last), fill=255)
    elif CLASSES[label] == "square":
        draw.rectangle((0, 0, last, last), fill=255)
    else:
        draw.polygon([(last / 2, 0), (last, last), (0, last)], fill=255)
    small = mask.resize((right - left, math.ceil(side / _FINE)), Image.Resampling.BOX)
    picture.paste(Image.new("RGB", small.size, colour), (left, top), small)
