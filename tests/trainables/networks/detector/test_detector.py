"""Detectors: every block, pyramid and head, backbones of other spaces, and the supernet of DetNAS."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import onnxruntime
import pytest
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork

import search_spaces
from search_spaces.catalogue import SPACES
from search_spaces.catalogue.detector import BLOCKS, HEADS, PYRAMIDS
from search_spaces.errors import ArchitectureError
from trainables.costs.cost import cost_of
from trainables.errors import TrainableError
from trainables.export import Deployed, export_network, source_code_of
from trainables.export.onnx import write_onnx
from trainables.export.program import uses_torchvision
from trainables.export.standalone import model_text
from trainables.networks import NETWORKS, build
from trainables.networks.detector.anchors import anchors_of, moved, points_of
from trainables.networks.detector.features import Features, backbones, check_backbone
from trainables.networks.detector.pyramid import Resized
from trainables.tasks.learner import Learner

DATA: dict[str, Any] = {"num_classes": 3, "in_channels": 3, "image_size": (40, 56)}
SIZES = ((5, 7), (3, 4), (2, 2))
TOWERS = {"depth": 1, "convolution": "separable_3x3", "shared": True}
ANCHORS = {"scales": 2, "ratios": 3, "size": 2}
HEAD: dict[str, dict[str, Any]] = {
    "anchor_free": {"centerness": True, "towers": TOWERS},
    "anchors": {**ANCHORS, "towers": {**TOWERS, "shared": False, "convolution": "conv_1x1"}},
    "two_stage": {**ANCHORS, "roi": "pool", "roi_size": 5, "features": 64},
}
CELLS = [
    {"first": 7, "second": 0, "level": 1, "op": "sum"},
    {"first": 0, "second": 2, "level": 2, "op": "global_attention"},
]
MERGING: dict[str, dict[str, Any]] = {"none": {}, "fpn": {}, "pan": {}, "nas_fpn": {"cells": [*CELLS, CELLS[0]]}}


def tree(block: str = "res_3x3", pyramid: str = "fpn", head: str = "anchor_free", stages: int = 3) -> dict[str, Any]:
    return {
        "backbone": {"stem": 8, "stages": [{"blocks": 2, "width": 16, "block": block}] * stages},
        "pyramid": {"width": 32, "merging": {pyramid: MERGING[pyramid]}},
        "head": {head: HEAD[head]},
    }


def outputs_of(made: dict[str, Any]) -> dict[str, torch.Tensor]:
    network = build("detector", search_spaces.get("detector").validate(made), **DATA)
    outputs: dict[str, torch.Tensor] = network(torch.randn(2, 3, 40, 56))
    sum(one.float().mean() for one in outputs.values()).backward()
    assert all(weight.grad is not None for weight in network.parameters())
    return outputs


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_reaches_the_strides_8_16_and_32(block: str) -> None:
    points = outputs_of(tree(block=block))["points"][0]
    assert [int((points[:, 2] == stride).sum()) for stride in (8, 16, 32)] == [math.prod(size) for size in SIZES]


@pytest.mark.parametrize("pyramid", PYRAMIDS)
def test_every_pyramid_gives_all_levels(pyramid: str) -> None:
    outputs = outputs_of(tree(pyramid=pyramid))
    assert outputs["scores"].shape == (2, 35 + 12 + 4, 3)
    assert outputs["boxes"].shape == (2, 51, 4)


@pytest.mark.parametrize("head", HEADS)
def test_every_head_says_what_the_task_reads(head: str) -> None:
    outputs = outputs_of(tree(head=head, stages=2))
    wanted = {
        "anchor_free": {"scores": (2, 47, 3), "boxes": (2, 47, 4), "points": (2, 47, 3), "quality": (2, 47)},
        "anchors": {
            name: (2, 282, count) for name, count in (("scores", 3), ("boxes", 4), ("deltas", 4), ("anchors", 4))
        },
        "two_stage": {
            **dict.fromkeys(("boxes", "proposals", "refinements"), (2, 100, 4)),
            **dict.fromkeys(("deltas", "anchors"), (2, 282, 4)),
            "scores": (2, 100, 4),
            "objectness": (2, 282),
        },
    }[head]
    assert {name: tuple(one.shape) for name, one in outputs.items()} == wanted


@pytest.mark.slow
def test_costs_are_counted_without_values() -> None:
    for head in HEADS:
        made = search_spaces.get("detector").validate(tree(head=head))
        cost = cost_of(build("detector", made, **DATA), torch.zeros(1, 3, 40, 56))
        assert cost.macs > 0
        assert cost.parameters == sum(one.numel() for one in build("detector", made, **DATA).parameters())


QUICK = ("chain", "nb201", "vgg")
"""Spaces whose networks are built in less than a second."""


@pytest.mark.parametrize("of", [pytest.param(of, marks=() if of in QUICK else pytest.mark.slow) for of in backbones()])
def test_networks_of_other_spaces_are_backbones(of: str) -> None:
    space = search_spaces.get("detector", backbone=of, heads=["anchor_free"], pyramids=["none"], max_depth=0)
    settings = NETWORKS.get(of).small
    for size in ((40, 56), (96, 64)) if of in QUICK else ((40, 56),):
        with torch.device("meta"):
            network = build(space, space.sample(size[0]), num_classes=3, in_channels=3, image_size=size, **settings)
        outputs = network.to("meta")(torch.empty((2, 3, *size), device="meta"))
        places = sum(-(-size[0] // stride) * -(-size[1] // stride) for stride in (8, 16, 32))
        assert outputs["boxes"].shape == (2, places, 4)
        assert not [name for name, _ in network.named_parameters() if "classifier" in name]


def test_a_network_without_strides_gets_them() -> None:
    layers = [{"op": "identity", "stride": 1, "connection": "series"}]
    features = Features("chain", {"layers": layers}, 3, (40, 56), {})
    assert features.shapes == [(features.shapes[0][0], *size) for size in ((5, 7), (3, 4), (2, 2))]
    assert [tuple(one.shape[1:]) for one in features(torch.zeros(2, 3, 40, 56))] == features.shapes


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ("vit", "vit is no backbone of a detector: its networks look at patches of one size; give one of amoebanet"),
        ("mlp", "mlp is no backbone of a detector: its networks take no images of two sides; give one of amoebanet"),
        ("chain3d", "chain3d is no backbone of a detector: its networks take no images of two sides"),
        ("unet2d", "unet2d is no backbone of a detector: its networks take no images of two sides"),
    ],
)
def test_networks_that_are_no_backbones_are_refused_before_the_first_trial(of: str, message: str) -> None:
    space = search_spaces.get("detector", backbone=of)
    with pytest.raises(TrainableError, match=message):
        Learner(task="detection", space=space)
    with pytest.raises(TrainableError, match=message):
        build(space, space.sample(0), **DATA)


def test_every_space_is_a_backbone_or_refused() -> None:
    for of in set(SPACES.built_in()) - {"detector", "detnas", *backbones()}:
        with pytest.raises(TrainableError, match="is no backbone of a detector"):
            check_backbone(of)


def test_settings_of_no_backbone_are_refused() -> None:
    with pytest.raises(TrainableError, match="channels is a setting of a backbone of another space"):
        build("detector", tree(), **DATA, channels=4)


def test_decisions_that_break_the_form_are_refused_by_their_path() -> None:
    broken = tree()
    broken["head"]["anchor_free"] = {"centerness": True, "towers": {"depth": -1}}
    with pytest.raises(ArchitectureError, match=r"head\.anchor_free\.towers\.depth"):
        build("detector", broken, **DATA)
    with pytest.raises(ArchitectureError, match=r"pyramid\.merging"):
        build("detector", {**tree(), "pyramid": {"width": 32, "merging": {"tower": {}}}}, **DATA)


def test_anchors_are_around_the_middles_of_cells() -> None:
    anchors = anchors_of((8, 16), ((5, 7), (3, 4)), size=2, scales=1, ratios=1)[0]
    points = points_of((8, 16), ((5, 7), (3, 4)))[0]
    assert ((anchors[:, :2] + anchors[:, 2:]) / 2 == points[:, :2]).all()
    assert (anchors[:, 2] - anchors[:, 0] == 2 * points[:, 2]).all()
    torch.testing.assert_close(moved(torch.zeros(len(anchors), 4), anchors, (1, 1)), anchors)


def test_the_supernet_of_detnas_has_the_members_of_its_space() -> None:
    choices = {"depths": [1, 1, 2, 1]}
    undecided = build("detnas", None, **DATA, scale=0.25, width=32, choices=choices)
    space = search_spaces.get("detnas", **choices)
    assert search_spaces.nn.space_of(undecided).size == space.size == 4**5
    member = space.sample(0)
    frozen = search_spaces.nn.freeze(undecided, member)
    alone = build("detnas", member, **DATA, scale=0.25, width=32)
    assert [tuple(one.shape) for one in frozen.parameters()] == [tuple(one.shape) for one in alone.parameters()]


@pytest.mark.slow  # torch's exporter takes seconds
@pytest.mark.parametrize("roi", ["align", "pool"])
def test_two_stages_are_exported_for_any_number_of_images(roi: str, tmp_path: Path) -> None:
    head = {"two_stage": {**ANCHORS, "roi": roi, "roi_size": 5, "features": 64}}
    torch.manual_seed(1)
    network = build("detector", {**tree(stages=2), "head": head}, **DATA).eval()
    images = torch.randn(3, 3, 40, 56)
    write_onnx(network, images[:2], tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for count in (1, 3):
        with torch.no_grad():
            wanted = network(images[:count])
        found = session.run(list(wanted), {"input": images[:count].numpy()})
        for name, values in zip(wanted, found, strict=True):
            torch.testing.assert_close(torch.from_numpy(values), wanted[name], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("size", "wanted"), [((15, 20), (8, 10)), ((13, 7), (4, 3)), ((8, 8), (4, 4)), ((5, 9), (5, 4))]
)
def test_files_resize_levels_as_the_network_does(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    level = torch.randn(2, 3, *size)
    program = torch.export.export(Resized(wanted), (level,), strict=False)
    assert not [node for node in program.graph.nodes if "adaptive" in str(node.target)]  # which ONNX has not
    assert torch.equal(program.module()(level), Resized(wanted)(level))


@pytest.mark.slow  # torch's exporter takes seconds
def test_levels_that_do_not_divide_each_other_are_exported(tmp_path: Path) -> None:
    network = build("detector", tree(pyramid="pan"), **{**DATA, "image_size": (72, 104)}).eval()
    images = torch.randn(2, 3, 72, 104)
    write_onnx(network, images, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    with torch.no_grad():
        wanted = network(images)
    for name, values in zip(wanted, session.run(list(wanted), {"input": images.numpy()}), strict=True):
        torch.testing.assert_close(torch.from_numpy(values), wanted[name], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("roi", ["align", pytest.param("pool", marks=pytest.mark.slow)])
def test_two_stages_are_written_as_source_that_needs_torchvision(roi: str) -> None:
    head = {"two_stage": {**ANCHORS, "roi": roi, "roi_size": 5, "features": 64}}
    torch.manual_seed(1)
    network = build("detector", {**tree(stages=2), "head": head}, **DATA).eval()
    images = torch.randn(4, 3, 40, 56)
    source = source_code_of(network, (images[:2], images[:3]))
    text = model_text(Deployed(network, images[:2], "detector", {}), source, [])
    assert "Needs torch and torchvision only:" in text
    assert f"torchvision.ops.roi_{roi}(" in text
    names: dict[str, Any] = {"__name__": "model", "__file__": "model.py"}
    exec(compile(text, "model.py", "exec"), names)
    made = eval(source.call, names)
    made.load_state_dict(network.state_dict())
    with torch.no_grad():
        wanted, found = network(images), made.eval()(images)
    assert list(wanted) == list(found)
    for name, one in wanted.items():
        torch.testing.assert_close(found[name], one)


@pytest.mark.slow  # torch's exporter and a fresh interpreter take seconds
def test_two_stages_are_a_program_that_a_fresh_interpreter_loads(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = build("detector", tree(head="two_stage", stages=2), **DATA).eval()
    deployed = Deployed(network, torch.randn(3, 3, 40, 56), "detector", {})
    found = export_network(deployed, tmp_path, ["py", "pt2"])
    assert [(one.format, one.problem) for one in found] == [("py", ""), ("pt2", "")]
    assert all(uses_torchvision(one.files[0]) for one in found)


def test_the_surest_regions_are_those_of_torchvision() -> None:
    torch.manual_seed(1)
    network = build("detector", tree(head="two_stage"), **DATA).eval()
    counts = {"training": 100, "testing": 100}
    anchors, head = cast("AnchorGenerator", torch.nn.Identity()), network.head.regions["head"]
    theirs = RegionProposalNetwork(anchors, head, *(0.7, 0.3, 256, 0.5), dict.fromkeys(counts, 400), counts, 0.7)
    with torch.no_grad():
        outputs = network(torch.randn(2, 3, 40, 56))
        boxes = moved(outputs["deltas"], outputs["anchors"], (1.0, 1.0))
        found, _ = theirs.filter_proposals(boxes, outputs["objectness"], [(40, 56)] * 2, network.head.counts)
    for one, other in zip(found, outputs["proposals"], strict=True):  # equal scores may change places
        torch.testing.assert_close(one.sum(1).sort().values, other.sum(1).sort().values[-len(one) :])
