"""Views of images, pixel by pixel: every move within the bounds occurs, none beyond, and each image has its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.data.augment import Augmentation, Views, cut_out, flipped, shifted
from trainables.errors import TrainableError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(count: int, channels: int = 2, height: int = 4, width: int = 5) -> Tensor:
    """The same image so many times; no two pixels are alike, and none is 0."""
    one = torch.arange(1.0, 1 + channels * height * width).view(1, channels, height, width)
    return one.repeat(count, 1, 1, 1)


def moved(image: Tensor, down: int, right: int) -> Tensor:
    """The part of the padded image that begins so far down and right of two pixels of padding."""
    padded = torch.nn.functional.pad(image, (2, 2, 2, 2))
    return padded[:, 2 + down : 2 + down + image.shape[1], 2 + right : 2 + right + image.shape[2]]


def test_images_move_by_up_to_the_bound_in_every_direction() -> None:
    images = numbered(600)
    before = images.clone()
    found = shifted(images, 2, generator())
    assert torch.equal(images, before)
    assert found.shape == images.shape
    ways = {(down, right): moved(images[0], down, right) for down in range(-2, 3) for right in range(-2, 3)}
    seen = []
    for image in found:
        (way,) = [name for name, wanted in ways.items() if torch.equal(image, wanted)]
        seen.append(way)
    assert set(seen) == set(ways)
    assert torch.equal(shifted(images, 2, generator()), found)


def test_half_of_the_images_are_mirrored() -> None:
    images = numbered(400)
    found = flipped(images, generator())
    is_mirrored = [torch.equal(image, images[0].flip(2)) for image in found]
    assert all(torch.equal(image, images[0]) for image, is_it in zip(found, is_mirrored, strict=True) if not is_it)
    assert 160 < sum(is_mirrored) < 240


@pytest.mark.parametrize("side", [1, 2, 3])
def test_a_square_is_cleared_around_every_pixel(side: int) -> None:
    images = numbered(600, channels=1)
    found = cut_out(images, side, -7.0, generator())
    seen = set()
    for image in found:
        rows, columns = torch.nonzero(image[0] == -7.0, as_tuple=True)
        assert torch.equal(torch.where(image == -7.0, images[0], image), images[0])
        top, left = int(rows.min()), int(columns.min())
        bottom, right = int(rows.max()), int(columns.max())
        assert len(rows) == (bottom - top + 1) * (right - left + 1)
        seen.add((top, bottom, left, right))
    bands = {}
    for length in (4, 5):
        firsts = [centre - side // 2 for centre in range(length)]
        bands[length] = {(max(first, 0), min(first + side, length) - 1) for first in firsts}
    assert seen == {(*rows, *columns) for rows in bands[4] for columns in bands[5]}


def test_an_augmentation_without_settings_changes_nothing() -> None:
    images = numbered(3)
    assert Augmentation()(images, generator()) is images


def test_views_come_one_after_another_from_one_generator() -> None:
    images, rng = numbered(20), generator(5)
    wanted = cut_out(flipped(shifted(images, 1, rng), rng), 2, 9.0, rng)
    made = Augmentation(shift=1, flip=True, cutout=2, fill=9.0)
    assert torch.equal(made(images, generator(5)), wanted)
    rng = generator(5)
    assert torch.equal(Augmentation(flip=True)(images, generator(5)), flipped(images, rng))


def data(height: int, width: int) -> Any:
    return SimpleNamespace(image_size=(height, width))


@pytest.mark.parametrize(("size", "shift"), [((32, 40), 4), ((40, 32), 4), ((8, 8), 1), ((7, 32), 0), ((31, 31), 3)])
def test_by_default_images_move_by_an_eighth_of_their_shorter_side(size: tuple[int, int], shift: int) -> None:
    assert Views().augmentation(data(*size)) == Augmentation(shift=shift)


def test_settings_decide_the_views() -> None:
    assert Views(shift=0, flip=True, cutout=3).augmentation(data(32, 32)) == Augmentation(0, True, 3)
    assert Views(augment=False, shift=2, flip=True, cutout=3).augmentation(data(32, 32)) == Augmentation()
    made = Views(transforms=["RandomInvert"])
    found = made.augmentation(data(32, 32))
    assert (found.shift, found.transform is not None, made.transform() is not None) == (0, True, True)
    assert Views(transforms=["RandomInvert"], shift=2).augmentation(data(32, 32)).shift == 2
    assert Views().transform() is None


@pytest.mark.parametrize(
    "settings", [{"shift": -1}, {"shift": 1.5}, {"cutout": -1}, {"flip": 1}, {"augment": None}, {"cutout": 0.5}]
)
def test_settings_beyond_their_bounds_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(TrainableError, match=next(iter(settings))):
        Views(**settings)
    Views(shift=0, cutout=0)
