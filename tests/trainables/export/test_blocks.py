"""Modules that are merged into one class compute, with their arguments, what they did."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.trainables.export.test_source import again
from trainables.export.expressions import Bracket, Entry, Number, SourceText, flat, form, numbers, replaced, written
from trainables.export.layers import constructed, literal

CHOICES: dict[str, list[Any]] = {
    "left": [0, 1, 2],
    "right": [0, 1, 2],
    "shifts": [(1, 2), (2, 1), (1, 1), (3, 2)],
    "over": [(2, 3), (3, 2)],
    "stride": [1, 2, (2, 1)],
    "pads": [(1, 0, 0, 0), (0, 1, 1, 0), (2, 1, 0, 1)],
    "sign": ["+", "*", "-"],
    "kernel": [(3, 3), (1, 3), (5, 5)],
    "order": [tuple(range(64)), tuple(reversed(range(64))), ()],
    "groups": [1, 2, 4],
    "padded": [True, False],
    "scale": [2, 3, 0.5],
}
"""Whatever a forward may hold of numbers; the first of each is what most blocks have."""


class Mixed(nn.Module):
    """(n, 4, 8, 8) to the same."""

    def __init__(self, **chosen: Any) -> None:
        super().__init__()
        self.chosen = chosen
        kernel = chosen["kernel"]
        self.conv = nn.Conv2d(4, 4, kernel, padding=tuple(one // 2 for one in kernel), groups=chosen["groups"])
        self.pool = nn.AvgPool2d((3, 3), chosen["stride"], padding=1)
        self.register_buffer("turns", torch.tensor([1, 0, 3, 2] if chosen["order"] else [0, 1, 2, 3]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        own = self.chosen
        padded = functional.pad(x, own["pads"])[:, :, : x.shape[2], : x.shape[3]]
        states = [x, torch.roll(x, own["shifts"], own["over"]), padded]
        left, right = states[own["left"]], states[own["right"]]
        y = {"+": left + right, "*": left * right, "-": left - right}[own["sign"]].flatten(2)
        y = y[:, :, list(own["order"])] if own["order"] else y
        y = y.reshape(-1, 4, 8, 8)
        y = self.pool(self.conv(y)[:, self.turns] + y * own["scale"])  # type: ignore[index]
        rest = functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=own["padded"])
        return functional.interpolate(y, size=(8, 8)) + rest


@pytest.mark.slow
def test_blocks_of_one_class_differ_in_their_arguments_only() -> None:
    merged = 0
    for seed in range(10):
        draw = random.Random(seed)
        blocks = []
        for _ in range(3):
            own = {name: draw.choice(CHOICES[name]) for name in draw.sample(sorted(CHOICES), draw.choice([1, 2, 3]))}
            blocks.append({name: values[0] for name, values in CHOICES.items()} | own)
        network = nn.Sequential(*(Mixed(**one) for one in blocks)).double().eval()
        x = torch.randn(4, 4, 8, 8, dtype=torch.float64)
        made, text = again(network, (x[:2], x[:3]))
        with torch.no_grad():
            torch.testing.assert_close(made(x), network(x), rtol=0, atol=0, msg=f"{seed}: {blocks}")
        merged += text.count("class Mixed") < len({str(one) for one in blocks})
    assert merged > 2


def test_places_that_share_a_number_in_one_block_may_differ_in_another() -> None:
    shared = Number(2, "index")
    piece = Bracket("f(", (Entry("", shared), Entry("", shared)), ")")
    assert flat(replaced(piece, iter([None, SourceText("self.index")]))) == "f(2, self.index)"
    assert list(numbers(piece)) == [shared, shared]


def test_pieces_that_differ_in_a_sign_are_of_different_forms() -> None:
    left, right = (Entry("", SourceText(name)) for name in "xy")
    assert form(Bracket("", (left, right), "", " + ")) != form(Bracket("", (left, right), "", " * "))


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize(
    "value", [tuple(range(100)), list(range(1000, 1100)), (-5,) * 60, [(1, 2)] * 50, (0.1,) * 40, (7,), [], (1, (2, 3))]
)
def test_long_tuples_are_broken_into_lines_and_lose_nothing(value: Any, depth: int) -> None:
    lines = written(literal(value), depth, "value = ")
    names: dict[str, Any] = {}
    exec("if True:\n" + "\n".join(lines) if depth else "\n".join(lines), names)
    assert names["value"] == value
    assert type(names["value"]) is type(value)
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize(
    "layer",
    [nn.AvgPool2d((3, 3), 2, padding=1), nn.MaxPool2d((2, 2)), nn.Conv2d(2, 2, (3, 3), (2, 1)), nn.LayerNorm((4, 4))],
)
def test_a_size_is_written_as_one_number_or_as_it_was_given(layer: nn.Module) -> None:
    assert repr(eval(flat(constructed(layer)), {"nn": nn})) == repr(layer)
