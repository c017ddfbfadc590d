"""Networks of `chain3d`, and the classification of volumes that they learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import search_spaces
from search_spaces.errors import ArchitectureError, SpaceError
from trainables.data.augment import Augmentation
from trainables.errors import TrainableError
from trainables.networks import build
from trainables.networks.chain3d import Gate
from trainables.networks.nb201 import Pool
from trainables.supernet import discretize, relax
from trainables.tasks.learner import Learner

CPU = torch.device("cpu")


def test_every_member_classifies_volumes_of_any_size() -> None:
    space = search_spaces.get("chain3d", channels=(8, 16))
    for seed in range(6):
        network = build("chain3d", space.sample(seed), num_classes=4, in_channels=2, image_size=(9, 6, 7))
        assert network(torch.randn(2, 2, 9, 6, 7)).shape == (2, 4)
        assert network(torch.randn(2, 2, 5, 8, 6)).shape == (2, 4)
        assert len(space.graphs(space.sample(seed))[0].vertices) == len(space.sample(seed).tree["layers"]) + 2
    large = build("chain3d", space.sample(0), num_classes=2, in_channels=1, image_size=(64, 60, 40))
    assert large(torch.randn(1, 1, 64, 60, 40)).shape == (1, 2)


def test_a_gate_keeps_the_size() -> None:
    value = torch.randn(2, 6, 3, 4, 5)
    ratio = Gate(6)(value) / value
    assert ((ratio > 0) & (ratio < 1)).all()


@pytest.mark.slow
def test_volumes_are_classified_by_the_task_of_images(tmp_path: Path) -> None:
    classes = np.arange(40) % 2
    volumes = np.random.default_rng(0).integers(0, 90, (40, 1, 8, 8, 8))
    volumes[classes == 1, :, :4] += 90
    np.savez(tmp_path / "volumes.npz", x=volumes, y=classes)
    tree = {"layers": [{"op": {"pool": {"kind": "max"}}}, {"op": {"conv": {"kernel": 3, "channels": 16, "stride": 1}}}]}
    settings = {"data": str(tmp_path / "volumes.npz"), "batch_size": 8, "device": "cpu", "augment": False}
    learner = Learner(task="classification", space="chain3d", optimizer="adamw", lr=1e-2, **settings)
    assert "8 x 8 x 8 voxels" in learner.about()[0]
    learner.setup(search_spaces.get("chain3d").validate(tree), seed=0, max_epochs=4)
    reports = [learner.step() for _ in range(4)]
    assert reports[-1]["accuracy"] > 0.8
    assert learner.evaluate("test")["accuracy"] > 0.8
    with pytest.raises(TrainableError, match=r"volumes of three sides, and the networks of vgg take none; .*: chain3d"):
        Learner(task="classification", space="vgg", **settings).cost(search_spaces.get("vgg").sample(0))
    with pytest.raises(TrainableError, match=r"images of two sides, and the networks of chain3d take none"):
        build("chain3d", tree, image_size=(8, 8))


def test_cells_of_nb201_are_those_of_volumes_where_inputs_have_three_sides() -> None:
    space = search_spaces.get("nb201")
    cell = "|avg_pool_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
    sides = {"num_classes": 2, "in_channels": 1, "image_size": (7, 6, 5), "channels": 4, "cells": 1}
    network = build("nb201", space.from_string(cell), **sides)
    assert network(torch.randn(2, 1, 7, 6, 5)).shape == (2, 2)
    pool = Pool(3)(torch.ones(1, 2, 2, 3, 2))
    assert torch.allclose(pool, torch.ones_like(pool)), "only what lies inside counts"
    volume = torch.randn(1, 2, 5, 4, 3)
    assert torch.allclose(Pool(3)(volume), torch.nn.functional.avg_pool3d(volume, 3, 1, 1, count_include_pad=False))
    supernet = relax(build("nb201", None, **sides), method="darts", space=space)
    supernet(torch.randn(2, 1, 7, 6, 5)).sum().backward()
    assert space.validate(discretize(supernet).tree) is not None


def test_views_of_volumes_move_flip_and_cut_them() -> None:
    volumes = torch.rand(3, 1, 6, 5, 4) + 1
    moved = Augmentation(shift=1)(volumes, torch.Generator().manual_seed(0))
    assert moved.shape == volumes.shape
    assert not torch.equal(moved, volumes)
    flipped = Augmentation(flip=True)(volumes, torch.Generator().manual_seed(0))
    assert any(torch.equal(one, other.flip(-1)) for one, other in zip(flipped, volumes, strict=True))
    cut = Augmentation(cutout=2)(volumes, torch.Generator().manual_seed(0))
    assert ((cut == 0).flatten(1).sum(1) <= 8).all()
    assert (cut == 0).any()


def test_what_cannot_be_is_refused() -> None:
    for settings, said in (({"kernels": (2,)}, "2 is even"), ({"pools": ("sum",)}, "'sum' is unknown")):
        with pytest.raises(SpaceError, match=said):
            search_spaces.get("chain3d", **settings)
    with pytest.raises(ArchitectureError, match=r"layers.0.op"):
        build("chain3d", {"layers": [{"op": {"twist": {}}}]}, image_size=(8, 8, 8))
