"""How the lines of a forward are written: the operators, brackets, indices and names of a traced graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.export.expressions import flat
from trainables.export.statements import MOST_LINES, statements
from trainables.export.tracing import UntraceableError, seen_inputs, trace


def written(forward: Callable[..., Any], plain: bool = True, **parts: Any) -> list[str]:
    """The lines of this forward, in a module with these parts."""

    class Module(nn.Module):
        pass

    module = Module()
    for name, part in parts.items():
        setattr(module, name, part)
    Module.forward = forward  # type: ignore[method-assign, assignment]
    inputs = seen_inputs(module.eval(), (torch.ones(2, 4), torch.ones(3, 4)))[module]
    return [line.lead + flat(line.piece) for line in statements(trace(module, inputs), lambda one: plain)]


def linear() -> nn.Module:
    return nn.Linear(4, 4)


@pytest.mark.parametrize(
    ("forward", "line"),
    [
        (lambda self, x: x + x * 2 - (x - 1), "return x + x * 2 - (x - 1)"),
        (lambda self, x: x - (x + 1) + (x + 2), "return x - (x + 1) + (x + 2)"),
        (lambda self, x: (x - (x - 1)) * (x + 2) / -x, "return (x - (x - 1)) * (x + 2) / -x"),
        (lambda self, x: x / (x * 2) // x % 3, "return x / (x * 2) // x % 3"),
        (lambda self, x: (x > 1) >= (x < 2), "return (x > 1) >= (x < 2)"),
        (lambda self, x: x <= 1, "return x <= 1"),
        (lambda self, x: (-(x + 1)).abs(), "return (-(x + 1)).abs()"),
        (lambda self, x: x @ self.weight, "return x @ self.weight"),
        (lambda self, x: torch.add(x, 1), "return x + 1"),
        (lambda self, x: torch.mul(x, 2) + 1, "return x * 2 + 1"),
        (lambda self, x: torch.add(x, x, alpha=2), "return torch.add(x, x, alpha=2)"),
    ],
)
def test_operators_have_the_brackets_that_they_need(forward: Callable[..., Any], line: str) -> None:
    assert written(forward, weight=nn.Parameter(torch.ones(4, 4))) == [line]


@pytest.mark.parametrize(
    ("forward", "line"),
    [
        (lambda self, x: x[:, 0:1, ...][..., 1:3:2][0], "return x[:, 0:1, ...][..., 1:3:2][0]"),
        (lambda self, x: x[:, -1] + x[1:][:2].sum(), "return x[:, -1] + x[1:][:2].sum()"),
        (lambda self, x: x[..., ::2], "return x[..., ::2]"),
        (lambda self, x: x[None], "return x[None]"),
        (lambda self, x: x.view(len(x), -1), "return x.view(x.shape[0], -1)"),
        (lambda self, x: torch.zeros(len(x), 4, device=x.device) + x, None),
    ],
)
def test_parts_of_a_tensor_are_indexed_as_in_the_original(forward: Callable[..., Any], line: str | None) -> None:
    assert written(forward) == [line or "return torch.zeros(x.shape[0], 4, device=x.device) + x"]


@pytest.mark.parametrize(
    ("forward", "line"),
    [
        (lambda self, x: F.softmax(x, dim=1), "return F.softmax(x, dim=1)"),
        (lambda self, x: F.leaky_relu(x, negative_slope=0.01), "return F.leaky_relu(x)"),
        (lambda self, x: F.leaky_relu(x, negative_slope=0.1), "return F.leaky_relu(x, negative_slope=0.1)"),
        (lambda self, x: F.relu(x, inplace=False), "return F.relu(x)"),
        (lambda self, x: F.hardswish(x, inplace=True), "return F.hardswish(x, inplace=True)"),
        (
            lambda self, x: torch.cat([x, x + 1], dim=1).flatten(1, -1),
            "return torch.cat([x, x + 1], dim=1).flatten(1, -1)",
        ),
        (lambda self, x: torch.stack((x, x), 1), "return torch.stack((x, x), 1)"),
        (lambda self, x: x.new_zeros(x.shape[0], 2), "return x.new_zeros(x.shape[0], 2)"),
    ],
)
def test_calls_are_those_of_torch_without_what_is_the_default(forward: Callable[..., Any], line: str) -> None:
    assert written(forward) == [line]


def test_parts_of_a_module_are_found_by_their_paths() -> None:
    parts: dict[str, Any] = {"named": nn.ModuleDict({"a": nn.ReLU()}), "listed": nn.ModuleList([nn.ReLU(), linear()])}
    assert written(lambda self, x: self.named["a"](self.listed[1](x)), **parts) == [
        'return self.named["a"](self.listed[1](x))'
    ]
    weight = nn.Parameter(torch.ones(4))
    assert written(lambda self, x: self.weight * x, weight=weight) == ["return self.weight * x"]


def test_layers_of_a_plain_sequence_are_called_as_a_whole_and_only_those_of_the_whole() -> None:
    def middle(self: Any, x: Tensor) -> Any:
        y = self.layers[0](x)
        z = self.layers[1](y)
        return z + y

    layers = nn.Sequential(linear(), nn.ReLU())
    assert written(lambda self, x: self.layers(x), layers=layers) == ["return self.layers(x)"]
    assert written(lambda self, x: self.layers[1](x), layers=layers) == ["return self.layers[1](x)"]
    assert written(middle, layers=layers) == ["y = self.layers[0](x)", "z = self.layers[1](y)", "return z + y"]


def test_a_value_has_the_name_that_its_author_gave_it() -> None:
    def forward(self: Any, x: Tensor) -> Any:
        first, second = x.chunk(2, 1)
        return first * second + first

    def twice(self: Any, x: Tensor) -> Any:
        y = self.one(x)
        z = self.other(y)
        return y + z

    assert written(forward) == ["first, second = x.chunk(2, 1)", "return first * second + first"]
    assert written(twice, one=linear(), other=linear()) == ["y = self.one(x)", "z = self.other(y)", "return y + z"]


def test_a_name_is_taken_over_and_one_of_the_module_is_never_hidden() -> None:
    def over(self: Any, x: Tensor) -> Any:
        x = self.one(x)
        x = F.relu(x)
        return self.other(x)

    def hiding(self: Any, x: Tensor) -> Any:
        nn = self.one(x)
        torch = nn * 2
        return torch + torch * nn

    parts = {"one": linear(), "other": linear()}
    assert written(over, **parts) == ["x = self.one(x)", "x = F.relu(x)", "return self.other(x)"]
    assert written(hiding, **parts) == ["nn_2 = self.one(x)", "torch_2 = nn_2 * 2", "return torch_2 + torch_2 * nn_2"]


def test_pieces_of_a_list_are_taken_by_their_numbers() -> None:
    assert written(lambda self, x: sum(one for one in x.unbind(1))) == [
        "x = x.unbind(1)",
        "return 0 + x[0] + x[1] + x[2] + x[3]",
    ]


@pytest.mark.slow
def test_the_longest_forward_that_is_written() -> None:
    def repeated(self: Any, x: Tensor) -> Any:
        for _ in range(self.count):
            x = self.one(x)
        return x

    assert len(written(repeated, one=linear(), count=MOST_LINES)) == MOST_LINES
    with pytest.raises(UntraceableError, match=f"unrolls into {MOST_LINES + 1} lines: it loops over its input"):
        written(repeated, one=linear(), count=MOST_LINES + 1)


def test_a_function_that_is_not_torchs_is_refused() -> None:
    with pytest.raises(UntraceableError, match=r"it calls _operator\.'pow', which is not torch's"):
        written(lambda self, x: x**2)
