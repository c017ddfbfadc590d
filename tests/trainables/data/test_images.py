"""Images and labels that fit together, and each way in which they do not."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trainables.data.images import ImageData, Raw, Split, lacking_classes, raw_images
from trainables.errors import DataError


def split(labels: list[int], shape: tuple[int, ...] = (1, 2, 3), fill: float = 0.0, dtype: Any = torch.uint8) -> Split:
    images = torch.full((len(labels), *shape), fill).to(dtype)
    images[:, 0, 0, 0] = torch.arange(len(labels)).to(dtype)
    return Split(images, torch.tensor(labels))


def refused(*given: Any, **more: Any) -> str:
    with pytest.raises(DataError) as caught:
        raw_images("x", *given, **more)
    return str(caught.value)


TRAIN = split([0, 1, 2, 1])


def test_classes_are_named_or_numbered_and_lacking_ones_noted() -> None:
    plain = raw_images("x", TRAIN)
    assert (plain.classes, plain.notes, plain.test, plain.validation) == (("0", "1", "2"), (), None, None)
    named = raw_images("x", TRAIN, split([2]), ("a", "b", "c"), validation=split([0, 1]), notes=["first"])
    assert named.notes == ("first", "no validation image of c", "no test image of a, b")
    assert list(named.splits) == ["train", "validation", "test"]
    assert not named.multi_label


@pytest.mark.parametrize(("count", "said"), [(10, ""), (11, ", ..")])
def test_at_most_ten_lacking_classes_are_named(count: int, said: str) -> None:
    classes = [f"c{number}" for number in range(count + 1)]
    (note,) = lacking_classes("test", torch.tensor([0]), classes)
    assert note == f"no test image of {', '.join(classes[1:11])}{said}"
    assert lacking_classes("test", torch.tensor([[1, 1], [0, 1]]), ["a", "b"]) == []
    assert lacking_classes("test", torch.tensor([[1, 0]]), ["a", "b"]) == ["no test image of b"]


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        (split([]), None, "x: the images are empty; a data set needs at least one image"),
        (TRAIN, split([]), "x: the test images are empty"),
        (Split(torch.zeros(3, 1, 2, 2), torch.tensor([0, 1])), None, "x: the 3 images have 2 labels; each image needs"),
        (split([0, 1], (2, 2, 2)), None, "x: the images have the shape (2, 2, 2, 2); (count, 1, 3 or 4 channels,"),
        (split([0, 1], (1, 1, 0 + 1)), split([0], (1, 2, 2)), "x: training and test images differ in shape, (1, 1, 1)"),
        (split([0, 1], fill=float("nan"), dtype=torch.float32), None, "x: the images hold NaN or infinite values, 2"),
        (split([0, -1, 1]), None, "x: the labels reach down to -1; they must be 0 or more"),
        (TRAIN, split([-2, 0]), "x: the test labels reach down to -2"),
        (split([0, 0]), None, "x: all images have one label; a classifier needs at least two classes"),
        (split([0, 2]), None, "x: class 1 of 3 has no training image; number the labels 0, 1, 2, ..."),
        (TRAIN, split([3]), "x: the test label 3 does not occur in training"),
    ],
)
def test_what_does_not_fit_is_told(train: Split, test: Split | None, said: str) -> None:
    assert refused(train, test).startswith(said)
    if test is not None:
        assert refused(train, validation=test).startswith(said.replace("test", "validation"))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_are_grey_or_coloured_and_of_one_pixel_at_least(channels: int) -> None:
    assert raw_images("x", split([0, 1], (channels, 1, 1))).classes == ("0", "1")
    with pytest.raises(DataError, match="height, width"):
        raw_images("x", Split(torch.zeros(2, channels, 0, 3), torch.tensor([0, 1])))


def test_labels_beyond_the_named_classes_are_told() -> None:
    assert refused(TRAIN, None, ("a", "b")).startswith("x: label 2 is beyond the 2 classes; labels start at 0")


def test_a_split_takes_joins_and_draws_images() -> None:
    rows, labels = TRAIN.rows(torch.tensor([2, 0]))
    assert (rows[:, 0, 0, 0].tolist(), labels.tolist()) == ([2, 0], [2, 0])
    cpu = torch.device("cpu")
    taken, shared = TRAIN.take(torch.tensor([3, 1]), cpu), TRAIN.shared(torch.tensor([3, 1]), cpu)
    assert taken.labels.tolist() == shared.labels.tolist() == [1, 1]
    assert torch.equal(taken.images, shared.rows(torch.arange(2))[0])
    both = TRAIN.joined(split([0]))
    assert (len(both), both.labels.tolist()) == (5, [0, 1, 2, 1, 0])
    drawn = TRAIN.sampled(3, torch.Generator().manual_seed(0))
    assert len(drawn) == 3
    assert len(set(drawn.images[:, 0, 0, 0].tolist())) == 3
    assert len(TRAIN.sampled(9, torch.Generator().manual_seed(0))) == 4
    batches = list(TRAIN.fetched([torch.tensor([1]), torch.tensor([0, 3])]))
    assert [labels.tolist() for _, labels in batches] == [[1], [0, 1]]


def test_a_checksum_is_of_all_pixels_labels_and_shapes() -> None:
    raw = Raw("x", TRAIN, split([0]), ("a", "b", "c"))
    assert raw.checksum() == Raw("y", TRAIN, split([0]), ("d",)).checksum()
    assert len(raw.checksum()) == 16
    others = [
        Raw("x", TRAIN, None, ()),
        Raw("x", TRAIN, split([1]), ()),
        Raw("x", split([0, 1, 2, 2]), split([0]), ()),
        Raw("x", TRAIN, split([0]), (), split([0])),
        Raw("x", split([0, 1, 2, 1], (1, 3, 2)), split([0]), ()),
    ]
    assert len({one.checksum() for one in (raw, *others)}) == 6


def test_data_decide_what_a_network_takes() -> None:
    mean, std = torch.full((1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1), 4.0)
    empty = split([])
    data = ImageData("x", TRAIN, empty, split([0]), ("a", "b", "c"), mean, std)
    assert data.arguments() == {"num_classes": 3, "in_channels": 1, "image_size": (2, 3)}
    assert data.example().shape == (1, 1, 2, 3)
    assert data.normalize(TRAIN.images)[:, 0, 0, 0].tolist() == [-0.5, -0.25, 0.0, 0.25]
    assert data.split("test") is data.test
    with pytest.raises(DataError, match="no image is for validation"):
        data.split("validation")
    assert not data.multi_label
    several = Split(TRAIN.images, torch.ones(4, 2, dtype=torch.uint8))
    assert ImageData("x", several, empty, empty, ("a", "b"), mean, std).multi_label
    assert not ImageData("x", several, empty, empty, (), mean, std).multi_label
