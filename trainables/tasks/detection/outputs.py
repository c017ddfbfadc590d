"""What networks of the task `detection` return: a dict of tensors, whose names say how its loss is computed.

Every network returns `boxes` (n, p, 4), left, top, right and bottom in pixels, one for each place that it looks at, and
`scores`. Further tensors are those of one of three kinds:

- without anchors: `scores` (n, p, classes) are logits; `points` (n, p, 3) has x, y and the stride of each place. With
  `quality` (n, p), a logit, the network tells how near the middle of an object a place is.
- with anchors: `scores` likewise; `anchors` (n, p, 4), and `deltas` (n, p, 4), the boxes relative to them.
- in two stages: `objectness` (n, a), `anchors` (n, a, 4) and `deltas` (n, a, 4) of the first stage; `proposals`
  (n, p, 4), which it hands on; `scores` (n, p, classes + 1), the last of which means that there is nothing; and
  `refinements` (n, p, 4), the boxes relative to the proposals. A proposal without area is none.

Deltas are those of Faster R-CNN (Ren et al. 2015, 1506.01497): shifts of the middle by shares of width and height, and
logarithms of the ratios of width and height.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from trainables.errors import TrainableError

__all__ = ["Outputs", "chances", "check_outputs"]

Outputs = Mapping[str, Tensor]
_KINDS = ({"points"}, {"anchors", "deltas"})


def check_outputs(outputs: object) -> None:
    """Check that a network returned what the task reads.

    Args:
        outputs: what it returned.

    Raises:
        TrainableError: it is no dict, or lacks a tensor.
    """
    known = isinstance(outputs, Mapping) and {"scores", "boxes"} <= set(outputs)
    if known and any(kind <= set(outputs) for kind in _KINDS):  # type: ignore[call-overload]
        return
    given = ", ".join(map(str, outputs)) if isinstance(outputs, Mapping) else f"a {type(outputs).__name__}"
    raise TrainableError(
        f"the network returned {given}; for detection it returns a dict with boxes, scores and points, or with boxes, "
        "scores, anchors and deltas (trainables.tasks.detection.outputs): take the space detector, or return these"
    )


def chances(outputs: Outputs) -> Tensor:
    """Compute how sure the network is of each class at each place.

    Args:
        outputs: of a network.

    Returns:
        (n, p, classes), from 0 to 1. With `quality` it is the root of the product of both probabilities, as in FCOS
        (Tian et al. 2019, 1904.01355).
    """
    scores = outputs["scores"].float()
    if "proposals" in outputs:
        return scores.softmax(2)[:, :, :-1]
    if "quality" in outputs:
        return torch.sqrt(scores.sigmoid() * outputs["quality"].float().sigmoid()[:, :, None])
    return scores.sigmoid()
