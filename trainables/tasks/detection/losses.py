"""The losses of networks that find boxes. Each is the mean over the images of a batch of a loss of the image alone.

So the loss of a batch does not depend on how it is divided among processes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from trainables.tasks.detection.assigning import BETWEEN, NOTHING, by_anchors, by_points
from trainables.tasks.detection.outputs import Outputs

__all__ = ["detection_loss", "learned_from"]

_ALPHA, _GAMMA = 0.25, 2.0
_BETA = 1 / 9
"""Where the smooth L1 loss turns from a square to a line."""
_FIRST, _SECOND = (1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)
"""The weights of deltas to anchors and to proposals, as in torchvision."""
_RPN, _HEAD, _ONE_STAGE = (0.7, 0.3), (0.5, 0.5), (0.5, 0.4)


def detection_loss(outputs: Outputs, targets: dict[str, Tensor]) -> Tensor:
    """Compute the loss of a batch.

    Args:
        outputs: of a network, see `trainables.tasks.detection.outputs`.
        targets: `boxes` (n, m, 4) in pixels and `labels` (n, m), -1 where there is no box.

    Returns:
        A scalar: the mean over the images. Without anchors it is the sum of a focal loss of the classes (Lin et al.
        2017, 1708.02002), of 1 - GIoU of the boxes (Rezatofighi et al. 2019, 1902.09630) and, where the network tells
        it, of the cross-entropy of centerness. With anchors the boxes have a smooth L1 loss.
    """
    if "points" in outputs:
        return _of_points(outputs, targets)
    losses = _of_stages(outputs, targets) if "proposals" in outputs else _of_anchors(outputs, targets)
    return torch.stack(losses).mean()


def _of_points(outputs: Outputs, targets: dict[str, Tensor]) -> Tensor:
    boxes, labels = targets["boxes"], targets["labels"]
    points = outputs["points"][0]
    chosen = by_points(points, boxes, labels)
    is_box = chosen != NOTHING
    at = chosen.clamp(min=0)
    wanted = boxes.gather(1, at[..., None].expand(-1, -1, 4))
    count = is_box.sum(1).clamp(min=1)
    whole = _focal(outputs["scores"], labels.gather(1, at), is_box) / count
    centred = _centerness(points, wanted).masked_fill(~is_box, 0)
    weights = centred.sum(1).clamp(min=1e-6)
    shapes = torch.zeros_like(centred)
    shapes[is_box] = generalized_box_iou_loss(outputs["boxes"].float()[is_box], wanted[is_box])
    whole = whole + (shapes * centred).sum(1) / weights
    if "quality" in outputs:
        quality = functional.binary_cross_entropy_with_logits(outputs["quality"].float(), centred, reduction="none")
        whole = whole + (quality * is_box).sum(1) / count
    return whole.mean()


def _focal(scores: Tensor, labels: Tensor, is_box: Tensor) -> Tensor:
    """The sum over the places of an image of the focal loss of all classes, (n,)."""
    wanted = functional.one_hot(labels.clamp(min=0), scores.shape[-1]) * is_box[..., None]
    each = sigmoid_focal_loss(scores.float(), wanted.float(), alpha=_ALPHA, gamma=_GAMMA)
    total: Tensor = each.sum((1, 2))
    return total


def _centerness(points: Tensor, boxes: Tensor) -> Tensor:
    """How near the middle of its box a place is, 1 in the middle and 0 at a side, (n, p)."""
    before, behind = points[:, :2] - boxes[..., :2], boxes[..., 2:] - points[:, :2]
    shares = torch.minimum(before, behind) / torch.maximum(before, behind).clamp(min=1e-6)
    return shares.clamp(min=0).prod(-1).sqrt()


def _of_anchors(outputs: Outputs, targets: dict[str, Tensor]) -> list[Tensor]:
    """The losses of the images of a network with anchors."""
    anchors = outputs["anchors"][0]
    losses = []
    for image in range(len(outputs["scores"])):
        boxes, labels = targets["boxes"][image], targets["labels"][image]
        chosen = by_anchors(anchors, boxes, labels, *_ONE_STAGE)
        counts = chosen != BETWEEN
        is_box = chosen >= 0
        at = chosen.clamp(min=0)
        scores = outputs["scores"][image][counts][None]
        classes = _focal(scores, labels[at][counts][None], is_box[counts][None])[0]
        shapes = _smooth(outputs["deltas"][image], anchors, boxes[at], is_box, _FIRST)
        losses.append((classes + shapes) / is_box.sum().clamp(min=1))
    return losses


def _of_stages(outputs: Outputs, targets: dict[str, Tensor]) -> list[Tensor]:
    """The losses of the images of a network in two stages: those of its anchors, and those of its proposals."""
    anchors = outputs["anchors"][0]
    losses = []
    for image in range(len(outputs["scores"])):
        boxes, labels = targets["boxes"][image], targets["labels"][image]
        first = by_anchors(anchors, boxes, labels, *_RPN)
        whole = _evenly(outputs["objectness"][image].float(), first)
        is_box = first >= 0
        whole = whole + _smooth(
            outputs["deltas"][image], anchors, boxes[first.clamp(min=0)], is_box, _FIRST
        ) / is_box.sum().clamp(min=1)
        proposals = outputs["proposals"][image].detach()
        there = ((proposals[:, 2:] - proposals[:, :2]) > 0).all(1)
        second = by_anchors(proposals, boxes, labels, *_HEAD, best=False).masked_fill(~there, BETWEEN)
        whole = whole + _of_proposals(outputs, image, proposals, second, boxes, labels)
        losses.append(whole)
    return losses


def _of_proposals(
    outputs: Outputs, image: int, proposals: Tensor, chosen: Tensor, boxes: Tensor, labels: Tensor
) -> Tensor:
    """The loss of the second stage on an image."""
    scores = outputs["scores"][image].float()
    is_box, counts = chosen >= 0, chosen != BETWEEN
    wanted = torch.where(is_box, labels[chosen.clamp(min=0)], scores.shape[-1] - 1)
    each = functional.cross_entropy(scores, wanted, reduction="none")
    classes = (each * counts).sum() / counts.sum().clamp(min=1)
    shapes = _smooth(outputs["refinements"][image], proposals, boxes[chosen.clamp(min=0)], is_box, _SECOND)
    return classes + shapes / is_box.sum().clamp(min=1)


def _evenly(logits: Tensor, chosen: Tensor) -> Tensor:
    """The cross-entropy of there being a box, of which anchors with one and anchors with none have a half each."""
    each = functional.binary_cross_entropy_with_logits(logits, (chosen >= 0).float(), reduction="none")
    halves = [(each * some).sum() / some.sum().clamp(min=1) for some in (chosen >= 0, chosen == NOTHING)]
    return (halves[0] + halves[1]) / 2


def _smooth(deltas: Tensor, anchors: Tensor, boxes: Tensor, is_box: Tensor, weights: tuple[float, ...]) -> Tensor:
    """The sum over the anchors with a box of the smooth L1 loss of their deltas."""
    coder = BoxCoder(weights)
    wanted = coder.encode_single(boxes[is_box], anchors[is_box])
    loss: Tensor = functional.smooth_l1_loss(deltas[is_box].float(), wanted, beta=_BETA, reduction="sum")
    return loss


def learned_from(outputs: Outputs, teacher: Outputs) -> Tensor:
    """Compute the loss by which a network learns the outputs of another one.

    Args:
        outputs: of the network that learns.
        teacher: of the network that teaches, detached, with the same places; so none of two stages, whose regions are
            its own.

    Returns:
        The cross-entropy against the probabilities of the teacher, and 1 - GIoU of its boxes, weighted by how sure it
        is of them: a scalar.
    """
    scores, known = outputs["scores"].float(), teacher["scores"].float()
    sure = known.sigmoid()
    classes: Tensor = functional.binary_cross_entropy_with_logits(scores, sure)
    weights = sure.amax(2).flatten()
    shapes = generalized_box_iou_loss(outputs["boxes"].float().flatten(0, 1), teacher["boxes"].float().flatten(0, 1))
    whole: Tensor = classes + (shapes * weights).sum() / weights.sum().clamp(min=1e-6)
    return whole
