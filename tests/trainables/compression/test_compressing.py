"""What compression writes is held against what was judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables.compression import INT8, CompressionSettings, compress_network
from trainables.compression.measuring import as_function, session
from trainables.compression.tracing import computed, output_layers
from trainables.errors import NotTheSameError, TrainableError
from trainables.export import Deployed
from trainables.export.onnx import ONNX


class Points:
    """Points of a plane, and no training."""

    def examples(self, count: int) -> Tensor:
        return torch.randn(min(count, 64), 2, generator=torch.Generator().manual_seed(0))

    def judge(self, run: Callable[[Tensor], Tensor], split: str) -> dict[str, float]:
        return {"loss": float(run(self.examples(8)).detach().square().mean())}

    def train(self, network: nn.Module, *, seed: int, epochs: int) -> Iterator[dict[str, float]]:
        raise AssertionError("nothing was pruned")


@pytest.mark.parametrize("normalization", [pytest.param(True, marks=pytest.mark.slow), False])
def test_the_files_take_raw_inputs_or_standardized_ones(
    normalization: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    monkeypatch.setattr("trainables.compression.compressing.compared_onnx", lambda *_: 0.0)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    points = Points()
    finish = None if normalization else nn.Identity()
    deployed = Deployed(network, points.examples(3), "points", {}, mean=(50.0, -3.0), std=(20.0, 0.1), finish=finish)
    plan = CompressionSettings(prune=0.4, method="magnitude", epochs=0, quantize="int8", normalization=normalization)
    done = compress_network(deployed, points, tmp_path, plan)
    noted = [one for one in done.notes if one.startswith("the files take ")]
    assert [("standardized" in one, "writes files for raw inputs" in one) for one in noted] == (
        [] if normalization else [(True, True)]
    )
    z = points.examples(8)
    given = z * torch.tensor(deployed.std) + torch.tensor(deployed.mean) if normalization else z
    before, pruned, small = done.stages
    assert [(stage.name, stage.file) for stage in done.stages] == [("before", None), ("pruned", ONNX), ("int8", INT8)]
    assert (before.parameters, before.nonzero, pruned.parameters) == (51, 51, 51)
    assert pruned.nonzero == small.nonzero < 40
    assert before.metrics["loss"] == pytest.approx(points.judge(network, "test")["loss"], rel=1e-4)
    assert small.metrics["loss"] == pytest.approx(pruned.metrics["loss"], rel=0.1)
    for name, stage in ((ONNX, pruned), (INT8, small)):
        engine = session(tmp_path / name, 1)
        assert float(as_function(engine)(given).square().mean()) == pytest.approx(stage.metrics["loss"], rel=1e-4)
        said = engine.get_modelmeta().custom_metadata_map["normalization"]
        assert said.startswith("inside" if normalization else "outside")
    names: dict[str, Any] = {"__name__": "model", "__file__": str(tmp_path / "model.py")}
    exec((tmp_path / "model.py").read_text(encoding="utf-8"), names)
    assert float(names["load"]()(given).detach().square().mean()) == pytest.approx(pruned.metrics["loss"], rel=1e-4)


@pytest.mark.parametrize("wrong", [ONNX, pytest.param(INT8, marks=pytest.mark.slow)])
def test_a_file_that_computes_something_else_is_refused(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outputs(kind: str, place: Path, batches: dict[str, dict[str, Tensor]], form: str) -> dict[str, Tensor]:
        run = as_function(session(place, 1))
        found = {f"{name}/output": run(inputs) for name, inputs in batches.items()}
        return {name: one.flip(1) for name, one in found.items()} if place.name == wrong else found

    monkeypatch.setattr("trainables.export.check._outputs", outputs)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    with pytest.raises((TrainableError, NotTheSameError), match="outputs differ by"):
        compress_network(
            Deployed(network, Points().examples(3), "points", {}),
            Points(),
            tmp_path,
            CompressionSettings(quantize="int8"),
        )


def test_the_heads_are_what_gives_the_outputs_or_the_last_that_is_shaped_like_them() -> None:
    plain = nn.Sequential(nn.Flatten(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 5))
    outputs, made = computed(plain.eval(), torch.randn(2, 8))
    assert output_layers(outputs, made) == [plain[3]]

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.last, self.other = nn.Linear(8, 8), nn.Linear(8, 5), nn.Linear(8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.body(x)
            return self.last(x) / 2 + self.other(x).sum()

    scaled = Scaled().eval()
    outputs, made = computed(scaled, torch.randn(2, 8))
    assert output_layers(outputs, made) == [scaled.last]
