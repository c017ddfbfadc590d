"""Networks in int8: their files are smaller than those they come from, and say as much."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.trainables.export.networks import member
from trainables.export.onnx import write_onnx
from trainables.export.quantization import quantized

SIZE = (24, 36)


@pytest.mark.slow
@pytest.mark.parametrize("family", [pytest.param("vit", marks=pytest.mark.slow), "nb201"])
def test_the_file_is_no_larger_than_the_one_it_comes_from(family: str, tmp_path: Path) -> None:
    """Relative positions of vit depend on no input: folded into constants they are many times the weights."""
    network = member(family, 1, channels=3, size=SIZE).float().eval()
    examples = torch.rand(4, 3, *SIZE)
    source, target = tmp_path / "model.onnx", tmp_path / "model.int8.onnx"
    write_onnx(network, examples[:2], source)
    quantized(source, target, examples)
    assert target.stat().st_size < source.stat().st_size + 200_000
