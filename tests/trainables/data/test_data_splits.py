"""Splits are stratified, disjoint and repeatable; augmentation does what torchvision's does."""

from __future__ import annotations

import pytest
import torch

from trainables.data import Augmentation, DataSettings, load_images
from trainables.data.images import Raw, Split, raw_images
from trainables.data.split import split_data
from trainables.errors import DataError

CPU = torch.device("cpu")


def numbered(counts, test=None) -> Raw:
    """Images whose one pixel is their number, `counts[k]` of class k."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    images = torch.arange(len(labels), dtype=torch.float32).view(-1, 1, 1, 1)
    return raw_images("numbered", Split(images, labels), test)


def parts(raw, seed=0, validation=0.2, test=0.2):
    data = split_data(raw, validation_share=validation, test_share=test, seed=seed, device=CPU)
    return [split.images.flatten().tolist() for split in (data.train, data.validation, data.test)], data


def test_splits_are_disjoint_and_complete():
    (train, validation, test), _ = parts(numbered([50, 30, 20]))
    assert sorted(train + validation + test) == list(range(100))
    assert (len(train), len(validation), len(test)) == (64, 16, 20)


def test_each_class_keeps_its_share():
    _, data = parts(numbered([50, 30, 20]))
    assert data.test.labels.bincount().tolist() == [10, 6, 4]
    assert data.validation.labels.bincount().tolist() == [8, 5, 3]


def test_seed_decides_the_splits():
    assert parts(numbered([50, 30]), seed=1)[0] == parts(numbered([50, 30]), seed=1)[0]
    assert parts(numbered([50, 30]), seed=1)[0] != parts(numbered([50, 30]), seed=2)[0]


def test_own_test_set_is_kept():
    own = Split(torch.full((2, 1, 1, 1), -1.0), torch.tensor([0, 1]))
    (train, validation, test), _ = parts(numbered([10, 10], own))
    assert test == [-1, -1]
    assert len(train) + len(validation) == 20


def test_every_class_is_in_every_split_however_small():
    _, data = parts(numbered([3, 100]), validation=0.01, test=0.01)
    for name in ("train", "validation", "test"):
        assert data.split(name).labels.unique().tolist() == [0, 1]


def test_too_few_images_of_a_class_are_refused():
    with pytest.raises(DataError, match="class 1 has 1 image"):
        parts(numbered([50, 2]))


def test_normalised_training_images_have_mean_0_and_deviation_1():
    data = load_images(DataSettings("digits"), CPU)
    images = data.normalize(data.train.images)
    assert images.dtype == torch.float32
    assert abs(float(images.mean())) < 1e-4
    assert abs(float(images.std()) - 1) < 1e-3


def test_constant_images_do_not_divide_by_zero():
    raw = raw_images("flat", Split(torch.full((8, 1, 2, 2), 7, dtype=torch.uint8), torch.arange(8) % 2))
    _, data = parts(raw)
    assert not data.normalize(data.train.images).any()


def test_second_load_is_the_same_object():
    assert load_images(DataSettings("digits"), CPU) is load_images(DataSettings("digits"), CPU)


def test_unknown_split_is_refused():
    with pytest.raises(DataError, match="train, validation and test"):
        load_images(DataSettings("digits"), CPU).split("tset")


def batch(count=400, size=6):
    return torch.arange(1, count * size * size + 1).view(count, 1, size, size)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_shift_moves_whole_images_and_reaches_every_place():
    images = batch()
    seen = set()
    for before, after in zip(images, Augmentation(shift=1)(images, generator()), strict=True):
        padded = torch.nn.functional.pad(before, (1, 1, 1, 1))
        moves = [(y, x) for y in range(3) for x in range(3) if torch.equal(padded[:, y : y + 6, x : x + 6], after)]
        assert len(moves) == 1
        seen.update(moves)
    assert len(seen) == 9


def test_flip_mirrors_about_half():
    images = batch()
    after = Augmentation(flip=True)(images, generator())
    same = (after == images).flatten(1).all(1)
    mirrored = (after == images.flip(3)).flatten(1).all(1)
    assert bool((same ^ mirrored).all())
    assert 150 < int(mirrored.sum()) < 250


def test_cutout_clears_one_square():
    images = torch.ones(500, 3, 8, 8)
    after = Augmentation(cutout=3, fill=-2.0)(images, generator())
    cleared = (after == -2).sum((2, 3))
    assert bool((cleared == cleared[:, :1]).all())
    assert int(cleared.max()) == 9
    assert int(cleared.min()) >= 4
    assert bool((after[cleared[:, 0] == 9].flatten(1).sum(1) == 3 * (64 - 9) - 2 * 27).all())


def test_augmentation_is_repeatable_and_leaves_its_input():
    images = batch().to(torch.uint8)
    before = images.clone()
    views = Augmentation(shift=2, flip=True, cutout=2)
    once = views(images, generator(3))
    assert torch.equal(once, views(images, generator(3)))
    assert not torch.equal(once, views(images, generator(4)))
    assert torch.equal(images, before)
    assert once.shape == images.shape
    assert once.dtype == torch.uint8


def test_no_augmentation_changes_nothing():
    images = batch()
    assert Augmentation()(images, generator()) is images
