"""Regularizers: terms that a search adds to the loss of the architecture, for any method; functions of its vectors.

`beta` is beta-DARTS (Ye et al. 2022, arXiv 2203.01665): the mean over the vectors of the logarithm of the sum of
exponentials, which keeps softmax weights from diverging; in the paper its factor grows linearly from 0 to 50. `l2` is
half the sum of squares. `entropy` is the mean entropy of the softmaxes in nats: it drives each decision to one option.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["REGULARIZERS", "beta", "entropy", "l2"]


def beta(alphas: Sequence[Tensor]) -> Tensor:
    """Return the mean of `logsumexp` over the vectors.

    Args:
        alphas: the architecture parameters, one vector (options,) for each decision.

    Returns:
        A scalar.
    """
    return torch.stack([alpha.logsumexp(0) for alpha in alphas]).mean()


def l2(alphas: Sequence[Tensor]) -> Tensor:
    """Return half the sum of the squares.

    Args:
        alphas: the architecture parameters, one vector (options,) for each decision.

    Returns:
        A scalar.
    """
    return 0.5 * torch.cat([alpha.flatten() for alpha in alphas]).square().sum()


def entropy(alphas: Sequence[Tensor]) -> Tensor:
    """Return the mean entropy of the softmaxes.

    Args:
        alphas: the architecture parameters, one vector (options,) for each decision.

    Returns:
        A scalar in nats, from 0 to the logarithm of the number of options.
    """
    logs = [torch.log_softmax(alpha, 0) for alpha in alphas]
    return torch.stack([-(log.exp() * log).sum() for log in logs]).mean()


REGULARIZERS: dict[str, Callable[[Sequence[Tensor]], Tensor]] = {"beta": beta, "entropy": entropy, "l2": l2}
