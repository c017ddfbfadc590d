"""Networks of blocks with pooling between them: their parameters and shapes, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import search_spaces
from search_spaces.errors import ArchitectureError
from tests.search_spaces.catalogue.test_vgg import member
from trainables.networks import build


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (28, 28)])
def test_images_of_every_size_become_logits(size: tuple[int, int]) -> None:
    space = search_spaces.get("vgg")
    for seed in range(6):
        network = build("vgg", space.sample(seed), num_classes=3, in_channels=2, channels=4).eval()
        assert network(torch.zeros(2, 2, *size)).shape == (2, 3)


def test_its_parameters_are_those_of_its_layers() -> None:
    blocks = ({}, {"convolutions": 2, "operation": "separable"}, {"skip": True, "kernel": 5, "grow": 1})
    network = build("vgg", member(*blocks), num_classes=10, in_channels=1, channels=4)
    first = 9 * 8 + 2 * 8
    second = (9 * 8 + 2 * 8 + 8 * 16 + 2 * 16) + (9 * 16 + 2 * 16 + 16 * 16 + 2 * 16)
    third = 25 * 16 * 16 + 2 * 16
    assert sum(one.numel() for one in network.parameters()) == first + second + third + 16 * 10 + 10


def test_the_summary_is_the_mean_or_the_maximum_of_the_image() -> None:
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    outputs = []
    for summary in ("mean", "max"):
        torch.manual_seed(0)
        network = build("vgg", member({}, {}, {}, summary=summary), num_classes=2, in_channels=1, dropout=0.9)
        outputs.append(network.eval()(images))
        seen = network[:-3](images)
        wanted = seen.mean((2, 3)) if summary == "mean" else seen.amax((2, 3))
        assert torch.allclose(network[-3](seen), wanted)
    assert not torch.allclose(*outputs)


@pytest.mark.parametrize(
    ("blocks", "path"), [([], "blocks"), ([{"grow": 0}], "blocks.0.grow"), ([{"pool": "mix"}, {}], "blocks.0.pool")]
)
def test_a_wrong_block_is_refused_with_its_path(blocks: list[dict[str, Any]], path: str) -> None:
    with pytest.raises(ArchitectureError, match=path):
        build("vgg", member(*blocks), num_classes=2, in_channels=1)
