"""Networks of `dints`: members, the undecided module of the same code, its supernet, and memory as a cost."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import search_spaces
from search_spaces.errors import ArchitectureError
from search_spaces.nn import freeze, space_of
from trainables.errors import TrainableError
from trainables.networks import build
from trainables.supernet import discretize, relax

SPACE = search_spaces.get("dints", layers=2, levels=3)
SIZES: dict[str, Any] = {"num_classes": 3, "in_channels": 1, "image_size": (12, 9, 8), "channels": 2}
CHOICES = {"layers": 2, "levels": 3}
SCANS = torch.randn(2, 1, 12, 9, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("stride", [1, 2])
def test_members_give_each_voxel_a_class_and_every_weight_learns(stride: int) -> None:
    for seed in range(4):
        network = build("dints", SPACE.sample(seed), **SIZES, stem_stride=stride)
        outputs = network(SCANS)
        assert outputs.shape == (2, 3, 12, 9, 8)
        outputs.square().mean().backward()
        assert all(weight.grad is not None for weight in network.parameters())


def test_the_undecided_network_is_the_space_and_freezes_to_its_members() -> None:
    undecided = build("dints", None, **SIZES, choices=CHOICES)
    assert space_of(undecided).to_spec()["tree"] == SPACE.to_spec()["tree"]
    few = build("dints", None, **SIZES, choices=CHOICES, operations=("conv_3x3x3",))
    assert space_of(few).size == (3 * 7 * 3) ** 2
    assert undecided(SCANS).shape == (2, 3, 12, 9, 8)
    for seed in range(3):
        member = SPACE.sample(seed)
        frozen, built = freeze(undecided, member).eval(), build("dints", member, **SIZES, affine=False).eval()
        kept = {name: weight for name, weight in frozen.state_dict().items() if name in built.state_dict()}
        built.load_state_dict(kept)
        assert torch.equal(built(SCANS), frozen(SCANS))


def test_a_supernet_learns_topology_and_operations_together() -> None:
    supernet = relax(build("dints", None, **SIZES, choices=CHOICES), method="darts", space=SPACE)
    supernet(SCANS).square().sum().backward()
    found = SPACE.validate(discretize(supernet).tree)
    assert build("dints", found, **SIZES)(SCANS).shape == (2, 3, 12, 9, 8)


def test_memory_is_a_cost_and_finer_levels_take_more() -> None:
    supernet = relax(
        build("dints", None, **SIZES, choices=CHOICES), "proxylessnas", costs="memory", example=SCANS, space=SPACE
    )
    table = supernet.method.table
    of_level = {}
    for level in range(3):
        names = [name for name in table if f"level_{level}" in name and len(table[name]) == 5]
        of_level[level] = max(max(table[name]) for name in names)
    assert of_level[0] > of_level[1] > of_level[2] > 0
    with pytest.raises(TrainableError, match="'latency', 'macs', 'memory', or a number for every option"):
        relax(build("dints", None, **SIZES, choices=CHOICES), "proxylessnas", costs="disk", example=SCANS, space=SPACE)


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({}, "layer_1, layer_2"),
        ({"layer_2": {}}, "layer_1, layer_2"),
        ({"layer_1": {"level_0": []}}, "layer_1"),
        ({"layer_1": {"level_0": [], "level_1": []}}, "layer_1.level_0"),
        ({"layer_1": {"level_0": [{"input_2": "conv_3x3x3"}], "level_1": []}}, "layer_1.level_0"),
        ({"layer_1": {"level_0": [{"input_0": "twist"}], "level_1": []}}, "layer_1.level_0.input_0"),
    ],
)
def test_what_breaks_the_form_is_refused_by_its_path(tree: Any, path: str) -> None:
    with pytest.raises(ArchitectureError, match=path):
        build("dints", tree, **SIZES)


def test_settings_that_cannot_be_are_refused() -> None:
    member = SPACE.sample(0)
    for settings, said in (
        ({"stem_stride": 3}, "give 1 or 2"),
        ({"image_size": (8, 8)}, "take inputs of 3 sides"),
        ({"choices": CHOICES}, "choices are for an undecided network"),
        ({"channels": 0}, "channels"),
    ):
        with pytest.raises(TrainableError, match=said):
            build("dints", member, **{**SIZES, **settings})
