"""What compression writes is held against what was judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from trainables.compression import INT8, Plan, compress_network
from trainables.compression.measuring import session, single
from trainables.errors import NotTheSameError, TrainableError
from trainables.export import Deployed
from trainables.export.onnx import ONNX


class Points:
    """Points of a plane, and no training."""

    def examples(self, count: int) -> Tensor:
        return torch.randn(min(count, 64), 2, generator=torch.Generator().manual_seed(0))

    def judge(self, run: Callable[[Tensor], Tensor], split: str) -> dict[str, float]:
        return {"loss": float(run(self.examples(8)).square().mean())}

    def train(self, network: nn.Module, *, seed: int, epochs: int) -> Iterator[dict[str, float]]:
        raise AssertionError("nothing was pruned")


@pytest.mark.parametrize("wrong", [ONNX, INT8])
def test_a_file_that_computes_something_else_is_refused(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outputs(kind: str, place: Path, batches: dict[str, Tensor]) -> dict[str, Tensor]:
        run = single(session(place, 1))
        found = {name: run(inputs) for name, inputs in batches.items()}
        return {name: one.flip(1) for name, one in found.items()} if place.name == wrong else found

    monkeypatch.setattr("trainables.export.check._outputs", outputs)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    with pytest.raises((TrainableError, NotTheSameError), match="outputs differ by"):
        compress_network(
            Deployed(network, Points().examples(3), "points", {}), Points(), tmp_path, Plan(quantize="int8")
        )
