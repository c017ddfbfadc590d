"""Average precision of detected boxes, as the evaluation of COCO defines it (Lin et al. 2014, 1405.0312).

The boxes that are detected in an image are taken in the order of their scores, at most 100 for each class. Each is
matched to the box of its class that no better one has taken and that it overlaps most, if the overlap reaches a
threshold. The average precision of a class is the mean of its precision at 101 recalls, where the precision at a recall
is the best one at this or a greater recall.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

__all__ = ["MOST", "THRESHOLDS", "Boxes", "average_precisions", "overlaps"]

MOST = 100
"""The most boxes of an image and class that count."""
THRESHOLDS = torch.from_numpy(np.linspace(0.5, 0.95, 10))
"""The overlaps from which a box counts as found."""
_RECALLS = torch.from_numpy(np.linspace(0.0, 1.0, 101))
_AT_MOST = 1 - 1e-10
_SPACING = float(np.spacing(1.0))
_CELLS = 2_000_000
"""The most overlaps that are in memory at a time, where a group has fewer."""


@dataclass(frozen=True)
class Boxes:
    """Boxes of several images.

    Attributes:
        images: (k,), int64, the number of the image of each box.
        labels: (k,), int64, the number of its class.
        corners: (k, 4), x1, y1, x2, y2.
        scores: (k,), how sure a detected box is; empty for true boxes.
    """

    images: Tensor
    labels: Tensor
    corners: Tensor
    scores: Tensor


def overlaps(one: Tensor, other: Tensor) -> Tensor:
    """Compute the intersection over the union of boxes.

    Args:
        one: (..., n, 4), x1, y1, x2, y2.
        other: (..., m, 4).

    Returns:
        (..., n, m); 0 where both boxes have no area.
    """
    first, second = one.unsqueeze(-2), other.unsqueeze(-3)
    sides = torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])
    shared = sides.clamp(min=0).prod(-1)
    areas = (one[..., 2:] - one[..., :2]).prod(-1), (other[..., 2:] - other[..., :2]).prod(-1)
    whole = areas[0].unsqueeze(-1) + areas[1].unsqueeze(-2) - shared
    return torch.where(whole > 0, shared / whole.clamp(min=torch.finfo(whole.dtype).tiny), torch.zeros_like(whole))


def average_precisions(found: Boxes, true: Boxes, classes: int) -> Tensor:
    """Compute the average precision of each class at each of `THRESHOLDS`.

    Args:
        found: the detected boxes; the images count in the order of their numbers.
        true: the true boxes.
        classes: the number of classes.

    Returns:
        (10, classes), float64, from 0 to 1; NaN for a class that no image has.
    """
    precisions = torch.full((len(THRESHOLDS), classes), torch.nan, dtype=torch.float64)
    counts = torch.bincount(true.labels, minlength=classes)
    groups, labels, scores, corners = _ranked(found, classes)
    hits = _hits(groups, corners, true.images * classes + true.labels, true.corners.double())
    for label in (counts > 0).nonzero().flatten().tolist():
        mine = labels == label
        order = scores[mine].argsort(descending=True, stable=True)
        precisions[:, label] = _average(hits[mine][order].T, int(counts[label]))
    return precisions


def _ranked(found: Boxes, classes: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The groups, labels, scores and corners of the boxes by image, class and score, at most `MOST` for each group. A
    group has the boxes of one class in one image.
    """
    groups, scores = found.images * classes + found.labels, found.scores.double()
    order = scores.argsort(descending=True, stable=True)
    order = order[groups[order].argsort(stable=True)]
    kept = order[_places(groups[order]) < MOST]
    return groups[kept], found.labels[kept], scores[kept], found.corners[kept].double()


def _places(groups: Tensor) -> Tensor:
    """The place of each element in its group; the groups are sorted."""
    _, starts, counts = _runs(groups)
    return torch.arange(len(groups)) - starts.repeat_interleave(counts)


def _runs(groups: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The groups of sorted elements, where each begins, and the number of its elements."""
    names, counts = torch.unique_consecutive(groups, return_counts=True)
    return names, counts.cumsum(0) - counts, counts


def _hits(groups: Tensor, corners: Tensor, true_groups: Tensor, true_corners: Tensor) -> Tensor:
    """Whether each detected box is matched at each threshold, (k, 10). The groups are sorted, and in each the boxes by
    score.
    """
    hits = torch.zeros((len(groups), len(THRESHOLDS)), dtype=torch.bool)
    if not len(true_groups):
        return hits
    # Of equal overlaps the last box counts in COCO, and the first one for torch.
    order = true_groups.flip(0).argsort(stable=True)
    true_groups, true_corners = true_groups.flip(0)[order], true_corners.flip(0)[order]
    true_names, true_starts, true_counts = _runs(true_groups)
    names, starts, counts = _runs(groups)
    places = torch.searchsorted(true_names, names).clamp(max=len(true_names) - 1)
    left = (true_names[places] == names).nonzero().flatten()
    left = left[counts[left].argsort(descending=True, stable=True)]
    while len(left):
        # The groups of most boxes first: they have about as many, so that little is padded.
        size = max(1, _CELLS // int(counts[left[0]] * true_counts[places[left]].max()))
        some, left = left[:size], left[size:]
        rows, is_row = _padded(starts[some], counts[some])
        columns, is_column = _padded(true_starts[places[some]], true_counts[places[some]])
        shared = overlaps(corners[rows], true_corners[columns])
        matched = _matched(shared.masked_fill(~is_column[:, None], -1))
        hits[rows[is_row]] = matched[is_row]
    return hits


def _padded(starts: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """The numbers of the elements of some runs, (k, most), and which of them there are; the others are 0."""
    places = torch.arange(int(counts.max()))
    there = places < counts[:, None]
    return (starts[:, None] + places) * there, there


def _matched(shared: Tensor) -> Tensor:
    """Match boxes to true ones, in their order.

    Args:
        shared: (groups, boxes, true boxes), overlaps; below 0 where there is no true box.

    Returns:
        (groups, boxes, 10), whether each is matched at each threshold.
    """
    groups, boxes, true = shared.shape
    least = THRESHOLDS.clamp(max=_AT_MOST)
    is_free = torch.ones((groups, len(THRESHOLDS), true), dtype=torch.bool)
    found = []
    for box in range(boxes):
        best, place = shared[:, box, None].masked_fill(~is_free, -1).max(2)
        is_match = best >= least
        found.append(is_match)
        is_free.scatter_(2, place[:, :, None], (is_free.gather(2, place[:, :, None]) & ~is_match[:, :, None]))
    return torch.stack(found, 1)


def _average(hits: Tensor, count: int) -> Tensor:
    """The average precision at each threshold of boxes (10, k) in the order of their scores, `count` being there."""
    right = hits.double().cumsum(1)
    recalls = right / count
    precisions = right / (torch.arange(1, hits.shape[1] + 1) + _SPACING)
    best = precisions.flip(1).cummax(1).values.flip(1) if hits.shape[1] else precisions
    places = torch.searchsorted(recalls.contiguous(), _RECALLS.expand(len(hits), -1).contiguous())
    padded = torch.cat((best, torch.zeros((len(hits), 1), dtype=torch.float64)), 1)
    return padded.gather(1, places).mean(1)
