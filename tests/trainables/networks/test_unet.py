"""U-Nets: every member can be built and gives each position a class, whatever the size of the input."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

import search_spaces
from search_spaces.catalogue.unet import JOINS, OPERATIONS
from search_spaces.errors import ArchitectureError, SpaceError
from trainables.costs.cost import CostMeter, cost_of
from trainables.errors import TrainableError
from trainables.networks import build
from trainables.networks.unet import AttentionGate, operation
from trainables.training.batches import laid_out
from trainables.training.devices import placed

STAGE = {"op": "conv_3x3x3", "blocks": 2, "connection": "plain"}
LEVEL = {**STAGE, "up_op": "conv_3x3x3", "join": "concat"}


def tree(count: int = 2, **others: Any) -> dict[str, Any]:
    plain = {"stem_stride": 2, "width": 12, "norm": "instance", "pool": "max_2x2x2", "deep_supervision": False}
    return {**plain, "levels": [LEVEL] * count, "bottom": STAGE, **others}


def built(of: dict[str, Any]) -> nn.Module:
    return build("unet3d", of, num_classes=3, in_channels=1, image_size=(12, 10, 9))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unet2d", "unet3d"])
def test_every_member_gives_each_position_a_class(name: str) -> None:
    space = search_spaces.get(name, widths=(8, 8), blocks=(1, 2))
    sides = (9, 14) if name == "unet2d" else (9, 6, 7)
    meter, seen = CostMeter(), set()
    for seed in range(4):
        member = space.sample(seed)
        network = build(name, member, num_classes=3, in_channels=2, image_size=sides).train()
        outputs = network(torch.randn(2, 2, *sides))
        count = len(member.tree["levels"])
        if member.tree["deep_supervision"]:
            assert len(outputs) == 1 + count
            assert all(one.shape[:2] == (2, 3) for one in outputs)
            outputs = outputs[0]
        assert outputs.shape == (2, 3, *sides)
        assert network.eval()(torch.randn(1, 2, *sides)).shape == (1, 3, *sides)
        example = torch.randn(1, 2, *sides)
        again = partial(build, name, member, num_classes=3, in_channels=2, image_size=sides)
        assert meter.cost_of(again, example) == cost_of(network, example)
        seen.add(member.tree["bottom"]["op"])
    assert len(seen) > 1


def test_gradients_reach_every_weight() -> None:
    for join in JOINS:
        member = tree(1, levels=[{**LEVEL, "join": join}], deep_supervision=True, stem_stride=1)
        network = built(member).train()
        sum(one.square().sum() for one in network(torch.randn(2, 1, 8, 8, 8))).backward()
        assert all(weight.grad is not None for weight in network.parameters())


def test_volumes_are_laid_out_channels_last_and_compute_the_same() -> None:
    network, volumes = built(tree()).eval(), torch.randn(2, 1, 12, 10, 9)
    plain = network(volumes)
    moved = placed(network, torch.device("cpu"))
    laid = laid_out(volumes.repeat(1, 1, 1, 1, 1), torch.channels_last)
    assert laid.is_contiguous(memory_format=torch.channels_last_3d)
    assert any(one.is_contiguous(memory_format=torch.channels_last_3d) for one in moved.parameters() if one.dim() == 5)
    assert torch.allclose(moved(laid), plain, atol=1e-5)


def test_operations_see_what_their_names_say() -> None:
    volume = torch.zeros(1, 1, 9, 9, 9)
    volume[..., 4, 4, 4] = 1
    reach = {}
    for name in OPERATIONS[3]:
        made = operation(name, 3, 1, 1)
        for weight in made.parameters():
            nn.init.ones_(weight)
        reach[name] = int((made(volume) != 0).sum())
    assert reach == {**dict.fromkeys(OPERATIONS[3], 27), "conv_5x5x5": 125, "multi_scale_fusion": 125}
    weights = {name: sum(one.numel() for one in operation(name, 3, 4, 4).parameters()) for name in OPERATIONS[3]}
    assert weights["conv_3x3x1"] == weights["conv_1x3x3"] == 16 * (9 + 3)
    assert weights["separable_3x3x3"] == 4 * 27 + 16


def test_a_gate_weighs_positions() -> None:
    kept = torch.randn(2, 8, 3, 4, 5)
    found = AttentionGate(3, 8)(kept, torch.randn(2, 8, 3, 4, 5))
    ratio = (found / kept)[:, :1]
    assert torch.allclose(found, kept * ratio, atol=1e-6)
    assert ((ratio > 0) & (ratio < 1)).all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(
        TrainableError, match=r"the data are images of two sides, 8 x 8, .*; take a space such as unet2d"
    ):
        build("unet3d", tree(), num_classes=3, in_channels=1, image_size=(8, 8))
    with pytest.raises(TrainableError, match=r"the data are volumes of three sides"):
        build("unet2d", search_spaces.get("unet2d").sample(0), num_classes=3, in_channels=1, image_size=(8, 8, 8))
    with pytest.raises(TrainableError, match=r"the data are volumes of three sides, and the networks of vit take none"):
        build("vit", search_spaces.get("vit").sample(0), image_size=(8, 8, 8))
    with pytest.raises(ArchitectureError, match=r"bottom.op"):
        built(tree(bottom={**STAGE, "op": "conv"}))
    for settings, said in (
        ({"stem_strides": (3,)}, "3 is not 1 or 2"),
        ({"levels": (1, 3)}, "whole numbers of at least 2"),
        ({"widths": (8, 10)}, "multiples of 4"),
        ({"joins": ("sum",)}, "'sum' is unknown"),
        ({"operations": ("conv_3x3",)}, "'conv_3x3' is unknown"),
        ({"deep_supervision": ()}, "give a list of true, false, or both"),
    ):
        with pytest.raises(SpaceError, match=said):
            search_spaces.get("unet3d", **settings)


def test_the_picture_has_a_way_down_and_a_way_up() -> None:
    graph = search_spaces.get("unet3d").graphs(tree(2, deep_supervision=True))[0]
    names = [vertex.name for vertex in graph.vertices]
    assert names == ["input", "stem", "levels.0", "levels.1", "bottom", "levels.1.up", "levels.0.up", "output"]
    joins = {(edge.source, edge.target): edge.label for edge in graph.edges}
    assert joins["levels.0", "levels.0.up"] == "concat"
    assert joins["levels.1", "bottom"] == "max_2x2x2"
    supervised = {vertex.name for vertex in graph.vertices if vertex.label.endswith(", supervised")}
    assert supervised == {"bottom", "levels.1.up"}, "all coarser levels, as the network has it"
    assert search_spaces.get("unet3d").size > 10**13
