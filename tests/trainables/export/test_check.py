"""What an exported file may differ by: a part of the outputs, or what rounding explains."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from trainables.errors import NotTheSameError
from trainables.export.check import compared, compared_here, random_batches


class Cancelling(nn.Module):
    """Loses digits as a deep network does: what is left is a ten-thousandth of what was added."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, x: Tensor) -> Tensor:
        return ((x + 1e4) - 1e4) * self.scale


class Exact(Cancelling):
    """Loses none."""

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Single(Cancelling):
    """Knows float32 only."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) @ torch.eye(3)


def found(network: nn.Module, off: float, kind: str, monkeypatch: pytest.MonkeyPatch) -> float:
    """What is said of a file that computes without rounding, but for a part `off` of the greatest output."""
    batches = random_batches(torch.zeros(3, 3))
    exact = {name: x * network.scale.detach() for name, x in batches.items()}
    greatest = max(float(one.abs().max()) for one in exact.values())
    outputs = {f"{name}/output": one + off * greatest for name, one in exact.items()}
    monkeypatch.setattr("trainables.export.check._outputs", lambda *_: outputs)
    return compared(network, kind, Path(), batches)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_rounding_is_no_difference_whatever_the_scale_of_the_outputs(
    scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    difference = found(Cancelling(scale), 0.0, "py", monkeypatch)
    assert 1e-4 * scale < difference < 1e-3 * scale, "more than the tolerance allows, and explained"
    with pytest.raises(NotTheSameError, match="outputs differ by"):
        found(Cancelling(scale), 0.02, "onnx", monkeypatch)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_small_outputs_are_held_to_a_small_difference(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(Exact(scale), 5e-5, "onnx", monkeypatch) > 0
    with pytest.raises(NotTheSameError):
        found(Exact(scale), 5e-4, "onnx", monkeypatch)


def test_a_network_of_float32_alone_is_held_to_the_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotTheSameError):
        found(Single(1.0), 0.0, "py", monkeypatch)


@pytest.mark.parametrize("kind", ["py", "onnx"])
def test_outputs_of_zeros_are_the_same_as_zeros(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(Exact(0.0), 0.0, kind, monkeypatch) == 0


class Counting(nn.Module):
    """Gives whole numbers."""

    def __init__(self, off: int = 0, kind: torch.dtype = torch.int64) -> None:
        super().__init__()
        self.off, self.kind = off, kind

    def forward(self, x: Tensor) -> Tensor:
        return (x.sum(1) * 10).round().to(self.kind) + self.off


@pytest.mark.parametrize("kind", [torch.uint8, torch.int64])
def test_whole_numbers_are_compared_as_numbers_are(kind: torch.dtype) -> None:
    batches = {"one": torch.full((2, 3), 2.0)}
    assert compared_here(Counting(kind=kind), Counting(kind=kind), batches, 1e-4) == 0
    for off in (1, -1):
        with pytest.raises(NotTheSameError, match="the outputs differ by 1 from the network's"):
            compared_here(Counting(kind=kind), Counting(off, kind), batches, 1e-4)
    with pytest.raises(NotTheSameError, match="differ by inf"):
        compared_here(Counting(), nn.Identity(), batches, 1e-4)
