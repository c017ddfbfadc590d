"""Blocks of MobileNets: rounded channels, and the sorting of channels, which changes no output."""

from __future__ import annotations

import pytest
import torch

from trainables.errors import TrainableError
from trainables.networks.inverted_residual import InvertedResidual, SqueezeExcitation, check_channels, divisible


@pytest.mark.parametrize(
    ("channels", "rounded"), [(1, 8), (8, 8), (11.9, 16), (12, 16), (20, 24), (19, 24), (18, 24), (40, 40), (44, 48)]
)
def test_channels_are_a_multiple_of_8_that_loses_at_most_a_tenth(channels: float, rounded: int) -> None:
    assert divisible(channels) == rounded
    assert rounded >= 0.9 * channels


def block(expansion: float = 4, squeeze: bool = True) -> InvertedResidual:
    torch.manual_seed(0)
    made = InvertedResidual(8, 8, 3, expansion, squeeze=squeeze, residual=True)
    with torch.no_grad():
        for tensor in (*made.parameters(), *made.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.1)
    return made.eval()


@pytest.mark.parametrize("squeeze", [False, True])
def test_sorted_channels_compute_the_same_with_the_important_ones_first(squeeze: bool) -> None:
    made, x = block(squeeze=squeeze), torch.randn(2, 8, 5, 5)
    before = made(x)
    kept = [one.clone() for one in made.parameters()]
    made.sort_channels()
    torch.testing.assert_close(made(x), before)
    assert not all(torch.equal(one, other) for one, other in zip(made.parameters(), kept, strict=True))
    project = made.layers[-2].weight.abs().sum((0, 2, 3))
    assert torch.equal(project, project.sort(descending=True).values)
    if squeeze:
        (part,) = (one for one in made.layers if isinstance(one, SqueezeExcitation))
        inside = part.expand.weight.abs().sum((0, 2, 3))
        assert torch.equal(inside, inside.sort(descending=True).values)


def test_channels_that_other_layers_know_are_left_in_their_order() -> None:
    made = block(expansion=1)
    kept = [one.clone() for one in made.parameters()]
    made.sort_channels()
    assert all(torch.equal(one, other) for one, other in zip(made.parameters(), kept, strict=True))


def test_an_image_may_skip_a_block_with_a_residual_alone() -> None:
    x = torch.randn(2, 8, 5, 5)
    with_residual = block(squeeze=False)
    torch.testing.assert_close(with_residual(x), x + with_residual.layers(x))
    without = InvertedResidual(8, 16, 3, 2, stride=2).eval()
    assert without(x).shape == (2, 16, 3, 3)


@pytest.mark.parametrize("channels", [(16, 24), (16, 24, 0), (16, 24, 1.5), (16, 24, True)])
def test_channels_are_as_many_whole_numbers_as_the_default(channels: tuple[int, ...]) -> None:
    check_channels((1, 2, 3), (16, 24, 40))
    with pytest.raises(TrainableError, match="it must be 3 whole numbers above 0, as in"):
        check_channels(channels, (16, 24, 40))
