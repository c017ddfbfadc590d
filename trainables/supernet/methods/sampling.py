"""Random numbers for all decisions of a step, drawn in one call each."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["gumbel", "gumbel_like"]


def gumbel(alphas: Mapping[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Independent standard Gumbel numbers in the shapes of `alphas`, on their device, which is the generator's."""
    if not alphas:
        return {}
    first = next(iter(alphas.values()))
    sizes = [len(alpha) for alpha in alphas.values()]
    noise = gumbel_like(first.new_empty(sum(sizes)), generator)
    return dict(zip(alphas, torch.split(noise, sizes), strict=True))


def gumbel_like(values: Tensor, generator: torch.Generator) -> Tensor:
    """Independent standard Gumbel numbers in the shape of `values`, on its device."""
    exponential = torch.empty_like(values).exponential_(generator=generator)
    return -exponential.clamp_min(torch.finfo(values.dtype).tiny).log()
