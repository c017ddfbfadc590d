"""Models in the style of NNI: the imports change, the class stays."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import search_spaces.nn as nn  # was: import nni.retiarii.nn.pytorch as nn
import search_spaces.nn as nni  # was: import nni
from search_spaces.nn import (  # was: from nni.nas.nn.pytorch import ..
    InputChoice,
    LayerChoice,
    ModelSpace,
    MutableConv2d,
    MutableDropout,
    MutableLinear,
    Repeat,
    basic_unit,
    model_wrapper,
)
from search_spaces.testing import check_space


@basic_unit
class Separable(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, groups=inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


@model_wrapper
class RetiariiNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.LayerChoice([nn.Conv2d(8, 16, 3), Separable(8, 16)], label="conv2")
        self.skip = nn.InputChoice(n_candidates=2, n_chosen=1, reduction="sum")
        self.dropout1 = nn.Dropout(nn.ValueChoice([0.25, 0.5, 0.75]))
        feature = nn.ValueChoice([16, 32])
        self.fc1 = nn.Linear(64, feature)
        self.hidden = nn.Repeat(lambda index: nn.Sequential(nn.Linear(feature, feature), nn.ReLU()), (1, 3))
        self.fc2 = nn.Linear(feature, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x1 = F.adaptive_avg_pool2d(self.conv2(x), 2)
        x0 = torch.tanh(x1)
        x = self.dropout1(self.skip([x1, x1 + x0])).flatten(1)
        return self.fc2(self.hidden(F.relu(self.fc1(x))))


class ModelSpaceNet(ModelSpace):
    def __init__(self):
        super().__init__()
        self.conv1 = MutableConv2d(1, nni.choice("channels", [4, 8]), 3)
        width = nni.choice("channels", [4, 8])
        self.conv2 = LayerChoice([MutableConv2d(width, 16, 3), MutableConv2d(width, 16, 1)], label="conv2")
        self.skip = InputChoice(2, label="skip")
        self.dropout1 = MutableDropout(nni.choice("dropout", [0.25, 0.5, 0.75]))
        feature = nni.choice("feature", [16, 32])
        self.fc1 = MutableLinear(64, feature)
        self.hidden = Repeat(
            lambda index: nn.Sequential(MutableLinear(feature, feature), nn.ReLU()), (1, 3), label="depth"
        )
        self.fc2 = MutableLinear(feature, 10)

    forward = RetiariiNet.forward


IMAGES = torch.rand(2, 1, 8, 8)


def by_hand(frozen, x, takes_sum):
    x1 = F.adaptive_avg_pool2d(frozen.conv2(F.relu(frozen.conv1(x))), 2)
    x = (x1 + torch.tanh(x1) if takes_sum else x1).flatten(1)
    x = F.relu(frozen.fc1(x))
    for block in frozen.hidden:
        x = block(x)
    return frozen.fc2(x)


def check(net, read):
    space = nn.space_of(net)
    check_space(space, samples=5)
    for seed in range(25):
        tree = space.sample(seed).tree
        frozen = nn.freeze(net, tree)
        conv2, skip, dropout, feature, depth = read(tree)
        assert (frozen.dropout1.p, frozen.fc1.out_features, len(frozen.hidden)) == (dropout, feature, depth)
        assert frozen.conv2.state_dict().keys() == net.conv2[conv2].state_dict().keys()
        frozen(IMAGES).sum().backward()
        with torch.no_grad():
            assert torch.equal(frozen.eval()(IMAGES), by_hand(frozen, IMAGES, skip == 1))
    return space


def test_a_retiarii_model_keeps_its_class():
    space = check(
        RetiariiNet(), lambda t: (t["conv2"], t["skip"], t["dropout1"]["p"], t["fc1"]["out_features"], t["hidden"])
    )
    assert (space.name, space.size) == ("retiariinet", 2 * 2 * 3 * 2 * 3)


@pytest.mark.slow
def test_a_model_space_of_nni_3_keeps_its_class():
    space = check(ModelSpaceNet(), lambda t: (t["conv2"], t["skip"], t["dropout"], t["feature"], t["depth"]))
    assert (space.name, space.size) == ("modelspacenet", 2 * 2 * 2 * 3 * 2 * 3)


def rounded(width, divisor):
    """As NNI's hub rounds channels."""
    new = nn.MutableExpression.max(divisor, round(width + divisor // 2) // divisor * divisor)
    return nn.MutableExpression.condition(new < 0.9 * width, new + divisor, new)


class HubNet(ModelSpace):
    def __init__(self):
        super().__init__()
        width = rounded(nni.choice("multiplier", [0.3, 1.0]) * 16, 8)
        size = nni.Categorical([(3, 1), (5, 2)], label="size")
        self.conv = MutableConv2d(1, width, size[0], padding=size[1])
        self.fc = MutableLinear(width, nn.ValueChoice.to_int(width * 1.5))

    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))


def test_a_model_of_the_hub_computes_with_values():
    net = HubNet()
    space = nn.space_of(net)
    check_space(space, samples=2)
    frozen = {(a["multiplier"], a["size"][0]): nn.freeze(net, a) for a in space.enumerate()}
    sizes = {key: (f.conv.out_channels, f.conv.kernel_size[0], f.fc.out_features) for key, f in frozen.items()}
    assert sizes == {(0.3, 3): (8, 3, 12), (0.3, 5): (8, 5, 12), (1.0, 3): (16, 3, 24), (1.0, 5): (16, 5, 24)}
    assert all(f(IMAGES).shape == (2, f.fc.out_features) for f in frozen.values())


def test_what_has_no_counterpart_says_what_to_write():
    with pytest.raises(AttributeError, match=r"'Cell'.*InputChoice\(.*layers"):
        _ = nn.Cell
