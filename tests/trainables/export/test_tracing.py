"""What a forward may decide while it is traced: by shapes, but not by contents, nor by how large the batch is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.export.tracing import Traced, UntraceableError, is_leaf, seen_inputs, trace


def traced(forward: Callable[..., Any], **parts: Any) -> Traced:
    class Module(nn.Module):
        pass

    module = Module()
    for name, part in parts.items():
        setattr(module, name, part)
    Module.forward = forward  # type: ignore[method-assign, assignment]
    batches = (torch.arange(8.0).reshape(2, 4), torch.arange(12.0).reshape(3, 4))
    return trace(module.eval(), seen_inputs(module, batches)[module])


def called(found: Traced) -> list[str]:
    """The names of what the graph calls."""
    inside = [node for node in found.graph.nodes if node.op not in ("placeholder", "output", "get_attr")]
    return [getattr(node.target, "__name__", str(node.target)) for node in inside]


def refusal(forward: Callable[..., Any], **parts: Any) -> str:
    with pytest.raises(UntraceableError) as caught:
        traced(forward, **parts)
    return str(caught.value)


def test_decisions_by_what_batches_share_are_followed() -> None:
    def forward(self: Any, x: Tensor) -> Any:
        plain = x.dtype == torch.float32 and x.ndim == 2 and x.dim() == 2 and not x.is_cuda
        return x.exp() if plain and x.shape[1] == x.size(1) == x.size()[1] == 4 else x.sin()

    assert called(traced(forward)) == ["exp"]
    assert called(traced(lambda self, x: x.exp() if x.shape[1] > 4 else x.sin())) == ["sin"]
    assert called(traced(lambda self, x: sum(one.exp() for one in x.unbind(1)[:2]))).count("exp") == 2


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda self, x: x if x.sum() > 0 else -x, "decides by the contents of a tensor"),
        (lambda self, x: x if len(x) > 2 else -x, "a decision depends on how large the batch is"),
        (lambda self, x: x if x.shape[0] > 2 else -x, "a decision depends on how large the batch is"),
        (lambda self, x: sum(row for row in x), "a loop depends on how large the batch is"),
        (lambda self, x: x.unbind(0)[0], "a list of values is as long as the batch"),
        (lambda self, x: [x, x, x, x][x.shape[0]], "a size depends on how large the batch is"),
    ],
)
def test_decisions_by_the_batch_are_refused(forward: Callable[..., Any], reason: str) -> None:
    assert reason in refusal(forward)


def test_an_argument_that_no_example_has_is_refused() -> None:
    assert "its forward takes 'mask', which the examples of its inputs do not have" in refusal(
        lambda self, x, mask=None: x
    )


@pytest.mark.parametrize(
    ("forward", "calls"),
    [
        (lambda self, x: functional.dropout(x, 0.5, training=False).exp(), ["exp"]),
        (lambda self, x: functional.dropout(x, 0.5, training=True).exp(), ["dropout", "exp"]),
        (lambda self, x: functional.pad(x, (0, 0)).exp(), ["exp"]),
        (lambda self, x: functional.pad(x, pad=(0, 0)).exp(), ["exp"]),
        (lambda self, x: functional.pad(x, (0, 1)).exp(), ["pad", "exp"]),
        (lambda self, x: x[:, :].exp(), ["exp"]),
        (lambda self, x: x[:, 0:4].exp(), ["exp"]),
        (lambda self, x: x[:, :9:1].exp(), ["exp"]),
        (lambda self, x: x[:, :3].exp(), ["getitem", "exp"]),
        (lambda self, x: x[:, 1:].exp(), ["getitem", "exp"]),
        (lambda self, x: x[:, ::2].exp(), ["getitem", "exp"]),
        (lambda self, x: x[:2, :].exp(), ["getitem", "exp"]),
        (lambda self, x: x[:, None].exp(), ["getitem", "exp"]),
    ],
)
def test_what_changes_nothing_is_left_out(forward: Callable[..., Any], calls: list[str]) -> None:
    assert called(traced(forward)) == calls


def test_what_nothing_uses_is_left_out() -> None:
    def forward(self: Any, x: Tensor) -> Any:
        x.sin().cos()
        return x.exp()

    assert called(traced(forward)) == ["exp"]


def test_values_of_nodes_are_known_for_both_batches() -> None:
    found = traced(lambda self, x: x.exp() * self.scale, scale=nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0])))
    values = {node.name: found.pairs[node] for node in found.graph.nodes if node.op != "output"}
    assert [one.shape for one in values["exp"]] == [(2, 4), (3, 4)]
    assert torch.equal(values["mul"][0], torch.arange(8.0).reshape(2, 4).exp() * torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert [one.tolist() for one in values["scale"]] == [[1, 2, 3, 4]] * 2


def test_names_are_those_of_the_author_and_own_are_those_of_the_forward() -> None:
    def inner(value: Tensor) -> Tensor:
        hidden = value.sin()
        return hidden.cos()

    def forward(self: Any, x: Tensor) -> Any:
        outer = inner(x) + 1
        left, right = outer.chunk(2, 1)
        return left + right

    found = traced(forward)
    names = {found.names[node]: node for node in found.graph.nodes if node in found.names}
    assert {"hidden", "outer", "left", "right"} <= set(names)
    own = {found.names[node] for node in found.own}
    assert own >= {"outer", "left", "right"}
    assert "hidden" not in own


def test_layers_of_torch_are_leaves_and_containers_are_not() -> None:
    class Own(nn.Linear):
        pass

    assert is_leaf(nn.Linear(1, 1))
    for one in (nn.Sequential(), nn.ModuleList(), nn.ModuleDict(), Own(1, 1)):
        assert not is_leaf(one)


def test_inputs_are_those_of_the_first_call_of_each_run() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.idle = nn.ReLU(), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            values = [x]
            return self.one(self.one(x) + 1) + values[0]

    network = Twice()
    seen = seen_inputs(network, (torch.zeros(1, 2), torch.zeros(3, 2)))
    assert set(seen) == {network, network.one}
    ((first, second),) = seen[network.one]
    assert torch.equal(first, torch.zeros(1, 2))
    assert torch.equal(second, torch.zeros(3, 2))


def test_a_module_that_is_called_by_keyword_is_refused_and_a_layer_is_not() -> None:
    class Inner(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    class Outer(nn.Module):
        def __init__(self, part: nn.Module, name: str) -> None:
            super().__init__()
            self.part, self.name = part, name

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.part(**{self.name: x})
            return found

    batches = (torch.zeros(1, 2), torch.zeros(3, 2))
    with pytest.raises(UntraceableError, match="Inner is called with keyword arguments; call it by position"):
        seen_inputs(Outer(Inner(), "x"), batches)
    layer = Outer(nn.ReLU(), "input")
    assert layer in seen_inputs(layer, batches)
