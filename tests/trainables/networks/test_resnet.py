"""AnyNetX networks: the RegNets' parameter counts, random members, what is refused."""

from __future__ import annotations

import random

import pytest
import torch
from torchvision.models.regnet import BlockParams, RegNet

import search_spaces
from search_spaces.errors import ArchitectureError
from tests.trainables.members import SWEEP
from trainables import build
from trainables.errors import TrainableError

SPACE = search_spaces.get("resnet", group_widths=(1, 2, 4, 8, 16, 24, 32, 48))
REGNETS = {  # depth, initial width, slope, multiplier, group width, squeeze, published parameters
    "x_400mf": (22, 24, 24.48, 2.54, 16, 0.0, 5_495_976),
    "x_800mf": (16, 56, 35.73, 2.28, 16, 0.0, 7_259_656),
    "x_1_6gf": (18, 80, 34.01, 2.25, 24, 0.0, 9_190_136),
    "x_3_2gf": (25, 88, 26.31, 2.25, 48, 0.0, 15_296_552),
    "y_400mf": (16, 48, 27.89, 2.09, 8, 0.25, 4_344_144),
}
TINY = search_spaces.get("resnet", stages=2, max_depth=2, max_width=64)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def stage(depth=1, width=8, ratio=1, group_width=4):
    return {"depth": depth, "width": width, "bottleneck_ratio": ratio, "group_width": group_width}


@pytest.mark.slow
@pytest.mark.parametrize("name", REGNETS)
def test_regnets_have_the_published_parameters_and_torchvisions_shapes(name):
    depth, initial_width, slope, multiplier, group_width, squeeze, published = REGNETS[name]
    made = SPACE.regnet(
        depth=depth, initial_width=initial_width, slope=slope, multiplier=multiplier, group_width=group_width
    )
    theirs = BlockParams.from_init_params(
        depth=depth, w_0=initial_width, w_a=slope, w_m=multiplier, group_width=group_width, se_ratio=squeeze or None
    )
    with torch.device("meta"):
        network = build(SPACE, made, num_classes=1000, stem="imagenet", squeeze=squeeze)
        reference = RegNet(theirs)
    assert parameters(network) == parameters(reference) == published
    shapes = [sorted(tuple(p.shape) for p in each.parameters()) for each in (network, reference)]
    assert shapes[0] == shapes[1]


def test_the_stages_halve_the_image_as_their_stem_says():
    tree = {"stages": [stage(width=8 * n) for n in (1, 2, 3, 4)]}
    x = torch.rand(2, 3, 32, 32)
    for stem, sides in {"cifar": [32, 32, 16, 8, 4], "imagenet": [16, 8, 4, 2, 1]}.items():
        network = build("resnet", tree, stem=stem, stem_width=4).eval()
        value = network.stem(x)
        found = [value.shape[-1]]
        for each in network.stages:
            value = each(value)
            found.append(value.shape[-1])
        assert found == sides


def test_a_block_is_what_it_says():
    torch.manual_seed(0)
    network = build("resnet", {"stages": [stage(depth=2, ratio=2, group_width=2)]}, squeeze=0.5).eval()
    block = network.stages[0][1]
    x = torch.rand(1, 8, 5, 5)
    assert [m.groups for m in block.path if isinstance(m, torch.nn.Conv2d)] == [1, 2, 1]
    assert torch.equal(block(x), torch.relu(x + block.path(x)))
    excite = block.path[6]
    mean = x[:, :4].mean((2, 3), keepdim=True)
    expected = x[:, :4] * torch.sigmoid(excite.excite(torch.relu(excite.squeeze(mean))))
    assert torch.equal(excite(x[:, :4]), expected)
    assert excite.squeeze.out_channels == 4  # half of the block's input


@pytest.mark.slow
@SWEEP
def test_random_members_build_and_run(count):
    rng = random.Random(0)
    for index in range(count):
        made = TINY.sample(rng)
        settings = {"stem": rng.choice(("cifar", "imagenet")), "squeeze": rng.choice((0.0, 0.25)), "stem_width": 4}
        network = build("resnet", made, num_classes=3, in_channels=1, width=0.2, **settings)
        size = (rng.choice((1, 2, 5)), rng.choice((1, 3, 4)))
        loss = network(torch.rand(2, 1, *size)).square().mean()
        loss.backward()
        assert torch.isfinite(loss), (index, made)
        assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"layers": []}, "stages"),
        ({"stages": [1]}, "stages.0.depth"),
        ({"stages": [stage(), stage(depth=0)]}, "stages.1.depth"),
        ({"stages": [{**stage(), "width": "8"}]}, "stages.0.width"),
    ],
)
def test_a_foreign_tree_is_refused_with_its_path(tree, path):
    with pytest.raises(ArchitectureError) as caught:
        build("resnet", tree)
    assert caught.value.path == path


@pytest.mark.parametrize("settings", [{"stem": "imagnet"}, {"stem_width": 0}, {"squeeze": -0.5}, {"width": 0}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(TrainableError, match=next(iter(settings))):
        build("resnet", {"stages": [stage()]}, **settings)
