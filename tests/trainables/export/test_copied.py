"""A forward that loops over its input is copied where it needs torch alone, and refused where it does not."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.trainables.export.networks import inputs, member
from trainables.export import Deployed, UntraceableError, source_code_of
from trainables.export.standalone import model_text


def again(network: nn.Module, batches: tuple[Tensor, Tensor]) -> tuple[nn.Module, str]:
    source = source_code_of(network, batches)
    text = model_text(Deployed(network, batches[0], "any", {}), source, [])
    names: dict[str, Any] = {"__name__": "model", "__file__": "model.py"}
    exec(compile(text, "model.py", "exec"), names)
    made: nn.Module = eval(source.call, names)
    state = network.state_dict()
    made.load_state_dict({k: v for k, v in state.items() if not k.startswith(source.unused or ("-",))}, assign=True)
    return made.eval(), text


@torch.no_grad()
@pytest.mark.parametrize("family", ["recurrent", pytest.param("enas_recurrent", marks=pytest.mark.slow)])
def test_recurrent_cells_are_a_loop_of_their_source(family: str) -> None:
    network = member(family, 0)
    made, text = again(network, (inputs(family, 2), inputs(family, 3)))
    assert "for step in from_x.unbind(1):" in text
    assert "def _highway(" in text
    assert "cast(" not in text
    assert len(text.splitlines()) < 400
    for x in (inputs(family, 4), inputs(family, 1)[:, :5]):
        assert torch.equal(made(x), network(x))


def _halved(x: Tensor, times: int) -> Tensor:
    return x if times == 0 else _halved(functional.relu(x) / 2, times - 1)


class Loop(nn.Module):
    """Goes over a text of 400 steps; `what` it needs beside torch."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what, self.times, self.table = what, 2, {"a": 1}
        self.layer = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = x[:, 0]
        for step in x.unbind(1):
            state = self._next(state, step)
        return state

    def _next(self, state: Tensor, step: Tensor) -> Tensor:
        """Compute the next state."""
        found: Tensor = cast(Tensor, _halved(state, self.times)) + torch.tanh(self.layer(step))
        return found


class Foreign(Loop):
    """Uses another module than torch."""


class Alien(nn.Module):
    """Uses another module than torch, once for each step."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = x[:, 0]
        for step in x.unbind(1):
            state = self.layer(state + step) * math.pi
        return state


class Counting(nn.Module):
    """Changes itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(3, 3), 0

    def forward(self, x: Tensor) -> Tensor:
        state = x[:, 0]
        for step in x.unbind(1):
            self.calls += 1
            state = self.layer(state + step)
        return state


X = torch.linspace(-1, 1, 3 * 400 * 3).view(3, 400, 3)


@pytest.mark.slow
@torch.no_grad()
def test_methods_functions_and_plain_attributes_come_along() -> None:
    network = Loop("torch").eval()
    made, text = again(network, (X[:2], X))
    assert torch.equal(made(X[:, :7]), network(X[:, :7]))
    assert "self.times = 2" in text
    assert "Compute the next state" not in text


@pytest.mark.slow
@pytest.mark.parametrize("network", [Foreign("a base of its own"), Alien(), Counting()])
def test_a_loop_that_needs_more_is_refused_as_before(network: nn.Module) -> None:
    with pytest.raises(UntraceableError, match=r"unrolls into \d+ lines: it loops over its input"):
        source_code_of(network.eval(), (X[:2], X))
