"""The networks of the macro space of ENAS: their parameters by the rule, their layers by hand, and that they run."""

from __future__ import annotations

import random

import pytest
import torch

import search_spaces
from search_spaces.catalogue.enas_macro import OPERATIONS
from search_spaces.errors import ArchitectureError
from tests.trainables.members import SWEEP
from trainables import build
from trainables.networks.enas_macro import EnasReduction


def member(arc, layers):
    return search_spaces.get("enas_macro", layers=layers).from_arc(arc)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("number", "weights"),
    [
        (0, 9 * 36 * 36 + 72),
        (1, 9 * 36 + 36 * 36 + 72),
        (2, 25 * 36 * 36 + 72),
        (3, 25 * 36 + 36 * 36 + 72),
        (4, 0),
        (5, 0),
    ],
)
def test_parameters_of_each_operation(number, weights):
    with torch.device("meta"):
        network = build("enas_macro", member(str(number), layers=1))
    stem, entry, classifier = 27 * 36 + 72, 36 * 36 + 72, 360
    assert parameters(network) == stem + entry + weights + classifier


def test_parameters_of_skips_and_reductions():
    # Three pooling layers of 4, 8 and 16 channels; the stem is used until the last layer, layer 0 in the next one.
    with torch.device("meta"):
        network = build("enas_macro", member("4  5 1  4 1 0", layers=3), channels=4, num_classes=3)
    stem = 27 * 4 + 8
    entries = sum(c * c + 2 * c for c in (4, 8, 16))
    joins = sum(2 * c * c + 2 * c for c in (8, 16))
    reductions = 2 * (4 * 8 + 16) + 2 * (8 * 16 + 32)
    assert parameters(network) == stem + entries + joins + reductions + 16 * 3
    assert [sorted(reduction) for reduction in network.reductions.values()] == [["0", "1"], ["0", "2"]]


def test_a_layer_stacks_its_skips_on_its_own_output():
    torch.manual_seed(0)
    network = build("enas_macro", member("0  3 1", layers=2), channels=4).eval()
    x = torch.rand(2, 3, 5, 4)
    stem = network.stem(x)
    first = network.layers[0].operation(stem)
    second = network.layers[1].join(torch.cat((stem, network.layers[1].operation(first)), 1))
    assert torch.allclose(network(x), network.classifier(second.mean((2, 3))), atol=1e-6)


def test_a_reduction_sees_every_pixel_of_the_diagonal():
    reduction = EnasReduction(1, 2).eval()
    for path in (reduction.even, reduction.odd):
        torch.nn.init.ones_(path.weight)
    x = torch.arange(9.0).view(1, 1, 3, 3)
    even, odd = reduction(x)[0] * (1 + 1e-5) ** 0.5
    assert torch.allclose(even, torch.tensor([[0.0, 2.0], [6.0, 8.0]]))
    assert torch.allclose(odd, torch.tensor([[4.0, 0.0], [0.0, 0.0]]))


@pytest.mark.slow
@SWEEP
def test_random_members_build_and_run(count):
    rng = random.Random(0)
    for index in range(count):
        space = search_spaces.get("enas_macro", layers=12 if index % 40 == 0 else 1 + index % 4)
        size = (rng.choice((1, 2, 5)), rng.choice((1, 3, 4)))
        network = build(space, space.sample(rng), num_classes=3, image_size=size, channels=2)
        network(torch.rand(2, 3, *size)).square().mean().backward()
        assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in network.parameters()), index


@pytest.mark.parametrize(
    ("layers", "path"),
    [
        (None, "layers"),
        ([], "layers"),
        ([3], "layers.0"),
        ([{"op": "conv"}], "layers.0.op"),
        ([{"op": "conv_3x3", "skips": ["stem"]}], "layers.0.skips"),
        ([{"op": "conv_3x3"}, {"op": OPERATIONS[1], "skips": ["layer_0"]}], "layers.1.skips"),
        ([{"op": "conv_3x3"}, {"op": OPERATIONS[1], "skips": ["stem", "stem"]}], "layers.1.skips"),
        ([{"op": "conv_3x3"}, {"op": OPERATIONS[1], "skips": "stem"}], "layers.1.skips"),
    ],
)
def test_foreign_architectures_are_refused_with_their_path(layers, path):
    with pytest.raises(ArchitectureError) as caught:
        build("enas_macro", {"layers": layers})
    assert caught.value.path == path
