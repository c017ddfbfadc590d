"""The network as a program of `torch.export`, which needs neither this project nor the network's own code.

`torch.export.load` falls back to pickle for what it does not know, so never load such a file of a stranger. Here it is
written, and loaded once by the check that follows.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

__all__ = ["PROGRAM", "write_program"]

PROGRAM = "program.pt2"


def write_program(network: nn.Module, inputs: Tensor, path: Path) -> None:
    """Export `network`, which is in evaluation mode, for any batch size."""
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch's own deprecations
        program = torch.export.export(network, (inputs,), dynamic_shapes=({0: batch},), strict=False)
        torch.export.save(program, path)
