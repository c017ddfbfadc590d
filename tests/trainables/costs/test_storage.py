"""The bytes of weights by precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainables.costs.storage import stored_bytes

CONV = nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5), nn.ReLU())


@pytest.mark.parametrize(
    ("network", "bytes_in_int8"),
    [
        (nn.Linear(4, 3), 12 + 3 * 8),
        (CONV, 3 * 5 * 9 + 5 * 8),
        (nn.Conv2d(8, 8, 3, groups=8), 8 * 9 + 8 * 8),
        (nn.ConvTranspose2d(2, 6, 3), 2 * 6 * 9 + 6 * 8),
        (nn.LayerNorm(7), 7 * 4 * 2),
        (nn.Embedding(10, 4), 40 + 8),
        (nn.ReLU(), 0),
    ],
)
def test_int8_has_a_byte_for_a_weight_and_a_bias_and_scale_for_an_output(network, bytes_in_int8):
    assert stored_bytes(network, "int8") == bytes_in_int8


def test_floats_take_their_width_and_counters_stay():
    numbers = 3 * 5 * 9 + 4 * 5
    assert stored_bytes(CONV) == 4 * numbers + 8
    assert stored_bytes(CONV, "float16") == 2 * numbers + 8


def test_shared_weights_count_once():
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    assert stored_bytes(nn.Sequential(first, second), "int8") == 16 + 4 * 8 + 4 * 4
    assert stored_bytes(nn.Sequential(first, second)) == 4 * (16 + 8)


def test_the_count_is_close_to_a_quantized_file(tmp_path):
    import onnx

    from trainables.export.quantization import quantized
    from trainables.hardware.graphs import write_graph

    layers = [nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 10)]
    network, images = nn.Sequential(*layers).eval(), torch.randn(1, 3, 8, 8)
    write_graph(network, images, tmp_path / "float.onnx")
    quantized(tmp_path / "float.onnx", tmp_path / "int8.onnx", images)
    kept = [onnx.numpy_helper.to_array(one).nbytes for one in onnx.load(tmp_path / "int8.onnx").graph.initializer]
    assert stored_bytes(network, "int8") == pytest.approx(sum(kept), rel=0.05)
