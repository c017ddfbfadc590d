"""Random numbers for all decisions of a step, drawn by one call."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["gumbel", "gumbel_like"]


def gumbel(alphas: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Draw independent standard Gumbel numbers for all decisions.

    Args:
        alphas: vectors (options,), by decision, all on one device.
        generator: on the same device.

    Returns:
        Noise in the shapes of the vectors, by decision.
    """
    if not alphas:
        return {}
    first = next(iter(alphas.values()))
    sizes = [len(alpha) for alpha in alphas.values()]
    noise = gumbel_like(first.new_empty(sum(sizes)), generator)
    return dict(zip(alphas, torch.split(noise, sizes), strict=True))


def gumbel_like(values: Tensor, generator: torch.Generator) -> Tensor:
    """Draw independent standard Gumbel numbers.

    Args:
        values: gives the shape, the dtype and the device.
        generator: on the same device.

    Returns:
        Noise in the shape of `values`.
    """
    exponential = torch.empty_like(values).exponential_(generator=generator)
    return -exponential.clamp_min(torch.finfo(values.dtype).tiny).log()
