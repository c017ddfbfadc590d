"""What the options of a supernet cost, against the networks that they make."""

from __future__ import annotations

from itertools import product

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.nn import freeze
from tests.trainables.supernet.toys import Nested, Scale
from trainables.costs.cost import cost_of
from trainables.errors import TrainableError
from trainables.hardware import engines
from trainables.hardware.device import Device
from trainables.hardware.measuring import Measurement
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


@pytest.mark.slow
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


class Convolution(nn.Module):
    """A convolution that keeps the shape."""

    def __init__(self, kernel, channels=3):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2)

    def forward(self, x):
        return self.conv(x)


def sessions_of(monkeypatch, milliseconds):
    """Measuring by a function of a network and its inputs; the subjects and the device of each session."""
    sessions = []

    def session(subjects, device):
        made = {name: subject() for name, subject in subjects.items()}
        sessions.append((made, device))
        return [
            Measurement(name, "latency", value := milliseconds(*one), value, value, "a device", "by the test")
            for name, one in made.items()
        ]

    monkeypatch.setattr(costs, "measure", session)
    return sessions


def test_all_options_are_measured_in_one_session_on_what_each_is_given_and_equal_ones_once(monkeypatch):
    sessions = sessions_of(monkeypatch, lambda part, _: 1.0 + sum(one.numel() for one in part.parameters()))
    net = nn.Sequential(
        nn.LayerChoice({"wide": Convolution(3), "skip": nn.Identity()}, label="first"),
        nn.MaxPool2d(2),
        nn.LayerChoice({"wide": Convolution(3), "skip": nn.Identity()}, label="last"),
        nn.LayerChoice({"wide": Convolution(3), "thin": Convolution(1)}, label="end"),
    )
    device = {"engine": "torch", "threads": 2}
    supernet = relax(net, "proxylessnas", costs="latency", latency_batch=5, measured_on=device, example=IMAGES)
    [(subjects, measured_on)] = sessions
    assert measured_on == Device("torch", threads=2, batch=5)
    sizes = sorted(tuple(inputs.shape[1:]) for _, inputs in subjects.values())
    assert sizes == [(3, 4, 4)] * 3 + [(3, 8, 8)] * 3, "wide and skip at each size, thin, and the empty network"
    assert supernet.method.table == {"first": [84.0, 0.0], "last": [84.0, 0.0], "end": [84.0, 12.0]}
    assert supernet.module.training
    assert any("measured on" in text and "batch 5" in text for text in supernet.method.notes)


def test_an_option_counts_without_the_choices_in_it(monkeypatch):
    sessions_of(monkeypatch, lambda part, _: 1.0 + sum(one.numel() for one in part.parameters()))
    table = relax(Deep(), "proxylessnas", costs="latency", example=IMAGES).method.table
    assert table["outer"][0] == 0.0
    assert table["outer"][1] == 228.0, "its own convolution of 5 x 5, and not the two choices behind it"


def test_without_onnxruntime_pytorch_measures_and_a_note_says_so(monkeypatch):
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    sessions = sessions_of(monkeypatch, lambda part, _: 1.0)
    method = relax(Net(), "proxylessnas", costs="latency", example=IMAGES).method
    assert sessions[0][1].engine == "torch"
    assert any("onnxruntime is not installed" in text for text in method.notes)


@pytest.mark.slow
def test_an_option_that_the_engine_cannot_run_is_named_with_a_remedy():
    class Few(nn.Module):
        def forward(self, x):
            if len(x) > 4:
                raise ValueError("at most four")
            return x

    net = nn.Sequential(nn.LayerChoice({"few": Few(), "skip": nn.Identity()}, label="op"))
    said = r"option 0\.candidates\.few on \(3, 8, 8\).*at most four.*engine = 'torch'"
    with pytest.raises(TrainableError, match=said):
        relax(net, "proxylessnas", costs="latency", latency_batch=7, example=IMAGES)


def test_the_search_prefers_what_is_fast_on_the_engine():
    torch.manual_seed(0)
    net = nn.Sequential(nn.LayerChoice({"slow": Convolution(7), "fast": Convolution(1)}, label="op"))
    supernet = relax(net, "proxylessnas", costs="latency", cost_weight=1.0, example=torch.rand(2, 3, 32, 32))
    slow, fast = supernet.method.table["op"]
    assert slow > 2 * fast > 0
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


@pytest.mark.slow
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
