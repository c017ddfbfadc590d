"""What the options of a supernet cost, against the networks that they make."""

from __future__ import annotations

import itertools
from itertools import product

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.nn import freeze
from tests.trainables.supernet.toys import Nested, Scale
from trainables.costs.cost import cost_of
from trainables.errors import TrainableError
from trainables.supernet import Draws, costs, discretize, relax

IMAGES = torch.zeros(2, 3, 8, 8)


class Net(nn.Module):
    """One decision in two places, at two sizes of the image, and one in one place."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.first, self.second = (self.choice("tied") for _ in range(2))
        self.shrink = nn.MaxPool2d(2)
        self.last = self.choice("last")

    def choice(self, label):
        convs = {f"conv{k}": nn.Conv2d(4, 4, k, padding=k // 2) for k in (1, 3)}
        return nn.LayerChoice({**convs, "skip": nn.Identity()}, label=label)

    def forward(self, x):
        return self.last(self.second(self.shrink(self.first(self.stem(x)))))


def test_expected_macs_are_the_mean_over_all_networks():
    torch.manual_seed(0)
    module = Net()
    members = {pair: {"tied": pair[0], "last": pair[1]} for pair in product(("conv1", "conv3", "skip"), repeat=2)}
    macs = {pair: cost_of(freeze(module, tree), (3, 8, 8)).macs for pair, tree in members.items()}
    supernet = relax(module, "proxylessnas", costs="macs", example=IMAGES)
    for vector in supernet.architecture_parameters():
        torch.nn.init.normal_(vector)
    chances = {name: torch.softmax(vector, 0).tolist() for name, vector in supernet.method.owned().items()}
    options = ["conv1", "conv3", "skip"]
    mean = sum(
        chances["tied"][options.index(tied)] * chances["last"][options.index(last)] * macs[tied, last]
        for tied, last in members
    )
    stem = macs["skip", "skip"]
    assert supernet.method.expected_cost().item() + stem == pytest.approx(mean, rel=1e-6)
    even = sum(macs.values()) / len(macs) - stem
    assert supernet.method.penalty().item() == pytest.approx(0.1 * (mean - stem) / even, rel=1e-6)


def test_the_penalty_teaches_what_is_cheap():
    supernet = relax(
        nn.Sequential(nn.LayerChoice([Scale(1), Scale(2)], label="op")), "proxylessnas", costs={"op": [9, 1]}
    )
    (vector,) = supernet.architecture_parameters()
    supernet.method.penalty().backward()
    assert vector.grad[0] > 0 > vector.grad[1]


class Deep(nn.Module):
    """A choice in an option, in a block of one or two, and on one of two of three inputs."""

    def __init__(self):
        super().__init__()
        inner = nn.Sequential(nn.Conv2d(3, 3, 5, padding=2), self.choice(), self.choice())
        self.outer = nn.LayerChoice({"plain": nn.Identity(), "inner": inner}, label="outer")
        self.blocks = nn.Repeat(lambda: nn.Sequential(nn.Conv2d(3, 3, 1), self.choice()), (1, 2))
        layers = [self.choice(), nn.Conv2d(3, 3, 7, padding=3), nn.Identity()]
        self.node = nn.InputChoice(3, 1, layers=layers, label="node")

    def choice(self):
        return nn.LayerChoice({f"conv{k}": nn.Conv2d(3, 3, k, padding=k // 2) for k in (1, 3)})

    def forward(self, x):
        return self.node([x, self.outer(x), self.blocks(x)])


def chance_of(supernet, member):
    """Of a member, as what it decides is drawn."""
    chances = {name: torch.softmax(alpha, 0) for name, alpha in supernet.method.owned().items()}
    return torch.stack([chances[name][index] for name, (index,) in supernet.taken(member).items()]).prod().item()


def test_costs_within_options_and_blocks_count_by_the_chance_of_being_reached():
    torch.manual_seed(0)
    supernet = relax(Deep(), "proxylessnas", costs="macs", example=IMAGES)
    for vector in supernet.architecture_parameters():
        torch.nn.init.normal_(vector)
    members = {member.id: member for member in supernet.space.enumerate()}
    chances = {name: chance_of(supernet, member) for name, member in members.items()}
    assert sum(chances.values()) == pytest.approx(1)
    macs = {name: cost_of(freeze(supernet.module, member), (3, 8, 8)).macs for name, member in members.items()}
    expected = sum(chances[name] * macs[name] for name in members)
    assert supernet.method.expected_cost().item() == pytest.approx(expected, rel=1e-5)


def test_latencies_are_measured_once_on_what_each_option_is_given():
    shapes = []

    class Slow(nn.Module):
        def forward(self, x):
            shapes.append(tuple(x.shape))
            return x

    net = nn.Sequential(nn.MaxPool2d(2), nn.LayerChoice({"slow": Slow(), "skip": nn.Identity()}, label="op"))
    supernet = relax(net, "proxylessnas", costs="latency", latency_batch=5, example=IMAGES)
    assert shapes[1:-1] == [(5, 3, 4, 4)] * 26
    assert supernet.module.training
    before = len(shapes)
    supernet.method.penalty()
    assert len(shapes) == before


@pytest.mark.parametrize(("threads", "clock"), [(1, "thread_time"), (2, "perf_counter")])
def test_a_latency_is_the_low_quantile_of_the_runs_after_the_warm_up(monkeypatch, threads, clock):
    now, spans = [0.0], itertools.chain([9.0] * 5, range(1, 22), itertools.repeat(0.0))
    monkeypatch.setattr(costs.time, clock, lambda: now[0])
    monkeypatch.setattr(costs.torch, "get_num_threads", lambda: threads)

    class Slow(nn.Module):
        def forward(self, x):
            now[0] += next(spans)
            return x

    supernet = relax(nn.Sequential(nn.LayerChoice({"slow": Slow(), "skip": nn.Identity()}, label="op")))
    assert costs.option_latencies(supernet, IMAGES, 1)["op"][0] == 3e3


def test_the_search_prefers_what_is_fast():
    class Slow(nn.Module):
        def forward(self, x):
            for _ in range(200):
                x = x + 0
            return x

    torch.manual_seed(0)
    net = nn.Sequential(nn.LayerChoice({"slow": Slow(), "fast": nn.Identity()}, label="op"))
    supernet = relax(net, "proxylessnas", costs="latency", cost_weight=1.0, example=torch.rand(2, 4))
    slow, fast = supernet.method.table["op"]
    assert slow > 5 * fast > 0
    chances = torch.softmax(supernet.method.alpha("op").detach().double(), 0)
    expected = (chances @ torch.tensor([slow, fast]).double()).item()
    assert supernet.method.expected_cost().item() == pytest.approx(expected)
    optimizer, draws = torch.optim.SGD(supernet.architecture_parameters(), 0.5), Draws.seeded(0)
    for _ in range(5):
        supernet.begin_step(draws)
        optimizer.zero_grad()
        supernet.method.penalty().backward()
        optimizer.step()
        supernet.method.settle()
    assert discretize(supernet).tree == {"op": "fast"}


def test_a_checkpoint_keeps_what_was_measured():
    first, second = (relax(Net(), "proxylessnas", costs="latency", example=IMAGES) for _ in range(2))
    assert first.method.table != second.method.table
    second.load_state_dict(first.state_dict())
    assert second.method.table == first.method.table
    assert torch.equal(second.method.penalty(), first.method.penalty())


def test_costs_that_are_no_sum_are_refused():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, nn.ValueChoice([2, 4], label="width"), 1)

        def forward(self, x):
            return self.conv(x)

    with pytest.raises(TrainableError, match="width is a value"):
        relax(Wide(), "proxylessnas", costs="macs", example=IMAGES)
    with pytest.raises(TrainableError, match="tied stands in an option of outer and outside of it"):
        relax(Nested(), "proxylessnas", costs="macs", example=IMAGES)
    with pytest.raises(TrainableError, match="costs is 'flops'; it must be 'latency', 'macs'"):
        relax(Net(), "proxylessnas", costs="flops")


def test_costs_of_what_is_not_there_are_refused():
    with pytest.raises(TrainableError, match="'other', which is not a decision; known: tied, last"):
        relax(Net(), "proxylessnas", costs={"other": [1, 2, 3]})
    with pytest.raises(TrainableError, match="2 numbers for its 3 options"):
        relax(Net(), "proxylessnas", costs={"last": [1, 2]})
    with pytest.raises(TrainableError, match="give one to relax"):
        relax(Net(), "proxylessnas", costs="macs")
