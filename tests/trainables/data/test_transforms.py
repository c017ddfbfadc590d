"""Transforms of torchvision as settings, and as views of training images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2

import search_spaces
from trainables.data.augment import Views
from trainables.data.transforms import built, check_transforms, described, transformed
from trainables.errors import CheckpointError, TrainableError
from trainables.tasks.learner import Learner
from trainables.tasks.registry import make_task

CELL = search_spaces.get("nb201").sample(0)
CPU = torch.device("cpu")
JITTER = v2.Compose([v2.RandomHorizontalFlip(), v2.ColorJitter(0.2)])
PLAIN = ["RandomHorizontalFlip", {"name": "ColorJitter", "brightness": 0.2}]
IMAGES = torch.randint(0, 256, (12, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def darker(image: Tensor) -> Tensor:
    """A transform of one's own."""
    return image // 2


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "transform",
    [
        v2.RandomCrop(8, padding=2),
        v2.RandomApply([v2.GaussianBlur(3), v2.RandomVerticalFlip(0.2)], p=0.3),
        v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10),
        v2.RandomResizedCrop(8, scale=(0.5, 1), interpolation=v2.InterpolationMode.NEAREST),
        v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.GaussianNoise(), v2.ToDtype(torch.uint8, scale=True)]),
        v2.RandomErasing(),
        v2.RandAugment(),
    ],
)
def test_a_module_of_torchvision_is_written_as_names_that_build_an_equal_one(transform: Any) -> None:
    again = built(described(transform))
    wanted = transformed(IMAGES, transform, seeded())
    assert torch.equal(transformed(IMAGES, again, seeded()), wanted)
    assert described(described(transform)) == described(transform)


def test_names_and_modules_have_one_form() -> None:
    assert described(JITTER) == [PLAIN[0], {"name": "ColorJitter", "brightness": [0.8, 1.2]}]
    assert described(list(JITTER.transforms)) == described(JITTER)
    assert described("RandAugment") == described(["RandAugment"]) == described(v2.RandAugment()) == ["RandAugment"]
    assert described(darker) == f"{__name__}:darker"
    assert torch.equal(transformed(IMAGES, built(described(darker)), seeded()), IMAGES // 2)
    assert described(None) is None


def test_each_image_draws_its_own_numbers_and_no_other_code_notices() -> None:
    before = torch.get_rng_state()
    changed = transformed(IMAGES, built(["RandomHorizontalFlip"]), seeded())
    turned = [not torch.equal(one, other) for one, other in zip(changed, IMAGES, strict=True)]
    assert 0 < sum(turned) < len(IMAGES)
    assert torch.equal(torch.get_rng_state(), before)
    generator = seeded()
    first, second = (transformed(IMAGES, built(PLAIN), generator) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(transformed(IMAGES, built(PLAIN), seeded()), first)


def test_transforms_replace_the_default_shift_and_come_before_the_own_views() -> None:
    data = make_task("classification", {}).load(CPU)
    assert (Views().augmentation(data).shift, Views(transforms=PLAIN).augmentation(data).shift) == (1, 0)
    both = Views(transforms=PLAIN, cutout=2).augmentation(data)
    assert both.transform is built(described(PLAIN))
    assert both.cutout == 2
    assert Views(transforms=PLAIN, augment=False).augmentation(data).transform is None


@pytest.mark.parametrize(
    ("transforms", "message"),
    [
        (["RandomHorizontalFlp"], "'RandomHorizontalFlp'; did you mean 'RandomHorizontalFlip'"),
        ([{"name": "ColorJitter", "brightnes": 0.2}], "takes no setting 'brightnes'; did you mean 'brightness'"),
        ([{"name": "RandomRotation"}], "RandomRotation needs the setting 'degrees'"),
        ([{"name": "ColorJitter", "brightness": -1}], "ColorJitter refuses its arguments"),
        ([{"brightness": 1}], "a table with such a name and its arguments"),
        (["CutMix"], "it mixes the targets of two images"),
        ([{"name": "RandomApply", "transforms": ["Flip"]}], "transforms has 'Flip'"),
        ([{"name": "Resize", "size": 8, "interpolation": "cubic"}], "known: nearest, .*bicubic"),
        ("my augment:x", "write 'module:attribute'"),
        (3, "give a list of names"),
        (lambda image: image, "no other process could import"),
        ([v2.Lambda(darker)], "put all of them into a Compose of a module file"),
    ],
)
def test_unknown_and_impossible_transforms_are_refused_when_the_task_is_made(transforms: Any, message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        make_task("classification", {"transforms": transforms})


@pytest.mark.parametrize(
    ("transforms", "message"),
    [
        ([{"name": "ToDtype", "dtype": "float32", "scale": True}], "turn uint8 into float32 values; keep the type"),
        ([{"name": "Normalize", "mean": [0.5], "std": [0.5]}], "fail on an image of 1 x 8 x 8 uint8 values"),
        ([{"name": "RandomCrop", "size": 4}], "turn images of 1 x 8 x 8 into 1 x 4 x 4"),
        ("tests.trainables.data.test_transforms:gone", "cannot be imported"),
        ("tests.trainables.data.test_transforms:CPU", "a transform or a function of an image is needed"),
    ],
)
def test_what_does_not_fit_the_images_is_refused_before_the_first_trial(transforms: Any, message: str) -> None:
    task = make_task("classification", {"transforms": transforms})
    with pytest.raises(TrainableError, match=message):
        task.check()


def test_a_transform_that_returns_no_tensor_is_refused() -> None:
    with pytest.raises(TrainableError, match="return a str; an image is a tensor"):
        check_transforms(IMAGES, lambda image: "x")


def begun(**settings: Any) -> Learner:
    small = {"task": "classification", "data": "digits", "space": "nb201", "channels": 2, "cells": 1, "device": "cpu"}
    made = Learner(**{**small, "batch_size": 128, **settings})
    made.setup(CELL, seed=0, max_epochs=2)
    return made


@pytest.mark.slow
def test_a_training_that_continues_sees_the_images_of_one_that_was_not_stopped(tmp_path: Any) -> None:
    whole = begun(transforms=[{"name": "RandomRotation", "degrees": 20}])
    whole.step()
    whole.save(tmp_path)
    wanted = whole.step()
    again = begun(transforms=v2.RandomRotation(20))
    again.load(tmp_path)
    assert again.step() == wanted
    with pytest.raises(CheckpointError, match=r"views\.transforms"):
        begun().load(tmp_path)
    assert begun().step() != begun(transforms=["RandomInvert"]).step()


def test_transforms_of_images_with_numbers(tmp_path: Any) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(40 * 16, dtype=np.float32).reshape(40, 4, 4), y=np.arange(40) / 7)
    task = make_task("regression", {"data": str(path), "transforms": [{"name": "GaussianNoise", "clip": False}]})
    task.check()
    data = task.load(CPU)
    images, targets = data.train.rows(torch.arange(5))
    changed, same = task.augment(images, targets, data, seeded())
    assert changed.shape == images.shape
    assert not torch.equal(changed, images)
    assert same is targets


def test_a_full_recipe_keeps_the_chosen_transforms_and_adds_no_cutout() -> None:
    assert dict(make_task("classification", {"transforms": PLAIN}).full_recipe()) == {
        "whole": True,
        "label_smoothing": 0.1,
    }
