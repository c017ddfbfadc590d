"""What finds boxes computes what it computed: networks, losses, and what is chosen, found and measured."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

import search_spaces
from search_spaces.catalogue.detector import BLOCKS, CONVOLUTIONS, HEADS, PYRAMIDS
from search_spaces.errors import NasTuneError
from tests.golden import agrees
from trainables.costs.cost import cost_of
from trainables.networks import build
from trainables.networks.detector.anchors import anchors_of, moved, points_of
from trainables.networks.detector.blocks import block
from trainables.networks.detector.heads import flat
from trainables.networks.detector.pyramid import Resized
from trainables.tasks.detection import Detection
from trainables.tasks.detection.assigning import by_anchors, by_points
from trainables.tasks.detection.average_precision import Boxes, average_precisions, overlaps
from trainables.tasks.detection.decoding import found_boxes
from trainables.tasks.detection.losses import detection_loss, learned_from
from trainables.tasks.detection.meter import BoxMeter, class_metrics
from trainables.tasks.detection.outputs import chances, check_outputs
from trainables.tasks.registry import make_task

SIZE = (40, 56)
DATA: dict[str, Any] = {"num_classes": 3, "in_channels": 3, "image_size": SIZE}
TOWERS: dict[str, Any] = {"depth": 1, "convolution": "separable_3x3", "shared": True}
ANCHORS: dict[str, Any] = {"scales": 2, "ratios": 3, "size": 2}
HEAD: dict[str, Any] = {
    "anchor_free": {"centerness": True, "towers": TOWERS},
    "anchors": {**ANCHORS, "towers": {**TOWERS, "shared": False}},
    "two_stage": {**ANCHORS, "roi": "align", "roi_size": 3, "features": 16},
}
CELLS = [
    {"first": 7, "second": 0, "level": 1, "op": "sum"},
    {"first": 0, "second": 2, "level": 2, "op": "global_attention"},
    {"first": 3, "second": 1, "level": 0, "op": "sum"},
]
MERGING: dict[str, Any] = {"none": {}, "fpn": {}, "pan": {}, "nas_fpn": {"cells": CELLS}}


def tree(
    kind: str = "res_3x3", pyramid: str = "fpn", head: str = "anchor_free", stages: int = 3, **inside: Any
) -> dict[str, Any]:
    return {
        "backbone": {"stem": 4, "stages": [{"blocks": 2, "width": 8, "block": kind}] * stages},
        "pyramid": {"width": 16, "merging": {pyramid: MERGING[pyramid]}},
        "head": {head: {**HEAD[head], **inside}},
    }


def tried(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except NasTuneError as error:
        return f"{type(error).__name__}: {error}"


def told(values: Tensor, most: int = 6) -> list[Any]:
    """The shape, the first few numbers, and the sums of all, by place and without."""
    numbers = values.detach().double().flatten()
    by_place = numbers * torch.linspace(1, 2, max(1, len(numbers)), dtype=torch.float64)[: len(numbers)]
    sums = [round(float(numbers.sum()), 3), round(float(by_place.sum()), 3)]
    return [str(list(values.shape)), [round(one, 4) for one in numbers[:most].tolist()], *sums]


def whole(made: Mapping[str, Any]) -> dict[str, Any]:
    """What a network computes, after a batch of training, and how many tensors and numbers it has."""
    torch.manual_seed(0)
    network = build("detector", dict(made), **DATA)
    images = torch.rand((2, *(DATA["in_channels"], *SIZE)), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        network.train()(images)
        outputs = network.eval()(images)
    shapes = [tuple(one.shape) for one in network.state_dict().values()]
    return {
        "outputs": {name: told(value) for name, value in sorted(outputs.items())},
        "tensors": [len(shapes), sum(int(np.prod(shape)) for shape in shapes)],
    }


NETWORKS: dict[str, dict[str, Any]] = {
    **{f"block {kind}": tree(kind, stages=2) for kind in BLOCKS},
    **{f"pyramid {name}": tree(pyramid=name) for name in PYRAMIDS},
    **{f"head {name}": tree(head=name) for name in HEADS},
    **{f"convolution {name}": tree(towers={**TOWERS, "convolution": name}) for name in CONVOLUTIONS},
    "one stage": tree(stages=1),
    "no tower": tree(towers={**TOWERS, "depth": 0}),
    "deep towers of their own": tree(towers={**TOWERS, "depth": 2, "shared": False}),
    "no centerness": tree(centerness=False),
    "squares": tree(head="anchors", scales=1, ratios=1, size=3),
    "pool": tree(head="two_stage", roi="pool"),
    "shared towers of anchors": tree(head="anchors", towers=TOWERS),
}


def test_detectors_compute_what_they_computed() -> None:
    found = {name: whole(made) for name, made in NETWORKS.items()}
    for name, one in found.items():
        if "two_stage" in NETWORKS[name]["head"]:  # which regions are kept turns on what a processor may round
            chosen = {of: one["outputs"][of][0] for of in ("proposals", "scores", "boxes", "refinements")}
            one["outputs"] |= chosen
    agrees("detectors", found, tolerance=1e-2)


def changed(where: str, value: Any, of: dict[str, Any] | None = None) -> dict[str, Any]:
    made = copy.deepcopy(tree() if of is None else of)
    inner: Any = made
    *path, last = where.split(".")
    for key in path:
        inner = inner[int(key) if key.isdecimal() else key]
    inner[int(last) if last.isdecimal() else last] = value
    return made


BROKEN: dict[str, list[Any]] = {
    "backbone": [None, {}],
    "backbone.stem": [0, 1.5, True],
    "backbone.stages": [[], None, [{"blocks": 1, "width": 8, "block": "res_3x3"}] * 4],
    "backbone.stages.1": [3, {"blocks": 1, "width": 9, "block": "res_3x3"}, {"blocks": 0, "width": 8, "block": "x"}],
    "backbone.stages.0.block": ["x", None],
    "pyramid": [None, {"width": 0}],
    "pyramid.merging": [None, {}, {"fpn": {}, "pan": {}}, {"x": {}}, {"fpn": 3}, {"nas_fpn": {}}],
    "head": [None, {}, {"x": {}}, {"anchors": None}, {"anchor_free": {}}, {"two_stage": {}}, {"anchors": {**ANCHORS}}],
    "head.anchor_free.centerness": [1, None],
    "head.anchor_free.towers": [None, {}],
    "head.anchor_free.towers.depth": [-1, True, 1.5, 0],
    "head.anchor_free.towers.convolution": ["x", None],
    "head.anchor_free.towers.shared": ["x", 0],
}
FURTHER: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "pyramid.merging.nas_fpn.cells": (
        tree(pyramid="nas_fpn"),
        [[], None, [3], [{"first": 0, "second": 0, "level": 0}]],
    ),
    "pyramid.merging.nas_fpn.cells.0.first": (tree(pyramid="nas_fpn"), [-1, True, 0.5, 0, 99]),
    "pyramid.merging.nas_fpn.cells.0.level": (tree(pyramid="nas_fpn"), [-1, 3, None]),
    "pyramid.merging.nas_fpn.cells.0.op": (tree(pyramid="nas_fpn"), ["x", None]),
    "head.anchors.ratios": (tree(head="anchors"), [2, True, None]),
    "head.anchors.scales": (tree(head="anchors"), [0, 1.5]),
    "head.anchors.size": (tree(head="anchors"), [0, None]),
    "head.two_stage.roi": (tree(head="two_stage"), ["x", None]),
    "head.two_stage.roi_size": (tree(head="two_stage"), [0, True]),
    "head.two_stage.features": (tree(head="two_stage"), [0, None]),
}


def made_of(broken: Mapping[str, Any]) -> str:
    return f"{sum(one.numel() for one in build('detector', dict(broken), **DATA).parameters())} parameters"


def test_costs_are_what_they_were() -> None:
    found = {}
    for head in HEADS:
        cost = cost_of(build("detector", tree(head=head), **DATA), torch.zeros((1, 3, *SIZE)))
        found[head] = [cost.macs, cost.parameters]
    agrees("detector-costs", found)


def test_trees_are_refused_as_they_were() -> None:
    cases = {where: (tree(), values) for where, values in BROKEN.items()} | FURTHER
    found = {}
    for where, (of, values) in cases.items():
        for value in values:
            found[f"{where}={value!r}"] = tried(lambda w=where, v=value, o=of: made_of(changed(w, v, o)))
    agrees("detector-trees", found)


BACKBONES: dict[str, tuple[str, dict[str, Any]]] = {
    "nb201": ("nb201", {"channels": 2, "cells": 1}),
    "nb201 of more": ("nb201", {"channels": 4, "cells": 2}),
    "chain": ("chain", {"width": 0.25, "channels": 8}),
}


def test_backbones_of_other_spaces_are_what_they_were() -> None:
    found = {}
    for name, (of, settings) in BACKBONES.items():
        space = search_spaces.get("detector", backbone=of, heads=["anchor_free"])
        network: Any = build(space, space.sample(0), **DATA, **settings)
        features = network.backbone(torch.zeros((1, 3, *SIZE)))
        tensors = [len(one) for one in (network.backbone.state_dict(), network.state_dict())]
        found[name] = str([network.backbone.shapes, [list(one.shape) for one in features], tensors])
    agrees("detector-backbones", found)


def test_places_are_what_they_were() -> None:
    strides, sizes = (8, 16), ((5, 7), (3, 4))
    found: dict[str, Any] = {"points": told(points_of(strides, sizes), 60)}
    for size, scales, ratios in ((2, 1, 1), (3, 2, 1), (2, 1, 3), (1, 3, 3)):
        found[f"{size} {scales} {ratios}"] = told(
            anchors_of(strides, sizes, size=size, scales=scales, ratios=ratios), 40
        )
    deltas = torch.tensor([[0.0, 0, 0, 0], [0.5, -1, 1, -1], [0.1, 0.2, 9, 9], [-3, 3, 0.5, 0]])
    anchors = torch.tensor([[0.0, 0, 8, 4], [2, 2, 10, 6], [0, 0, 1, 1], [5, 5, 6, 9]])
    found["moved"] = [moved(deltas, anchors, weights).tolist() for weights in ((1.0, 1.0), (10.0, 5.0))]
    found["flat"] = flat(torch.arange(24.0).view(1, 6, 2, 2), 3).tolist()
    for size_ in ((3, 4), (6, 4), (3, 8), (2, 9), (1, 1), (6, 8)):
        found[f"resized {size_}"] = told(Resized(size_)(torch.arange(12.0).view(1, 1, 3, 4)), 60)
    for kind in BLOCKS:
        for inputs, outputs, stride in ((4, 4, 1), (4, 4, 2), (4, 6, 1)):
            torch.manual_seed(0)
            made = block(kind, inputs, outputs, stride).eval()
            found[f"{kind} {inputs} {outputs} {stride}"] = told(made(torch.linspace(0, 1, 4 * 30).view(1, 4, 5, 6)))
    agrees("detector-places", found, tolerance=1e-3)


# ------------------------------------------------------------------------------------------- the losses and the meter

BOXES = torch.tensor(
    [
        [[0.0, 0, 40, 40], [10, 10, 30, 30], [12, 4, 20, 28], [0, 0, 0, 0]],
        [[0, 0, 8, 8], [30, 2, 55, 39], [0, 0, 0, 0], [0, 0, 0, 0]],
        [[0, 0, 0, 0]] * 4,
    ]
)
LABELS = torch.tensor([[0, 1, 2, -1], [2, 0, -1, -1], [-1, -1, -1, -1]])
TARGETS = {"boxes": BOXES, "labels": LABELS}
STRIDES, CELLS_OF = (8, 16, 32), ((5, 7), (3, 4), (2, 2))
POINTS = points_of(STRIDES, CELLS_OF)[0]
AROUND = anchors_of(STRIDES, CELLS_OF, size=2, scales=1, ratios=3)[0]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def outputs_of(kind: str, count: int = 3) -> dict[str, Tensor]:
    """Outputs of a network of a kind, at random."""
    if kind in ("points", "quality"):
        places = len(POINTS)
        middles = POINTS[:, :2] + random(count, places, 2, seed=1)
        sides = POINTS[:, 2:] * random(count, places, 4, seed=2).abs()
        found = {
            "scores": random(count, places, 3),
            "boxes": torch.cat((middles - sides[..., :2], middles + sides[..., 2:]), 2),
            "points": POINTS.expand(count, -1, -1),
        }
        return found if kind == "points" else {**found, "quality": random(count, places, seed=3)}
    places = len(AROUND)
    anchors, deltas = AROUND.expand(count, -1, -1), random(count, places, 4, seed=1) / 4
    found = {"scores": random(count, places, 3), "anchors": anchors, "deltas": deltas}
    if kind == "anchors":
        return {**found, "boxes": moved(deltas, anchors, (1.0, 1.0))}
    proposals = torch.cat((BOXES + 1.0, AROUND[None, :5].expand(3, -1, -1), torch.zeros(3, 2, 4)), 1)[:count]
    refinements = random(count, proposals.shape[1], 4, seed=4)
    return {
        "anchors": anchors,
        "deltas": deltas,
        "objectness": random(count, places, seed=5),
        "proposals": proposals,
        "refinements": refinements,
        "scores": random(count, proposals.shape[1], 4, seed=6),
        "boxes": moved(refinements, proposals, (10.0, 5.0)),
    }


KINDS = ("points", "quality", "anchors", "stages")


def test_losses_are_what_they_were() -> None:
    found = {}
    empty = {"boxes": torch.zeros_like(BOXES), "labels": torch.full_like(LABELS, -1)}
    for kind in KINDS:
        outputs, other = outputs_of(kind), outputs_of(kind)
        other = {**other, "scores": random(*other["scores"].shape, seed=9), "boxes": other["boxes"] + 1.5}
        alone = []
        for row in range(3):
            one = {name: value[row : row + 1] for name, value in outputs.items()}
            alone.append(float(detection_loss(one, {name: value[row : row + 1] for name, value in TARGETS.items()})))
        found[kind] = {
            "loss": float(detection_loss(outputs, TARGETS)),
            "alone": alone,
            "without boxes": float(detection_loss(outputs, empty)),
            "chances": told(chances(outputs)),
        }
        if kind != "stages":  # whose regions are its own
            found[kind] |= {
                "learned": float(learned_from(outputs, other)),
                "from itself": float(learned_from(outputs, outputs)),
            }
    agrees("detection-losses", found, tolerance=1e-5)


EDGES = torch.tensor([[20.0, 20, 8], [20, 20, 16], [20, 20, 32], [32, 20, 8], [32.5, 20, 8], [40, 20, 8], [0, 0, 8]])
SQUARES = {
    f"of {side}": [20 - side / 2, 20 - side / 2, 20 + side / 2, 20 + side / 2] for side in (16, 64, 126, 128, 130, 300)
}


def test_boxes_are_chosen_as_they_were() -> None:
    found: dict[str, Any] = {"points": by_points(POINTS, BOXES, LABELS).tolist()}
    for name, box in SQUARES.items():
        found[f"points, {name}"] = by_points(EDGES, torch.tensor([[box]]), torch.tensor([[1]])).tolist()
    ties = torch.tensor([[[0.0, 0, 40, 40], [0, 0, 40, 40]]])
    found["ties"] = by_points(EDGES, ties, torch.tensor([[0, 1]])).tolist()
    for image in range(3):
        for high, low in ((0.7, 0.3), (0.5, 0.4)):
            for best in (True, False):
                chosen = by_anchors(AROUND, BOXES[image], LABELS[image], high, low, best=best)
                found[f"anchors, {image} {high} {low} {best}"] = str(chosen.tolist())
    anchors = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 4], [0, 0, 10, 7], [50, 50, 60, 60]])
    box = torch.tensor([[0.0, 0, 0, 0], [0, 0, 10, 10]])
    for high, low in ((0.5, 0.4), (0.5, 0.5), (0.7, 0.4)):
        chosen = by_anchors(anchors, box, torch.tensor([-1, 0]), high, low, best=False)
        found[f"at the edge, {high} {low}"] = chosen.tolist()
    agrees("detection-chosen", found)


def test_boxes_are_found_as_they_were() -> None:
    found: dict[str, Any] = {}
    for kind in KINDS:
        for least, overlap, most in ((0.05, 0.5, 100), (0.5, 0.9, 7), (0.7, 0.0, 100), (0.99, 0.5, 5)):
            some = found_boxes(outputs_of(kind), least=least, overlap=overlap, most=most, size=SIZE)
            found[f"{kind} {least} {overlap} {most}"] = [
                [told(one.boxes, 8), told(one.scores, 8), str(one.labels.tolist()[:40])] for one in some
            ]
    many = {"scores": random(1, 400, 1), "boxes": random(1, 400, 4, seed=1).abs() * 9, "points": torch.zeros(1, 400, 3)}
    many["boxes"][..., 2:] += many["boxes"][..., :2]
    found["many"] = [len(one.scores) for one in found_boxes(many, least=0.0, overlap=1.0, most=900, size=SIZE)]
    level = {"scores": torch.zeros(1, 2, 1), "boxes": torch.tensor([[[0.0, 0, 2, 2], [3, 3, 3, 4]]])}
    for least in (0.5, 0.49):
        some = found_boxes(level, least=least, overlap=0.5, most=9, size=SIZE)
        found[f"at the edge, {least}"] = [one.boxes.tolist() for one in some]
    agrees("detection-found", found, tolerance=1e-4)


OUTPUTS: dict[str, Any] = {
    "points": {"scores": 1, "boxes": 1, "points": 1},
    "anchors": {"scores": 1, "boxes": 1, "anchors": 1, "deltas": 1},
    "half": {"scores": 1, "boxes": 1, "anchors": 1},
    "no scores": {"boxes": 1, "points": 1},
    "no boxes": {"scores": 1, "points": 1},
    "no places": {"scores": 1, "boxes": 1},
    "a tensor": torch.zeros(2),
    "nothing": None,
}


def test_outputs_are_refused_as_they_were() -> None:
    agrees("detection-outputs", {name: tried(lambda one=one: check_outputs(one)) for name, one in OUTPUTS.items()})


def boxes_of(count: int, images: int, classes: int, seed: int, *, scores: int = 0) -> Boxes:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 20, (count, 2), generator=generator).double()
    sides = torch.randint(4, 16, (count, 2), generator=generator).double()
    numbers = torch.randint(0, images, (count,), generator=generator)
    labels = torch.randint(0, classes, (count,), generator=generator)
    of = torch.randint(0, scores, (count,), generator=generator).double() / scores if scores else torch.zeros(count)
    return Boxes(numbers, labels, torch.cat((corners, corners + sides), 1), of)


def one_box(*corners: float, score: float = 1.0) -> Boxes:
    return Boxes(torch.tensor([0]), torch.tensor([0]), torch.tensor([corners]).double(), torch.tensor([score]))


def test_precisions_are_what_they_were() -> None:
    found: dict[str, Any] = {}
    for count, images, classes, scores in ((60, 3, 2, 9), (300, 2, 1, 50), (40, 9, 5, 3), (0, 3, 2, 1)):
        values = average_precisions(
            boxes_of(count, images, classes, 1, scores=scores), boxes_of(30, images, classes, 2), classes
        )
        found[f"{count} in {images} of {classes}"] = [[round(one, 8) for one in row] for row in values.tolist()]
    none = boxes_of(0, 1, 1, 1)
    found["none"] = str(average_precisions(boxes_of(5, 1, 1, 1, scores=2), none, 2).tolist())
    for right in (10, 5, 5.01, 4.99, 9.5, 9.49):
        found[f"width {right}"] = average_precisions(one_box(0, 0, right, 10), one_box(0, 0, 10, 10), 1)[:, 0].tolist()
    one = torch.tensor([[0.0, 0, 4, 4], [0, 0, 0, 0], [4, 0, 8, 4], [2, 2, 6, 6], [5, 5, 1, 1]])
    found["overlaps"] = overlaps(one, one).tolist()
    agrees("detection-precisions", found, tolerance=1e-7)


def test_meters_measure_what_they_measured() -> None:
    found: dict[str, Any] = {}
    names = ["ant", "A n-t!", "ant", "-", "bee", "Bee "]
    found["named"] = [[one.name, one.mode, one.low, one.high] for one in class_metrics(names)]
    every = ["map50", "map", "ap50_a", "ap50_b", "ap50_c", "loss"]
    for chosen in (every, ["map"], ["ap50_b", "map50"], ["loss"], []):
        meter = BoxMeter(
            ["a", "b", "c"], chosen, lambda outputs: found_boxes(outputs, least=0.05, overlap=0.5, most=100, size=SIZE)
        )
        found[f"{chosen} at first"] = meter.result()
        for kind in ("quality", "anchors"):
            meter.add(outputs_of(kind), TARGETS)
        near = torch.where(LABELS[..., None] == torch.arange(3), 2.0, -6.0)
        meter.add({"scores": near, "boxes": BOXES + 1.0, "points": BOXES[..., :3]}, TARGETS)
        found[str(chosen)] = meter.result()
    agrees("detection-measured", found, tolerance=1e-6)


def test_the_task_is_what_it_was() -> None:
    found: dict[str, Any] = {}
    for name in ("overlap", "least_score", "shown_score"):
        for value in (-0.1, 0, 1, 1.1, "x"):
            found[f"{name}={value}"] = str(tried(lambda name=name, value=value: Detection(**{name: value})))
    task: Any = make_task("detection", {"data": "shapes", "resize": [24, 40]})
    found |= {
        "identity": task.identity(),
        "fixed": sorted(task.fixed_settings),
        "metrics": [[one.name, one.mode, one.low, one.high] for one in task.metrics],
        "primary": task.primary,
        "recipes": [task.recipe(), task.full_recipe()],
        "about": task.about(),
        "checksum": task.checksum(),
        "restored": str(task.restored({"image_size": [24, 40]}, ["ant", "bee"], finished=True)),
    }
    data = task.load(torch.device("cpu"))
    exported = task.exported(data)
    found["exported"] = {**exported, "mean": told(torch.tensor(exported["mean"])), "std": len(exported["std"])}
    for name in ("nb201", "detector", "detnas", "mlp", "unet2d"):
        found[f"space {name}"] = tried(lambda name=name: task.check_space(search_spaces.get(name)))
    segmentation: Any = make_task("segmentation", {"data": "blobs2d"})
    for name in ("unet3d", "chain3d", "unet2d", "nb201"):
        found[f"{name} for segmentation"] = tried(lambda name=name: segmentation.check_space(search_spaces.get(name)))
    outputs = outputs_of("quality")
    found["decoded"] = [len(one) for one in task.decode(outputs, data)]
    found["first"] = str(task.decode(outputs, data)[0][0]["label"])
    meter = task.meter(data, ["loss", "map50"])
    meter.add(outputs, {"boxes": BOXES, "labels": LABELS})
    found["measured"] = meter.result()
    images, targets = data.train.rows(torch.arange(4))
    seen, there = task.augment(images, targets, data, torch.Generator().manual_seed(0))
    found["seen"] = [told(seen), told(there["boxes"])]
    located = task.located([[{"label": "a", "box": [0.0, 0, 24, 24]}]], np.zeros((1, 48, 48, 3)), images)
    found["located"] = located
    agrees("detection-task", found, tolerance=1e-4)
