"""Networks of cells: the papers' parameters, every member at every size, the undecided module of the same code."""

from __future__ import annotations

import random

import pytest
import torch

import search_spaces
from search_spaces.errors import ArchitectureError
from search_spaces.nn import freeze, space_of
from tests.search_spaces.catalogue.genotypes import PUBLISHED
from tests.trainables.members import SWEEP
from trainables import build
from trainables.costs.cost import cost_of
from trainables.errors import TrainableError
from trainables.networks.base import set_drop_path
from trainables.networks.cell_operations import OPERATIONS, FactorizedReduction, Style, operation

IMAGENET = {"layers": 14, "stem": "imagenet", "num_classes": 1000}
FAMILIES = ("darts", "nasnet", "amoebanet", "pnas", "enas_micro")


def published(name):
    family, settings, text = PUBLISHED[name]
    space = search_spaces.get(family, **settings)
    return space, space.from_genotype(text)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("name", "settings", "count"),
    [
        ("DARTS_V1", {}, 3_169_414),
        ("DARTS_V1", {"auxiliary": True}, 3_645_840),
        ("DARTS_V2", {}, 3_349_342),
        ("DARTS_V2", {"auxiliary": True}, 3_825_768),
        ("DARTS_V2", {"channels": 48, **IMAGENET}, 4_718_752),
        ("GDAS_V1", {}, 3_368_782),
        ("GDAS_V1", {"auxiliary": True}, 3_845_208),
        ("GDAS_V1", {"channels": 50, **IMAGENET}, 5_345_075),
    ],
)
def test_parameters_are_the_published_ones(name, settings, count):
    with torch.device("meta"):
        assert parameters(build(*published(name), **settings)) == count


@pytest.mark.parametrize(
    ("name", "millions", "auxiliary"),
    [
        ("PC_DARTS", 3.63, False),
        pytest.param("PDARTS", 3.43, False, marks=pytest.mark.slow),
        pytest.param("SNAS", 2.66, False, marks=pytest.mark.slow),
        ("FairDARTS_d", 3.84, True),
        ("NASNet", 3.83, False),
        pytest.param("AmoebaNet", 3.15, False, marks=pytest.mark.slow),
        pytest.param("ENASNet", 4.02, False, marks=pytest.mark.slow),
    ],
)
def test_parameters_round_to_the_published_ones(name, millions, auxiliary):
    with torch.device("meta"):
        assert round(parameters(build(*published(name), auxiliary=auxiliary)) / 1e6, 2) == millions


@pytest.mark.slow
def test_multiply_adds_of_darts_v2():
    with torch.device("meta"):
        network = build(*published("DARTS_V2"))
    assert cost_of(network, (3, 32, 32)).macs == 528_359_040


@pytest.mark.slow
def test_the_search_network_has_the_paper_s_weights():
    with torch.device("meta"):
        assert parameters(build("darts", None, channels=16, layers=8)) == 1_930_618


SIZES = [(8, 8), (1, 1), (3, 2), (5, 9), (1, 6)]


def run(network, size, batch=2):
    """A forward and a backward pass, then a look at one image."""
    made = network.train()(torch.rand(batch, 1, *size))
    outputs = made if isinstance(made, tuple) else (made,)
    loss = sum(output.square().mean() for output in outputs)
    loss.backward()
    assert bool(torch.isfinite(loss))
    assert all(output.shape == (batch, 3) for output in outputs)
    with torch.no_grad():
        assert network.eval()(torch.rand(1, 1, *size)).shape == (1, 3)
    return outputs


@pytest.mark.parametrize("family", FAMILIES)
@SWEEP
def test_random_members_build_and_run(family, count):
    space, rng = search_spaces.get(family), random.Random(0)
    # Most with one cell; what several cells and the other stem and heads change is seen by the rest.
    plain = {"layers": 1, "num_classes": 3, "in_channels": 1, "channels": 2}
    for index in range(count):
        more = {}
        if index % 10 == 0:
            more = {"layers": 3, "auxiliary": True, "drop_path": 0.3, "stem": ("cifar", "imagenet")[index // 10 % 2]}
        run(build(space, space.sample(rng), **{**plain, **more}), SIZES[index % len(SIZES)])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_keep_channels_and_halve_upwards(name, stride):
    for affine in (True, False):
        layer = operation(name, 3, stride, Style(affine))
        for size in ((8, 8), (1, 1), (7, 4)):
            shape = layer(torch.rand(2, 3, *size)).shape
            assert shape == (2, 3, -(-size[0] // stride), -(-size[1] // stride))


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_the_auxiliary_head_speaks_in_training_only(stem):
    space, architecture = published("DARTS_V2")
    network = build(space, architecture, channels=2, layers=3, num_classes=3, in_channels=1, stem=stem, auxiliary=True)
    for size in ((1, 1), (9, 40), (70, 66)):
        assert len(run(network, size)) == 2


def test_the_auxiliary_head_pools_the_papers_maps_to_2x2():
    space, architecture = published("DARTS_V2")
    for stem, size, side in (("cifar", 32, 8), ("imagenet", 224, 7)):
        with torch.device("meta"):
            network = build(space, architecture, channels=4, layers=3, stem=stem, auxiliary=True)
        seen = []
        network.auxiliary.register_forward_hook(lambda _, given, __, seen=seen: seen.append(given[0].shape[2:]))
        network.auxiliary.features.register_forward_hook(
            lambda _, given, __, seen=seen: seen.append(given[0].shape[2:])
        )
        network(torch.empty(2, 3, size, size, device="meta"))
        assert seen == [(2, 2), (side, side)]


def test_factorized_reduction_takes_even_and_odd_pixels():
    reduction = FactorizedReduction(1, 2).eval()
    for convolution in (reduction.first, reduction.second):
        torch.nn.init.ones_(convolution.weight)
    even, odd = (torch.arange(n * n, dtype=torch.float).reshape(1, 1, n, n) for n in (4, 3))
    found = reduction(even)[0] * (1 + reduction.norm.eps) ** 0.5
    assert torch.allclose(found, torch.stack([even[0, 0, ::2, ::2], even[0, 0, 1::2, 1::2]]))
    found = reduction(odd)[0] * (1 + reduction.norm.eps) ** 0.5
    assert torch.allclose(found[1], torch.tensor([[4.0, 0.0], [0.0, 0.0]]))


def test_drop_path_spares_identities_and_evaluation():
    space, architecture = published("DARTS_V2")
    plain = build(space, architecture, channels=2, layers=3)
    dropping = build(space, architecture, channels=2, layers=3, drop_path=0.99)
    dropping.load_state_dict(plain.state_dict())
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(plain.eval()(x), dropping.eval()(x))
    set_drop_path(dropping, 0.0)
    assert torch.equal(plain.train()(x), dropping.train()(x))
    set_drop_path(dropping, 1.0)
    torch.manual_seed(0)
    cell = dropping.cells[0]
    value = cell(torch.rand(2, 6, 8, 8), torch.rand(2, 6, 8, 8))
    assert not value[:, :4].any()  # nodes 2 and 3 are separable convolutions
    assert value[:, 4:].any()  # the others have a skip-connection


def test_a_darts_cell_computes_what_it_says():
    pool, skip, sep, dil = "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "dil_conv_3x3"
    nodes = [{"input_0": skip}, {"input_1": pool}], [{"input_0": sep}, {"input_2": skip}]
    plain = [[{"input_0": pool}, {"input_1": pool}], [{"input_0": dil}, {"input_1": skip}]]
    tree = {kind: {f"node_{i}": n for i, n in enumerate(c, 2)} for kind, c in (("normal", nodes), ("reduce", plain))}
    network = build("darts", tree, channels=2, layers=3).eval()
    one, two = torch.rand(2, 1, 6, 7, 7)
    normal = network.cells[0]
    first, second = normal.first(one), normal.second(two)
    node = first + torch.nn.functional.avg_pool2d(second, 3, 1, 1, count_include_pad=False)
    separable = normal.nodes[1].layers[0]
    assert torch.allclose(normal(one, two), torch.cat([node, separable(first) + node], 1), atol=1e-6)
    reduces = network.cells[1]
    two = torch.rand(1, 4, 7, 7)
    first, second = reduces.first(one), reduces.second(two)
    nodes = reduces.nodes
    assert isinstance(nodes[1].layers[1][0], FactorizedReduction)
    pooled = [torch.nn.functional.avg_pool2d(value, 3, 2, 1, count_include_pad=False) for value in (first, second)]
    expected = torch.cat([sum(pooled), nodes[1].layers[0](first) + nodes[1].layers[1](second)], 1)
    assert torch.allclose(reduces(one, two), expected, atol=1e-6)
    assert expected.shape == (1, 8, 4, 4)


def test_a_cell_of_blocks_concatenates_its_loose_ends():
    side = {"input": 0, "op": "skip_connect"}
    cell = {
        "block_2": {"left": side, "right": {"input": 1, "op": "skip_connect"}},
        "block_3": {"left": {"input": 2, "op": "skip_connect"}, "right": {"input": 2, "op": "max_pool_3x3"}},
        "block_4": {"left": side, "right": side},
    }
    one, two = torch.rand(2, 1, 6, 7, 7)
    for tree, ends in (({}, (1, 2)), ({"concat": "all"}, (0, 1, 2))):
        network = build("nasnet", {**tree, "normal": cell, "reduce": cell}, channels=2, layers=3).eval()
        normal = network.cells[0]
        first, second = normal.first(one), normal.second(two)
        total = first + second
        blocks = [total, total + torch.nn.functional.max_pool2d(total, 3, 1, 1), first + first]
        assert torch.allclose(normal(one, two), torch.cat([blocks[i] for i in ends], 1), atol=1e-6)
    network = build("pnas", {"cell": cell}, channels=2, layers=3)
    assert [len(inner.concat) * inner.second[1].out_channels for inner in network.cells] == [6, 12, 24]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), [("darts", {"channels": 2, "layers": 3}), ("nb201", {"cells": 1})])
@pytest.mark.parametrize("affine", [True, False])
def test_undecided_networks_are_the_space_and_freeze_to_its_members(name, settings, affine):
    space = search_spaces.get(name)
    undecided = build(name, None, **settings, affine=affine)
    assert space_of(undecided).to_spec()["tree"] == space.to_spec()["tree"]
    x = torch.rand(2, 3, 9, 7)
    assert undecided(x).shape == (2, 10)
    for seed in range(3):
        architecture = space.sample(seed)
        frozen = freeze(undecided, architecture).eval()
        built = build(name, architecture, **settings, affine=affine).eval()
        shapes = [{key: value.shape for key, value in net.state_dict().items()} for net in (frozen, built)]
        assert shapes[0] == shapes[1]
        built.load_state_dict(frozen.state_dict())
        assert torch.equal(built(x), frozen(x))


def test_normalisations_of_search_networks_do_not_learn():
    undecided = build("darts", None, channels=2, layers=1, nodes=1, operations=("max_pool_3x3", "conv_3x3"))
    norms = [module for module in undecided.cells.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert len(norms) == 2 + 2 * 2
    assert not any(norm.affine for norm in norms)
    assert space_of(undecided).size == 2**2  # one cell, a reduction


DARTS_TREE = search_spaces.get("darts").sample(0).tree
BLOCK_TREE = search_spaces.get("nasnet").sample(0).tree


def changed(tree, *path, value):
    """A copy of `tree` with the value at `path`."""
    if not path:
        return value
    copy = list(tree) if isinstance(tree, list) else dict(tree)
    copy[path[0]] = changed(tree[path[0]], *path[1:], value=value)
    return copy


@pytest.mark.parametrize(
    ("family", "tree", "path"),
    [
        ("darts", {}, "normal"),
        ("darts", changed(DARTS_TREE, "reduce", value={}), "reduce"),
        ("darts", changed(DARTS_TREE, "normal", "node_3", value=[{"input_0": "max_pool_3x3"}]), "normal.node_3"),
        ("darts", changed(DARTS_TREE, "normal", "node_3", value=[{"input_0": "max_pool_3x3"}] * 2), "normal.node_3"),
        ("darts", changed(DARTS_TREE, "normal", "node_2", 0, value={"input_2": "max_pool_3x3"}), "normal.node_2"),
        ("darts", changed(DARTS_TREE, "normal", "node_2", 0, value={"input_0": "none"}), "normal.node_2.input_0"),
        ("nasnet", {"normal": BLOCK_TREE["normal"]}, "reduce"),
        ("nasnet", changed(BLOCK_TREE, "normal", "block_4", value=3), "normal.block_4"),
        ("nasnet", changed(BLOCK_TREE, "normal", "block_4", "left", "input", value=4), "normal.block_4.left.input"),
        ("nasnet", changed(BLOCK_TREE, "normal", "block_4", "right", "op", value="sep"), "normal.block_4.right.op"),
        ("nasnet", {"concat": "some", **BLOCK_TREE}, "concat"),
        ("pnas", BLOCK_TREE, "cell"),
    ],
)
def test_foreign_cells_are_refused_with_their_path(family, tree, path):
    with pytest.raises(ArchitectureError) as caught:
        build(family, tree)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"channels": 1}, "channels is 1"),
        ({"layers": 0}, "layers is 0"),
        ({"stem": "imagnet"}, "did you mean 'imagenet'"),
        ({"auxiliary": 1}, "auxiliary is 1"),
        ({"drop_path": 1.0}, "drop_path is 1.0"),
        ({"affine": 0}, "affine is 0"),
        ({"layer": 3}, "did you mean 'layers'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(TrainableError, match=said):
        build("darts", DARTS_TREE, **settings)
    with pytest.raises(TrainableError, match="no supernet"):
        build("nasnet", None)
