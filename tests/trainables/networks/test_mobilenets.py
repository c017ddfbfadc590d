"""Networks of the mobile spaces: the papers' counts, torchvision's network, members and supernets that run."""

from __future__ import annotations

import random
from functools import partial

import pytest
import torch
from torch.nn import functional
from torchvision.models import mobilenet_v3_large, mobilenetv2

import search_spaces
from search_spaces import nn
from search_spaces.errors import ArchitectureError
from tests.trainables.members import SWEEP
from trainables import build
from trainables.errors import TrainableError
from trainables.networks.base import DropPath

SMALL_OFA = {"resolutions": (8, 16), "widths": (1.0, 1.2), "depth": (1, 2)}
LARGE = [
    [(3, 4), (3, 3)],
    [(5, 3), (5, 3), (5, 3)],
    [(3, 6), (3, 2.5), (3, 2.3), (3, 2.3)],
    [(3, 6), (3, 6)],
    [(5, 6), (5, 6), (5, 6)],
]
"""MobileNetV3-Large: kernel and expansion of the blocks of every stage."""
PUBLISHED = {
    # Channels; then a stage a word: kernels, and expansions with 0 for zero (ProxylessNAS' own networks).
    4_080_512: ((32, 16, 32, 40, 80, 96, 192, 320, 1280), "5333 7355 7555 5555 7777 7", "3300 3333 6333 6333 6633 6"),
    7_119_848: ((40, 24, 32, 56, 112, 128, 256, 432, 1728), "5333 7333 7555 5335 7775 7", "3000 3003 6003 6033 6666 6"),
    4_361_648: ((40, 24, 32, 48, 88, 104, 216, 360, 1432), "3333 3335 3333 5333 5553 5", "6333 6333 6003 6333 6333 6"),
    6_857_568: ((48, 24, 40, 56, 112, 136, 256, 448, 1792), "5333 7355 7555 5555 7777 7", "3300 3333 6333 6333 6633 6"),
}


def ofa(stages, resolution=128, width=1.0):
    blocks = {
        f"stage_{i}": [{"kernel": kernel, "expansion": expansion} for kernel, expansion in stage]
        for i, stage in enumerate(stages, 1)
    }
    return {"resolution": resolution, "width": width, **blocks}


def proxyless(kernels, expansions):
    return {
        f"stage_{stage}": {
            f"block_{i}": f"mbconv{e}_{k}x{k}" if e != "0" else "zero"
            for i, (k, e) in enumerate(zip(*words, strict=True), 1)
        }
        for stage, words in enumerate(zip(kernels.split(), expansions.split(), strict=True), 1)
    }


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def counted(*arguments, **settings):
    with torch.device("meta"):
        return parameters(build(*arguments, num_classes=1000, **settings))


def shapes(network):
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def block_parameters(inputs, outputs, hidden, kernel, squeezed=0):
    """Two 1x1 convolutions, a depthwise one, their normalisations, two 1x1 convolutions with bias."""
    convolutions = inputs * hidden + hidden * kernel**2 + hidden * outputs
    return convolutions + 2 * (2 * hidden + outputs) + 2 * hidden * squeezed + (squeezed and squeezed + hidden)


@pytest.mark.parametrize(
    ("width", "depth", "kernel", "expansion", "widths", "total"),
    [
        (1.0, 4, 7, 6, (16, 16, 24, 40, 80, 112, 160, 960, 1280), 7_664_760),
        (1.0, 2, 3, 3, (16, 16, 24, 40, 80, 112, 160, 960, 1280), 3_410_792),
        (1.2, 4, 7, 6, (24, 24, 32, 48, 96, 136, 192, 1152, 1536), 10_701_632),
        (1.2, 2, 3, 3, (24, 24, 32, 48, 96, 136, 192, 1152, 1536), 4_602_456),
    ],
)
def test_the_extremes_of_mobilenetv3_have_the_derived_parameters(width, depth, kernel, expansion, widths, total):
    squeezed = {48: 16, 72: 24, 80: 24, 96: 24, 120: 32, 144: 40, 160: 40, 192: 48, 240: 64, 288: 72, 336: 88, 408: 104}
    squeezed |= {480: 120, 576: 144, 672: 168, 816: 208, 960: 240, 1152: 288}
    stem, fixed, *stages, last, features = widths
    expected = 27 * stem + 2 * stem + (9 * stem + 2 * stem) + stem * fixed + 2 * fixed
    before = fixed
    for index, after in enumerate(stages):
        for _ in range(depth):
            hidden = before * expansion
            expected += block_parameters(before, after, hidden, kernel, squeezed[hidden] if index in (1, 3, 4) else 0)
            before = after
    expected += before * last + 2 * last + last * features + features * 1000 + 1000
    tree = ofa([[(kernel, expansion)] * depth] * 5, width=width)
    assert counted("mobilenetv3", tree) == expected == total


@pytest.mark.slow
def test_the_authors_supernet_has_the_kernel_matrices_besides():
    largest = counted("mobilenetv3", None, choices={"widths": (1.0,)})
    assert largest == counted("mobilenetv3", ofa([[(7, 6)] * 4] * 5))
    assert largest + 20 * ((5 * 5) ** 2 + (3 * 3) ** 2) == 7_678_880


@pytest.mark.slow
def test_mobilenetv3_large_is_a_point_of_the_space_with_its_expansions():
    space = search_spaces.get("mobilenetv3", expansions=(2.3, 2.5, 3, 4, 6))
    large = space.validate(ofa(LARGE, resolution=224))
    assert not search_spaces.get("mobilenetv3").contains(large)
    assert counted(space, large, head_bias=True) == 5_483_032
    assert counted(space, large) == 5_483_032 - 1280


def test_mobilenetv3_large_computes_what_torchvisions_does():
    theirs = mobilenet_v3_large(norm_layer=torch.nn.BatchNorm2d, dropout=0.0, num_classes=10)
    ours = build("mobilenetv3", ofa(LARGE), head_bias=True, resize=False)
    weights = zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True)
    ours.load_state_dict({name: value.reshape(own.shape) for (name, own), value in weights})
    x = torch.randn(2, 3, 32, 32)
    values = ours(x), theirs(x)
    assert torch.allclose(*values, rtol=1e-4, atol=1e-6)
    assert float(values[0].detach().std()) > 1e-3
    for network in (ours, theirs):
        network.eval()
    assert torch.allclose(ours(x), theirs(x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("stage", "block", "shape"), [(2, 1, (24, 40, 2, 6)), (2, 2, (40, 40, 1, 3)), (4, 1, (80, 96, 1, 6))]
)
def test_blocks_of_proxylessnas_compute_what_torchvisions_mobilenetv2_does(stage, block, shape):
    member = proxyless("3333 3333 3333 3333 3333 3", "6666 6333 6666 6666 6666 6")
    ours = build("proxylessnas", member).get_submodule(f"stage_{stage}.block_{block}")
    theirs = mobilenetv2.InvertedResidual(*shape, norm_layer=partial(torch.nn.BatchNorm2d, eps=1e-3))
    weights = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
    ours.load_state_dict(dict(weights))
    x = 5 * torch.randn(2, shape[0], 7, 7)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


@pytest.mark.parametrize("total", PUBLISHED)
def test_the_published_networks_of_proxylessnas_have_their_parameters(total):
    channels, kernels, expansions = PUBLISHED[total]
    member = search_spaces.get("proxylessnas").validate(proxyless(kernels, expansions))
    assert counted("proxylessnas", member, channels=channels) == total


def test_all_candidates_of_proxylessnas_have_the_published_parameters():
    assert counted("proxylessnas", None) == 16_034_168


@pytest.mark.parametrize(
    ("kernels", "expansions"),
    [
        ("7777 7777 7777 7777 7777 7", "6666 6666 6666 6666 6666 6"),
        ("3333 3333 3333 3333 3333 3", "3000 3000 3000 3000 3000 3"),
    ],
)
def test_the_extremes_of_proxylessnas_have_the_derived_parameters(kernels, expansions):
    stages = (24, 40, 80, 96, 192, 320)
    expected = 27 * 32 + 2 * 32 + (9 * 32 + 2 * 32) + 32 * 16 + 2 * 16
    before = 16
    for after, words in zip(stages, zip(kernels.split(), expansions.split(), strict=True), strict=True):
        for k, e in zip(*words, strict=True):
            expected += block_parameters(before, after, before * int(e), int(k)) if e != "0" else 0
            before = after
    expected += 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert counted("proxylessnas", proxyless(kernels, expansions)) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reduced"), [("mobilenetv3", {"depth": (1, 1)}), ("proxylessnas", {"blocks": (2, 1, 1, 1, 1, 1)})]
)
@SWEEP
def test_random_members_build_and_run(name, reduced, count):
    rng = random.Random(0)
    settings = {"resize": False} if name == "mobilenetv3" else {}
    whole, small = search_spaces.get(name), search_spaces.get(name, **reduced)
    for index in range(count):
        space = small if index % 20 else whole
        architecture = space.sample(rng)
        size = (rng.choice((1, 2, 7, 9)), rng.choice((1, 5, 8)))
        network = build(space, architecture, num_classes=3, in_channels=1, image_size=size, scale=0.1, **settings)
        loss = network(torch.rand(2, 1, *size)).square().mean()
        loss.backward()
        assert bool(torch.isfinite(loss)), architecture
        assert all(parameter.grad is not None for parameter in network.parameters()), architecture


@pytest.mark.parametrize(
    ("name", "reduced"), [("mobilenetv3", SMALL_OFA), ("proxylessnas", {"blocks": (3, 1, 2, 1, 1, 1)})]
)
def test_the_undecided_network_has_the_space_and_freezes_to_its_members(name, reduced):
    space = search_spaces.get(name, **reduced)
    undecided = build(name, None, choices=reduced, num_classes=3, in_channels=1, scale=0.1)
    assert nn.space_of(undecided).to_spec()["tree"] == space.to_spec()["tree"]
    rng = random.Random(0)
    for _ in range(3):
        architecture = space.sample(rng)
        frozen = nn.freeze(undecided, architecture)
        built = build(name, architecture, num_classes=3, in_channels=1, scale=0.1)
        assert list(shapes(frozen).items()) == list(shapes(built).items())
        built.load_state_dict(frozen.state_dict())
        x = torch.rand(2, 1, 9, 9)
        assert torch.equal(frozen.eval()(x), built.eval()(x))
    assert undecided(torch.rand(2, 1, 9, 9)).shape == (2, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenetv3", "proxylessnas"])
def test_the_undecided_networks_have_the_papers_spaces(name):
    with torch.device("meta"):
        undecided = build(name, None)
    assert nn.space_of(undecided).to_spec()["tree"] == search_spaces.get(name).to_spec()["tree"]


def test_images_are_brought_to_the_resolution_of_the_architecture():
    member = ofa([[(3, 3)] * 2] * 5, resolution=64)
    network, plain = (build("mobilenetv3", member, scale=0.05, resize=resize) for resize in (True, False))
    plain.load_state_dict(network.state_dict())
    x = torch.rand(3, 3, 40, 48)
    resized = functional.interpolate(x, (64, 64), mode="bilinear", align_corners=False)
    assert torch.equal(network(x), plain(resized))
    assert not torch.allclose(network(x), plain(x), atol=1e-3)


def test_blocks_are_residual_where_the_shape_stays():
    network = build("mobilenetv3", ofa([[(3, 3)] * 2] * 5), scale=0.05, drop_path=0.5)
    assert [[block.residual for block in network.get_submodule(f"stage_{i}")] for i in (1, 4)] == [[False, True]] * 2
    member = proxyless("3333 33 3 3 3 3", "3003 30 3 3 3 3")
    network = build("proxylessnas", member, scale=0.05, drop_path=0.5)
    first, zero, _, last = network.stage_1
    x = torch.rand(1, 8, 4, 4)
    assert (first.residual, zero(x) is x, last.residual) == (False, True, True)
    last.train()
    last.drop_path.probability = 1.0 - 1e-9
    assert torch.equal(last(x), x)
    assert {m.final for m in network.modules() if isinstance(m, DropPath)} == {0.0, 0.5}


def test_a_zero_is_no_more_than_the_block_left_out():
    with_zeros = build("proxylessnas", proxyless("3333 3 3 3 3 3", "3063 3 3 3 3 3"), scale=0.05).eval()
    without = build("proxylessnas", proxyless("333 3 3 3 3 3", "363 3 3 3 3 3"), scale=0.05).eval()
    for one, other in zip(with_zeros.parameters(), without.parameters(), strict=True):
        other.data = one.data
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(with_zeros(x), without(x))


@pytest.mark.parametrize(
    ("name", "change", "path"),
    [
        ("mobilenetv3", {"stage_2": []}, "stage_2"),
        ("mobilenetv3", {"stage_2": [{"kernel": 4, "expansion": 3}]}, "stage_2.0.kernel"),
        ("mobilenetv3", {"stage_2": [{"kernel": 3, "expansion": 0}]}, "stage_2.0.expansion"),
        ("mobilenetv3", {"stage_2": [{"kernel": 3}]}, "stage_2.0.expansion"),
        ("mobilenetv3", {"stage_2": ["mbconv"]}, "stage_2.0.kernel"),
        ("mobilenetv3", {"width": "wide"}, "width"),
        ("mobilenetv3", {"resolution": 20.5}, "resolution"),
        ("proxylessnas", {"stage_6": {}}, "stage_6"),
        ("proxylessnas", {"stage_6": {"block_1": "zero"}}, "stage_6.block_1"),
        ("proxylessnas", {"stage_6": {"block_1": "mbconv6_4x4"}}, "stage_6.block_1"),
        ("proxylessnas", {"stage_6": {"block_1": "mbconv3_3x3", "block_3": "zero"}}, "stage_6.block_2"),
    ],
)
def test_foreign_architectures_are_refused_with_their_path(name, change, path):
    smallest = ofa([[(3, 3)] * 2] * 5) if name == "mobilenetv3" else proxyless("3 3 3 3 3 3", "3 3 3 3 3 3")
    with pytest.raises(ArchitectureError) as caught:
        build(name, {**smallest, **change})
    assert caught.value.path == path


@pytest.mark.parametrize(
    "settings",
    [
        {"scale": 0},
        {"dropout": 1.5},
        {"drop_path": -1},
        {"drop_path": 1},
        {"channels": (16, 16)},
        {"channels": (16.0,) * 9},
        {"chanels": (16,) * 9},
    ],
)
def test_bad_settings_are_refused(settings):
    for name in ("mobilenetv3", "proxylessnas"):
        with pytest.raises(TrainableError, match=next(iter(settings))):
            build(name, None, **settings)


def test_an_undecided_block_always_expands():
    with pytest.raises(TrainableError, match="leave 1 out"):
        build("mobilenetv3", None, choices={"expansions": (1, 3)})
