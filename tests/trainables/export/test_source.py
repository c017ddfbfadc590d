from __future__ import annotations

import copy
import functools
import shutil
import subprocess
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.sweeps import quick
from tests.trainables.export.networks import SETTINGS, Odd, Undecided, inputs, member, spread
from trainables.export import Deployed, SourceCode, UntraceableError, source_code_of
from trainables.export.standalone import model_text

OFTEN = sorted({*SETTINGS} - {"amoebanet", "nasnet", "pnas", "proxylessnas", "resnet_mlp"})
"""The others are made of the same blocks, and test_golden_sources.py holds how their classes are written."""


def run_text(text: str, source: SourceCode) -> tuple[nn.Module, dict[str, Any]]:
    """The network that a `model.py` constructs."""
    names: dict[str, Any] = {"__name__": "model", "__file__": "model.py"}
    exec(compile(text, "model.py", "exec"), names)
    return eval(source.call, names), names


@torch.no_grad()
def again(network: nn.Module, batches: tuple[Tensor, Tensor]) -> tuple[nn.Module, str]:
    """`network` from its own source, with its weights."""
    source = source_code_of(network, batches)
    text = model_text(Deployed(network, batches[0], "any", {}, classes=("a", "b")), source, ['A "fact"\\ """of it'])
    made, _ = run_text(text, source)
    state = network.state_dict()
    made.load_state_dict({k: v for k, v in state.items() if not k.startswith(source.unused or ("-",))}, assign=True)
    return made.eval(), text


@functools.cache
def written(family: str) -> tuple[nn.Module, nn.Module, str]:
    """A member of a family, the same from its source, and that source; made once for all tests."""
    network = member(family, 1)
    return network, *again(network, (inputs(family, 2), inputs(family, 3)))


def difference(made: nn.Module, network: nn.Module, x: Tensor) -> float:
    """How far outputs are apart, of a network whose outputs follow from its inputs."""
    with torch.no_grad():
        wanted = network(x)
        assert len(x) == 1 or spread(wanted) > 0.01, "a network that gives the same whatever it sees tells nothing"
        return float((made(x) - wanted).abs().max())


@pytest.mark.slow
@pytest.mark.parametrize("family", quick(SETTINGS, OFTEN))
def test_every_family_computes_the_same_from_its_source(family: str) -> None:
    network, made, _ = written(family)
    assert [difference(made, network, inputs(family, size)) for size in (1, 4)] == [0, 0]


@pytest.mark.parametrize("family", quick(SETTINGS, {"darts", "nb201", "mobilenetv3", "vit"}))
def test_a_source_without_what_it_learned_is_noticed(family: str) -> None:
    network, made, _ = written(family)
    for kind in ((nn.Conv2d, nn.Linear), (nn.BatchNorm2d, nn.LayerNorm)):
        without = copy.deepcopy(made)
        layers = [one for one in without.modules() if isinstance(one, kind)]
        with torch.no_grad():
            for layer in layers:
                layer.weight.zero_()
        assert not layers or difference(without, network, inputs(family, 4)) > 1e-3, kind


# Members whose blocks read their values in different orders: two of one block, each once of another.
BLOCKS = [("pnas", 277), ("nasnet", 3), ("amoebanet", 1), ("amoebanet", 2), ("enas_micro", 3), ("enas_micro", 4)]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "seed"), quick(BLOCKS, {("pnas", 277), ("enas_micro", 4)}))
def test_blocks_that_differ_in_what_they_read_are_told_apart(family: str, seed: int) -> None:
    size: dict[str, Any] = {"channels": 3, "size": (9, 14)} if seed % 2 else {}
    network = member(family, seed, small=False, **size)
    made, _ = again(network, (inputs(family, 2, **size), inputs(family, 3, **size)))
    assert difference(made, network, inputs(family, 4, **size)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("family", SETTINGS)
def test_twelve_members_of_every_family_compute_the_same_from_their_sources(family: str) -> None:
    spreads = []
    for seed in range(12):
        size: dict[str, Any] = [{}, {"channels": 3, "size": (9, 14)}, {"size": (13, 7)}][seed % 3]
        network = member(family, seed, small=False, **size)
        made, _ = again(network, (inputs(family, 2, **size), inputs(family, 3, **size)))
        with torch.no_grad():
            wanted = network(x := inputs(family, 4, **size))
            assert torch.equal(made(x), wanted), seed
        spreads.append(spread(wanted))
    # Some chains have a layer of zeros that nothing goes around.
    assert sum(one > 0.01 for one in spreads) >= (8 if family == "chain" else 12)


@pytest.mark.slow
def test_sources_are_clean_and_equal_blocks_are_one_class(tmp_path: Path) -> None:
    texts = {family: written(family)[-1] for family in SETTINGS}
    for name, text in texts.items():
        assert max(map(len, text.splitlines())) <= 120, name
        assert not any(word in text for word in ("nas_tune", "trainables", "search_spaces")), name
        (tmp_path / f"{name}.py").write_text(text)
    assert texts["nb201"].count("class Nb201Cell") == 1
    assert texts["resnet"].count("class Bottleneck") <= 4
    if (ruff := shutil.which("ruff")) is not None:
        done = subprocess.run(
            [ruff, "check", "--isolated", "--line-length=120", tmp_path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_what_the_batch_decides_stays_open_and_what_training_needs_goes() -> None:
    torch.manual_seed(0)
    network = Odd().eval()
    before = copy.deepcopy(network.state_dict())
    made, text = again(network, (torch.rand(2, 6), torch.rand(3, 6)))
    x = torch.rand(7, 6)
    with torch.no_grad():
        torch.testing.assert_close(made(x), network(x), rtol=0, atol=0)
    assert 'UNUSED = ("unused.",)' in text
    assert "dropout" not in text
    assert text.count("class Scaled") == 1
    assert before.keys() == network.state_dict().keys()
    assert not hasattr(network, "_tensor_constant0")


def test_a_decision_by_the_data_is_refused_with_its_place() -> None:
    with pytest.raises(UntraceableError, match=r"`gate`, a Branching, cannot be written .* contents of a tensor"):
        source_code_of(Undecided(), (torch.rand(2, 6), torch.rand(3, 6)))


def test_batches_of_one_size_say_nothing() -> None:
    with pytest.raises(UntraceableError, match="both batches hold 2"):
        source_code_of(Undecided(), (torch.rand(2, 6), torch.rand(2, 6)))


def _square(of: Tensor) -> Tensor:
    return of * of


class Sums(nn.Module):
    """Sums in products, differences in differences, and quotients in both."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.squared = nn.Linear(4, 4), nn.Linear(4, 4)
        self.named = nn.Sequential(OrderedDict(one=nn.Linear(4, 4), two=nn.Tanh()))

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        y = y + self.named.two(x) * self.named.one(y)
        sums = [(x + 1) * (y - 2), x - (y - (x - 0.5)), torch.mul(x + 1, torch.add(y, x)), -(x + y), (x - y) * 2 % 3]
        return torch.cat(
            [*sums, _square(self.squared(x)), (x * y) / (3 / (y + 9)), -x * y, (x / y) * x, x / (y * x)], 1
        )


def test_brackets_stand_where_they_must_and_what_is_used_twice_is_computed_once() -> None:
    torch.manual_seed(0)
    network = Sums().eval()
    made, text = again(network, (torch.rand(2, 4), torch.rand(3, 4)))
    x = torch.rand(7, 4)
    with torch.no_grad():
        torch.testing.assert_close(made(x), network(x), rtol=0, atol=0)
    assert text.count("self.layer(") == 1
    assert text.count("self.squared(") == 1, "a value without a name of its author's"


class Batchwise(nn.Module):
    """Does something else for each size of the batch."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def forward(self, x: Tensor) -> Tensor:
        if self.what == "a loop":
            return torch.stack([row * 2 for row in x])
        if self.what == "a decision":
            return x * 2 if len(x) > 2 else x
        return torch.cat([x] * int(x.shape[0]))


@pytest.mark.parametrize("what", ["a loop", "a decision", "a size"])
def test_what_depends_on_the_size_of_the_batch_is_refused(what: str) -> None:
    with pytest.raises(UntraceableError, match=f"{what} depends on how large the batch is"):
        source_code_of(Batchwise(what), (torch.rand(2, 6), torch.rand(3, 6)))
