"""Operations of cells: what each keeps and reaches, and channels in the order of their importance."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainables.networks.cell_operations import OPERATIONS, Style, operation
from trainables.networks.inverted_residual import SqueezeExcitation
from trainables.trial.bounds import cut

REACH = {
    "conv_3x1_1x3": 3,
    "conv_7x1_1x7": 7,
    "dil_conv_3x3": 5,
    "dil_conv_5x5": 9,
    "sep_conv_3x3": 5,
    "sep_conv_7x7": 13,
}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_keeps_the_channels_and_keeps_or_halves_the_image(name: str, stride: int) -> None:
    made = operation(name, 4, stride, Style())
    for height, width in ((8, 6), (5, 1)):
        assert made(torch.randn(2, 4, height, width)).shape == (2, 4, -(-height // stride), -(-width // stride))


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name in REACH])
def test_a_pixel_is_seen_as_far_as_the_name_says_in_both_directions(name: str) -> None:
    made = operation(name, 1, 1, Style()).eval()
    for layer in made.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, 21, 21)
    x[..., 10, 10] = 1
    with torch.no_grad():
        rows, columns = (made(x)[0, 0] > 0).nonzero().unbind(1)
    for places in (rows, columns):
        assert (int(places.min()), int(places.max())) == (10 - REACH[name] // 2, 10 + REACH[name] // 2)


def test_the_channels_in_between_are_sorted_by_their_weights_and_compute_the_same() -> None:
    torch.manual_seed(0)
    made, x = SqueezeExcitation(32), torch.randn(2, 32, 4, 4)
    with torch.no_grad():
        wanted = made(x)
        made.reorder(torch.arange(32))
        torch.testing.assert_close(made(x), wanted)
    sizes = made.expand.weight.abs().sum((0, 2, 3)).tolist()
    assert len(sizes) > 2
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(("length", "most"), [(10, 10), (11, 10), (11, 9), (500, 100)])
def test_of_a_text_that_is_too_long_both_ends_are_kept(length: int, most: int) -> None:
    text = "".join(chr(0x4E00 + place) for place in range(length))
    found, half = cut(text, most), most // 2
    if length <= most:
        assert found == text
    else:
        assert found == f"{text[:half]} ... {length - 2 * half} characters left out ... {text[-half:]}"
