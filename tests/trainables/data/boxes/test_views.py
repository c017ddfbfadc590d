"""Boxes move with their images, and one whose middle leaves the image is left out."""

from __future__ import annotations

import pytest
import torch

from trainables.data.boxes.views import BoxViews, moved
from trainables.errors import TrainableError

SIZE = (40, 60)


def one_box(left: int, top: int, right: int, bottom: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Twenty images of a white rectangle, with its box, and one place for a box that is not there."""
    images = torch.zeros((20, 1, *SIZE), dtype=torch.uint8)
    images[:, :, top:bottom, left:right] = 255
    boxes = torch.zeros((20, 2, 4))
    boxes[:, 0] = torch.tensor([left, top, right, bottom], dtype=torch.float32)
    return images, {"boxes": boxes, "labels": torch.tensor([[1, -1]]).repeat(20, 1)}


def seen(image: torch.Tensor) -> list[float]:
    """The box around what is white."""
    rows, columns = (image[0] > 127).nonzero(as_tuple=True)
    return [float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1]


@pytest.mark.parametrize("views", [BoxViews(), BoxViews(zoom=1.0, shift=0.0, flip_vertical=True), BoxViews(zoom=2.0)])
def test_a_box_stays_around_its_object(views: BoxViews) -> None:
    images, targets = one_box(20, 12, 34, 25)
    views_of, found = views(images, targets, torch.zeros((1, 1, 1, 1)), torch.Generator().manual_seed(0))
    assert (found["labels"] == targets["labels"]).all()
    for image, boxes in zip(views_of, found["boxes"], strict=True):
        assert boxes[0].tolist() == pytest.approx(seen(image), abs=1.01)
        assert boxes[1].tolist() == [0, 0, 0, 0]


def test_half_of_the_images_are_flipped() -> None:
    images, targets = one_box(2, 12, 14, 25)
    _, found = BoxViews(zoom=1.0, shift=0.0)(images, targets, torch.zeros(1), torch.Generator().manual_seed(0))
    left = set(found["boxes"][:, 0, 0].tolist())
    assert left == {2.0, 46.0}


def test_a_box_whose_middle_leaves_is_left_out() -> None:
    _, targets = one_box(0, 10, 20, 30)
    scale = torch.ones((20, 2))
    shift = torch.zeros((20, 2))
    shift[:, 0] = torch.linspace(0, -0.5, 20)
    found = moved(targets, scale, shift, torch.Size(SIZE))
    kept = found["labels"][:, 0] >= 0
    middle = 10 + 30 * shift[:, 0]
    assert kept.tolist() == (middle >= 0).tolist()
    assert (found["boxes"][kept][:, 0, 0] == 0).all()
    assert (found["boxes"][~kept] == 0).all()


def test_without_augmentation_nothing_changes() -> None:
    images, targets = one_box(20, 12, 34, 25)
    same, found = BoxViews(augment=False)(images, targets, torch.zeros(1), torch.Generator())
    assert same is images
    assert found is targets


def test_views_that_cannot_be_are_refused() -> None:
    with pytest.raises(TrainableError, match=r"zoom is 0\.5"):
        BoxViews(zoom=0.5)
