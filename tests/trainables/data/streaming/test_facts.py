"""What is known of images after each was read once, and of two sets of images together."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.data.streaming.facts import Facts, facts_of
from trainables.errors import DataError


def encoded(name: str, array: Any, mode: str | None = None, orientation: int = 1) -> tuple[str, bytes]:
    image, file = Image.fromarray(np.asarray(array, np.uint8), mode), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(file, "PNG", exif=exif)
    return name, file.getvalue()


GREY = encoded("grey", [[0, 10, 20], [30, 40, 50]])
TURNED = encoded("turned", [[0, 10], [20, 30], [40, 50]], orientation=6)
COLOUR = encoded("colour", np.arange(18).reshape(2, 3, 3))
CLEAR = encoded("clear", np.arange(24).reshape(2, 3, 4))
SAME = encoded("same", np.repeat(np.array([[0, 10, 20], [30, 40, 50]])[..., None], 3, 2))


def facts(*images: tuple[str, bytes]) -> Facts:
    return facts_of(images, resize=None, loaders=1)


def test_the_facts_of_a_grey_image() -> None:
    found = facts(GREY)
    assert (found.shape, found.turned, found.with_alpha) == ((1, 2, 3), 0, 0)
    assert found.totals.tolist() == [[[150.0]], [[5500.0]]]
    assert found.extremes.tolist() == [[0.0], [50.0]]
    assert found.finite.tolist() == [True]


def test_grey_images_among_those_in_colour_have_three_equal_channels() -> None:
    found = facts(GREY, COLOUR)
    assert found.shape == (3, 2, 3)
    assert found.totals[0].tolist() == [[150.0] * 3, [45.0, 51.0, 57.0]]
    assert facts(SAME).digests == facts(GREY).digests != facts(COLOUR).digests


def test_images_that_are_turned_or_lose_their_alpha_are_counted() -> None:
    assert facts(TURNED).shape == (1, 2, 3)
    found = facts(TURNED, CLEAR, GREY, CLEAR)
    assert (found.turned, found.with_alpha) == (1, 2)


def test_facts_of_two_sets_are_those_of_all_images() -> None:
    first, second = (TURNED, CLEAR, COLOUR), (COLOUR, CLEAR, CLEAR, TURNED)
    joined, whole = facts(*first).joined(facts(*second)), facts(*first, *second)
    assert (joined.turned, joined.with_alpha) == (whole.turned, whole.with_alpha) == (2, 3)
    assert (joined.shape, joined.depth, joined.digests) == (whole.shape, whole.depth, whole.digests)
    for name in ("totals", "extremes", "finite"):
        assert torch.equal(getattr(joined, name), getattr(whole, name))


def test_images_of_several_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="small"):
        facts(GREY, encoded("small", [[1, 2]]))
