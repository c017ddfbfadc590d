"""Weights of a decided layer: leading channels, centres of kernels, and what is made anew."""

from __future__ import annotations

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.errors import SpaceError


def decided(layer, **tree):
    return nn.freeze(layer, tree)


def test_convolutions_keep_leading_channels_and_the_centre():
    conv = nn.Conv2d(nn.ValueChoice([2, 4]), nn.ValueChoice([3, 6]), nn.ValueChoice([3, 7]))
    made = decided(conv, in_channels=2, out_channels=3, kernel_size=3)
    assert torch.equal(made.weight, conv.weight[:3, :2, 2:5, 2:5])
    assert torch.equal(made.bias, conv.bias[:3])
    up = nn.ConvTranspose1d(nn.ValueChoice([2, 4]), 3, nn.ValueChoice([1, 3]))
    assert torch.equal(decided(up, in_channels=2, kernel_size=1).weight, up.weight[:2, :, 1:2])


def test_depthwise_convolutions_keep_their_channels():
    width = nn.ValueChoice([2, 4], label="w")
    conv = nn.Conv2d(width, width * 2, nn.ValueChoice([3, 5]), groups=width)
    made = decided(conv, w=2, kernel_size=3)
    assert torch.equal(made.weight, conv.weight[:4, :, 1:4, 1:4])


@pytest.mark.parametrize(
    ("make", "tree"),
    [
        (lambda: nn.Conv2d(4, nn.ValueChoice([4, 8]), 1, groups=2), {"out_channels": 4}),
        (lambda: nn.Conv2d(4, 8, 1, groups=nn.ValueChoice([1, 4])), {"groups": 1}),
        (lambda: (lambda w: nn.Conv2d(w, 8, 1, groups=w))(nn.ValueChoice([2, 4], label="w")), {"w": 2}),
        (lambda: nn.Conv2d(4, 8, 1, groups=nn.ValueChoice([2, 1, 4])), {"groups": 2}),
    ],
)
def test_groups_of_another_size_are_made_anew(make, tree):
    conv = make().double()
    conv.weight.requires_grad_(False)
    conv.bias.data.fill_(7)
    made = decided(conv, **tree)
    cut = conv.weight[: made.weight.shape[0], : made.weight.shape[1]]
    assert made.weight.shape != cut.shape or not torch.equal(made.weight, cut)
    assert bool(made.weight.any())
    assert (made.weight.dtype, made.weight.requires_grad) == (torch.float64, False)
    assert set(made.bias.tolist()) == {7}


def test_an_equal_grouped_convolution_keeps_its_weights():
    conv = nn.Conv2d(4, 8, nn.ValueChoice([1, 3]), groups=2)
    assert torch.equal(decided(conv, kernel_size=1).weight, conv.weight[:, :, 1:2, 1:2])


def test_normalisations_keep_their_buffers():
    norm = nn.BatchNorm1d(nn.ValueChoice([2, 4]), momentum=nn.ValueChoice([0.1, 0.5]))
    norm.running_mean.copy_(torch.arange(4))
    norm.num_batches_tracked.fill_(9)
    made = decided(norm, num_features=2, momentum=0.1)
    assert (made.running_mean.tolist(), made.num_batches_tracked.item(), made.momentum) == ([0, 1], 9, 0.1)
    layer = nn.LayerNorm((3, nn.ValueChoice([2, 4])))
    assert decided(layer, normalized_shape_1=2).weight.shape == (3, 2)
    group = nn.GroupNorm(nn.ValueChoice([1, 2]), 4)
    assert torch.equal(decided(group, num_groups=1).weight, group.weight)


def test_recurrent_layers_are_made_anew_where_their_size_changes():
    lstm = nn.LSTM(3, nn.ValueChoice([2, 4]), num_layers=nn.ValueChoice([1, 2]))
    made = decided(lstm, args_1=2, num_layers=1)
    made(torch.rand(5, 1, 3))[0].sum().backward()
    assert made.weight_ih_l0.grad.shape == (8, 3)
    same = decided(lstm, args_1=4, num_layers=1)
    assert torch.equal(same.weight_hh_l0, lstm.weight_hh_l0)


def test_layers_of_layers_are_cut_part_by_part():
    layer = nn.TransformerEncoderLayer(4, 2, nn.ValueChoice([8, 16]), batch_first=True).eval()
    made = decided(layer, dim_feedforward=8)
    assert torch.equal(made.linear1.weight, layer.linear1.weight[:8])
    assert torch.equal(made.self_attn.in_proj_weight, layer.self_attn.in_proj_weight)
    assert not made.self_attn.training
    assert made(torch.rand(1, 2, 4)).shape == (1, 2, 4)


def test_an_argument_may_add_or_drop_a_tensor():
    linear = nn.Linear(2, 3, bias=nn.ValueChoice([True, False]))
    assert linear.bias is not None
    assert decided(linear, bias=False).bias is None


def test_hooks_and_own_attributes_are_kept():
    linear = nn.Linear(2, nn.ValueChoice([2, 4]), device="cpu")
    linear.note = "mine"
    linear.register_forward_hook(double)
    made = decided(linear, out_features=2)
    x = torch.rand(1, 2)
    assert made.note == "mine"
    assert torch.equal(made(x), 2 * torch.nn.functional.linear(x, made.weight, made.bias))


def double(module, inputs, output):
    return output * 2


def test_a_parametrized_layer_is_refused():
    net = nn.Sequential(torch.nn.utils.parametrizations.weight_norm(nn.Linear(2, nn.ValueChoice([2, 4]))))
    with pytest.raises(
        SpaceError, match="0: the Linear became a ParametrizedLinear; parametrize layers after freezing"
    ):
        nn.freeze(net, {"layer_0": {"out_features": 2}})
