"""Methods of single paths: what they draw, what they run, what they learn."""

from __future__ import annotations

from collections import Counter
from math import comb

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.nn import freeze
from tests.trainables.supernet.toys import Nested, Scale, Two
from trainables.errors import TrainableError
from trainables.supernet import Draws, discretize, relax
from trainables.supernet.methods.paths import enclosing_options, reached
from trainables.supernet.path_search import best_path

ONE = torch.ones(1)


class Everything(nn.Module):
    """A choice of each kind: 1 to 3 blocks that scale by 2 or 3, one or two of three inputs, a value."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Repeat(lambda: nn.LayerChoice({"two": Scale(2), "three": Scale(3)}), (1, 3))
        self.inputs = nn.InputChoice(3, (1, 2))
        self.factor = nn.ValueChoice([10, 100], label="factor")

    def forward(self, x):
        return nn.current(self.factor) * self.inputs([self.blocks(x), x, 5 * x])


def step(supernet, loss, rate):
    """Of the architecture, straight down."""
    parameters = supernet.architecture_parameters()
    with torch.no_grad():
        slopes = torch.autograd.grad(loss, parameters, materialize_grads=True)
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter -= rate * slope


def paths(supernet, count):
    draws = Draws.seeded(0)
    for _ in range(count):
        supernet.begin_step(draws)
        yield supernet.member(supernet.method.path)


def test_spos_draws_evenly_and_has_nothing_to_learn():
    supernet = relax(Everything(), "spos")
    assert supernet.architecture_parameters() == []
    taken = Counter(str(member.tree["inputs"]) for member in paths(supernet, 600))
    assert len(taken) == comb(3, 1) + comb(3, 2)
    assert all(60 < count < 145 for count in taken.values())


@pytest.mark.parametrize("method", ["spos", "ofa"])
def test_a_path_gives_what_the_frozen_module_gives(method):
    supernet = relax(Everything(), method, **({"phases": ["width"]} if method == "ofa" else {}))
    seen = set()
    for member in paths(supernet, 12):
        expected = freeze(supernet.module, member)(ONE)
        assert torch.equal(supernet(ONE), expected)
        with supernet.deciding(member):
            assert torch.equal(supernet(ONE), expected)
        seen.add(expected.item())
    assert len(seen) > 1 or method == "ofa"


def test_a_step_needs_a_draw():
    with pytest.raises(RuntimeError, match="begin_step"):
        relax(Two(), "spos")(ONE)


def test_a_relaxed_only_candidate_is_on_no_path():
    choice = nn.LayerChoice({"a": Scale(1), "none": Scale(0)}, relaxed_only=("none",), label="op")
    supernet = relax(nn.Sequential(choice), "spos")
    assert {member.tree["op"] for member in paths(supernet, 20)} == {"a"}


def test_evolution_finds_the_best_of_many():
    torch.manual_seed(0)
    supernet = relax(nn.Sequential(*(nn.LayerChoice([Scale(1), Scale(2), Scale(3)]) for _ in range(6))), "spos")
    scored = []

    def score(member):
        scored.append(member.id)
        with supernet.deciding(member):
            return supernet(ONE).item()

    found = best_path(supernet, score, Draws.seeded(0), population=20, generations=8)
    assert score(found) == 3**6
    assert len(set(scored[:-1])) == len(scored) - 1
    assert len(scored) < 3**6 / 3


def test_evolution_needs_paths():
    with pytest.raises(TrainableError, match="discretize"):
        best_path(relax(Two(), "darts"), lambda _: 0.0, Draws.seeded(0))


def test_what_counts_on_a_path():
    supernet = relax(Everything(), "spos")
    around = enclosing_options(supernet.decisions.values())
    two_blocks = {"blocks": (1,), "inputs": (0,), "factor": (0,), **{f"blocks.{i}": (0,) for i in range(3)}}
    assert set(reached(two_blocks, around)) == {"blocks", "blocks.0", "blocks.1", "inputs", "factor"}


@pytest.mark.slow
@pytest.mark.parametrize("units", [0, 8])
def test_enas_says_the_chance_of_what_it_draws(units):
    torch.manual_seed(0)
    supernet = relax(nn.Sequential(nn.InputChoice(4, 2, label="node")), "enas", units=units)
    for parameter in supernet.architecture_parameters():
        torch.nn.init.normal_(parameter)
    draws, drawn = Draws.seeded(0), Counter()
    for _ in range(500):
        supernet.begin_step(draws)
        drawn[supernet.method.path["node"]] += 1
    chances = {path: supernet.method.log_probability({"node": path})[0].exp().item() for path in drawn}
    assert sum(chances.values()) == pytest.approx(1, abs=0.03)
    assert all(drawn[path] / 500 == pytest.approx(chance, abs=0.07) for path, chance in chances.items())


@pytest.mark.slow
@pytest.mark.parametrize("units", [0, 8])
def test_enas_learns_what_is_rewarded(units):
    torch.manual_seed(0)
    supernet = relax(nn.Sequential(*(nn.LayerChoice([Scale(1), Scale(2)]) for _ in range(3))), "enas", units=units)
    draws, labels = Draws.seeded(0), torch.tensor([1])
    for _ in range(60):
        supernet.begin_step(draws)
        right = sum(index for (index,) in supernet.method.path.values()) >= 2
        logits = torch.tensor([[0.0, 1.0 if right else -1.0]])
        step(supernet, supernet.method.objective(torch.zeros(()), logits, labels), 0.5)
    assert sum(discretize(supernet).tree.values()) >= 2


def test_enas_weighs_only_decisions_that_counted():
    torch.manual_seed(0)
    supernet = relax(Blocks(), "enas", units=0)
    path = dict.fromkeys(supernet.decisions, (0,))
    supernet.method.log_probability(path)[0].backward()
    (table,) = supernet.architecture_parameters()
    counted = {name: table.grad[2 * i : 2 * i + 2].abs().sum().item() > 0 for i, name in enumerate(supernet.decisions)}
    assert counted == {"blocks": True, "blocks.0": True, "blocks.1": False}


class Blocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Repeat(lambda: nn.LayerChoice([Scale(2), Scale(3)]), (1, 2))

    def forward(self, x):
        return self.blocks(x)


@pytest.mark.parametrize("units", [0, 8])
def test_enas_asks_only_for_candidates_that_a_member_may_have(units):
    torch.manual_seed(0)
    candidates = {"none": Scale(0), "a": Scale(1), "b": Scale(2)}
    supernet = relax(nn.Sequential(nn.LayerChoice(candidates, relaxed_only=("none",), label="op")), "enas", units=units)
    (chances,) = supernet.method.strengths().values()
    assert chances[0] == 0
    assert chances.tolist() == pytest.approx([0, 0.5, 0.5], abs=0.01)
    assert supernet.method.log_probability({"op": (2,)})[0].exp().item() == pytest.approx(chances[2].item())
    assert {member.tree["op"] for member in paths(supernet, 20)} == {"a", "b"}
    assert supernet.method.default_path()["op"] == (int(chances.argmax()),)


def test_enas_refuses_a_number_of_inputs_that_is_open():
    with pytest.raises(TrainableError, match="inputs takes 1 to 2 inputs"):
        relax(Everything(), "enas")


def gates(seed=3):
    torch.manual_seed(0)
    supernet = relax(nn.Sequential(nn.LayerChoice([Scale(1), Scale(2), Scale(4)], label="op")), "proxylessnas")
    with torch.no_grad():
        supernet.method.alpha("op").copy_(torch.tensor([0.3, 0.1, -0.2]))
    supernet.begin_step(Draws.seeded(seed))
    return supernet, supernet.method.alpha("op")


def test_proxyless_gates_two_and_learns_as_the_paper_says():
    for seed in range(6):
        supernet, alpha = gates(seed)
        value = supernet(ONE)
        value.backward()
        pair = supernet.method._drawn["op"]
        chances = torch.softmax(alpha.detach()[list(pair)], 0)
        outputs = torch.tensor([[1.0, 2.0, 4.0][index] for index in pair])
        assert value.item() in outputs
        expected = torch.zeros(3)
        expected[list(pair)] = chances * (outputs - (chances * outputs).sum())
        assert torch.allclose(alpha.grad, expected)


def test_proxyless_computes_one_where_only_weights_learn():
    supernet, alpha = gates()
    alpha.requires_grad_(False)
    supernet(ONE)
    assert len(supernet.mixes["op"].indices) == 1


def test_proxyless_leaves_others_their_chances():
    supernet, alpha = gates()
    before = torch.softmax(alpha.detach(), 0)
    with torch.no_grad():
        alpha.add_(torch.tensor([0.5, -0.4, 0.9]))
    supernet.method.settle()
    after, pair = torch.softmax(alpha.detach(), 0), list(supernet.method._drawn["op"])
    (other,) = {0, 1, 2} - set(pair)
    assert after[other].item() == pytest.approx(before[other].item())
    assert not torch.allclose(after[pair], before[pair], atol=0.05)


def test_proxyless_draws_by_the_softmax():
    supernet, alpha = gates()
    draws, drawn = Draws.seeded(1), Counter()
    for _ in range(500):
        supernet.begin_step(draws)
        drawn[supernet.method._drawn["op"][0]] += 1
    shares = torch.tensor([drawn[index] / 500 for index in range(3)])
    assert torch.allclose(shares, torch.softmax(alpha.detach(), 0), atol=0.07)


def test_proxyless_learns_values_by_reinforce():
    torch.manual_seed(0)
    supernet = relax(Numbers(), "proxylessnas")
    draws = Draws.seeded(0)
    for _ in range(80):
        supernet.begin_step(draws)
        loss = supernet(ONE).sum()
        step(supernet, supernet.method.objective(loss, ONE, ONE), 0.02)
    assert discretize(supernet).tree == {"factor": 1, "depth": 1}


class Numbers(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.ValueChoice([5, 1, 3], label="factor")
        self.depth = nn.Repeat(lambda: Scale(2), (1, 3), label="depth")

    def forward(self, x):
        return nn.current(self.factor) * self.depth(x)


def test_choices_within_choices_follow_a_path():
    supernet = relax(Nested(), "spos")
    for member in paths(supernet, 8):
        assert torch.equal(supernet(ONE), freeze(supernet.module, member)(ONE))
