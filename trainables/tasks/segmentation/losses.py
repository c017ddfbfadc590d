"""The loss of a segmentation: cross-entropy of all positions, and soft Dice of all classes but the background."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["resampled", "segmentation_loss", "soft_dice"]

_SMOOTH = 1.0
"""Added above and below each fraction, in positions: a class that is absent and not predicted has a Dice of one."""


def segmentation_loss(outputs: Tensor, targets: Tensor, dice_weight: float) -> Tensor:
    """Compute the mean cross-entropy in nats, plus `dice_weight` times one less the mean soft Dice.

    Args:
        outputs: (n, classes, ...), logits; those of a coarser level have shorter sides than the targets.
        targets: (n, ...), numbers of classes.
        dice_weight: the weight of the second part.

    Returns:
        A scalar.
    """
    wanted = resampled(targets, outputs.shape[2:]).long()
    logits = outputs.float()
    entropy = functional.cross_entropy(logits, wanted)
    if not dice_weight:
        return entropy
    return entropy + dice_weight * (1 - soft_dice(logits.softmax(1), wanted).mean())


def soft_dice(chances: Tensor, targets: Tensor) -> Tensor:
    """Compute the soft Dice of each class other than the background over the whole batch.

    It is twice the sum of the probabilities of a class at its positions, by the sum of all its probabilities and the
    number of its positions (Milletari et al. 2016, 1606.04797; over the batch as in Isensee et al. 2018, 1809.10486).

    Args:
        chances: (n, classes, ...), probabilities.
        targets: (n, ...), int64, numbers of classes.

    Returns:
        (classes - 1,).
    """
    count = chances.shape[1]
    found = []
    for label in range(1, count):
        where = (targets == label).to(chances.dtype)
        own = chances[:, label]
        both = (own * where).sum()
        found.append((2 * both + _SMOOTH) / (own.sum() + where.sum() + _SMOOTH))
    return torch.stack(found)


def resampled(targets: Tensor, sides: torch.Size) -> Tensor:
    """Take the nearest of each few positions, so that masks have the sides of outputs of a coarser level.

    Args:
        targets: (n, ...), numbers of classes.
        sides: the wanted sides.

    Returns:
        (n, *sides); the given masks where they have these sides.
    """
    if targets.shape[1:] == sides:
        return targets
    for axis, side in enumerate(sides, 1):
        length = targets.shape[axis]
        places = ((torch.arange(side, device=targets.device) + 0.5) * length / side).long().clamp(max=length - 1)
        targets = targets.index_select(axis, places)
    return targets
