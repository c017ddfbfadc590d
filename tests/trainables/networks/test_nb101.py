"""The networks of NAS-Bench-101 have the published sizes, follow the channel rule and run."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
import torch

import search_spaces
from search_spaces.catalogue.nb101_cells import CellGraph as Graph
from search_spaces.errors import ArchitectureError
from tests.trainables.members import SWEEP
from trainables import build
from trainables.errors import TrainableError
from trainables.networks.nb101 import Nb101Cell, vertex_channels

SPACE = search_spaces.get("nb101")
CONV3, CONV1, POOL = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"


def cell(rows, *operations):
    return SPACE.from_matrix([[int(entry) for entry in row] for row in rows.split()], operations)


def parameters(architecture, **settings):
    with torch.device("meta"):
        network = build("nb101", architecture, **settings)
    return sum(p.numel() for p in network.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "operations", "published"),
    [
        # The example of the official README, the first cell of the table, and a cell that other repositories quote.
        ("0111010 0000001 0000001 0000100 0000001 0000001 0000000", (CONV1, CONV3, CONV3, CONV3, POOL), 2_694_282),
        ("0100110 0010000 0001001 0000010 0000010 0000001 0000000", (CONV3, POOL, CONV3, CONV3, CONV1), 8_555_530),
        ("0110011 0000010 0001000 0000100 0000010 0000001 0000000", (CONV1, CONV3, POOL, CONV3, CONV3), 32_426_634),
    ],
)
def test_parameters_are_the_published_ones(rows, operations, published):
    assert parameters(cell(rows, *operations)) == published


def test_parameters_of_the_empty_cell_follow_from_the_skeleton():
    def convolution(inputs, outputs, kernel):
        return kernel**2 * inputs * outputs + 2 * outputs

    widths = (128, 128, 128, 128, 256, 256, 256, 512, 512, 512)
    stem = convolution(3, 128, 3)
    projections = sum(convolution(a, b, 1) for a, b in pairwise(widths))
    assert parameters(cell("01 00")) == stem + projections + 5_130
    assert parameters(cell("01 00"), channels=8, stacks=1, cells=2, num_classes=3, in_channels=1) == 88 + 2 * 80 + 27


@pytest.mark.parametrize(
    ("rows", "inputs", "outputs", "expected"),
    [
        ("01 00", 4, 10, [4, 10]),
        ("0110 0001 0001 0000", 4, 11, [4, 6, 5, 11]),
        ("01110 00001 00001 00001 00000", 6, 20, [6, 7, 7, 6, 20]),
        # The edge from the input to the output takes no share; a vertex in front has the widest behind it.
        ("01001 00110 00001 00001 00000", 4, 9, [4, 5, 5, 4, 9]),
        ("01000 00100 00010 00001 00000", 16, 8, [16, 8, 8, 8, 8]),
    ],
)
def test_channels_are_divided_by_the_rule(rows, inputs, outputs, expected):
    into = tuple(sum(int(row[v]) << u for u, row in enumerate(rows.split())) for v in range(len(expected)))
    assert vertex_channels(Graph(into, (CONV3,) * (len(into) - 2)), inputs, outputs) == expected


def test_a_cell_computes_what_its_graph_says():
    torch.manual_seed(0)
    # 0 -> 1, 2, 4(output); 1 -> 2, 4; 2 -> 3; 3 -> 4, with 5 output channels: vertex 1 has 3, 2 and 3 have 2.
    into = (0, 0b1, 0b11, 0b100, 0b1011)
    made = Nb101Cell(Graph(into, (CONV1, CONV3, POOL)), 4, 5).eval()
    x = torch.rand(2, 4, 5, 6)
    one = made.operations[0](made.projections["1"](x))
    two = made.operations[1](one[:, :2] + made.projections["2"](x))
    three = torch.nn.functional.max_pool2d(two, 3, 1, 1)
    expected = torch.cat((one, three), 1) + made.projections["4"](x)
    assert made.channels == [4, 3, 2, 2, 5]
    assert torch.allclose(made(x), expected, atol=1e-6)
    assert sorted(made.projections) == ["1", "2", "4"]


@SWEEP
def test_random_members_build_and_run(count):
    rng = random.Random(0)
    for index in range(count):
        size = (rng.choice((1, 2, 5)), rng.choice((1, 3, 4)))
        network = build("nb101", SPACE.sample(rng), num_classes=3, image_size=size, channels=4, stacks=2, cells=1)
        network(torch.rand(2, 3, *size)).square().mean().backward()
        assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in network.parameters()), index


def test_a_cell_of_another_space_builds():
    small = search_spaces.get("nb101", vertices=4, max_edges=3)
    made = small.from_matrix([[0, 1, 0], [0, 0, 1], [0, 0, 0]], [CONV3])
    same = cell("010 001 000", CONV3)
    assert made.id == same.id
    assert parameters(made, channels=8) == parameters(same, channels=8)


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({}, "operations"),
        ({"operations": [], "edges": ["0_1"]}, "operations"),
        ({"operations": [CONV3, "conv"], "edges": ["0_3"]}, "operations.1"),
        ({"operations": [CONV3], "edges": ["0_3"]}, "edges"),
        ({"operations": [CONV3], "edges": ["0_1"]}, ""),
    ],
)
def test_foreign_architectures_are_refused_with_their_path(tree, path):
    with pytest.raises(ArchitectureError) as caught:
        build("nb101", tree)
    assert caught.value.path == path


def test_settings_that_cannot_be_are_refused():
    wide = cell("01110 00001 00001 00001 00000", CONV3, CONV3, CONV3)
    with pytest.raises(TrainableError, match="among 3 vertices"):
        build("nb101", wide, channels=2)
    with pytest.raises(TrainableError, match="stacks is 0"):
        build("nb101", wide, stacks=0)
