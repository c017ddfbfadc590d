"""Networks have the papers' sizes and run at every size of image."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import torch

import search_spaces
from search_spaces.errors import ArchitectureError, UnknownNameError
from tests.registries import kept
from tests.trainables.members import SWEEP
from trainables import build, networks
from trainables.costs.cost import cost_of
from trainables.errors import TrainableError
from trainables.networks.base import DropPath
from trainables.networks.nb201 import EDGES, OPERATIONS


def cell(*operations):
    return dict(zip(EDGES, operations, strict=True))


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def train_once(network, channels, size, batch=2):
    loss = network(torch.rand(batch, channels, *size)).square().mean()
    loss.backward()
    assert bool(torch.isfinite(loss))
    return [p.grad for p in network.parameters() if p.grad is not None]


@pytest.mark.parametrize(("ones", "threes"), [(0, 0), (1, 0), (6, 0), (0, 1), (3, 1), (0, 6), (2, 4)])
def test_nb201_has_the_published_parameters(ones, threes):
    rest = ["none", "skip_connect", "avg_pool_3x3"] * 2
    operations = ["nor_conv_1x1"] * ones + ["nor_conv_3x3"] * threes + rest
    with torch.device("meta"):
        network = build("nb201", cell(*operations[:6]), num_classes=10, in_channels=3, image_size=32)
    assert parameters(network) == 73_306 + 28_000 * ones + 243_040 * threes


@pytest.mark.slow
def test_nb201_agrees_with_the_table():
    root = os.environ.get("NAS_TUNE_TABLES")
    if not root or not (table := Path(root) / "nb201" / "nb201_cifar10.parquet").exists():
        pytest.skip("NAS_TUNE_TABLES names no folder with the table of NAS-Bench-201")
    from pyarrow import parquet

    space = search_spaces.get("nb201")
    rows = parquet.read_table(table, columns=["arch_str", "c10_params"])
    for row in rows.take(random.Random(0).sample(range(len(rows)), 40)).to_pylist():
        with torch.device("meta"):
            network = build(space, space.from_string(row["arch_str"]))
        assert parameters(network) == row["c10_params"], row["arch_str"]


def test_nb201_computes_the_cell_by_hand():
    torch.manual_seed(0)
    operations = ("nor_conv_3x3", "skip_connect", "avg_pool_3x3", "none", "nor_conv_1x1", "skip_connect")
    network = build("nb201", cell(*operations), channels=4, cells=1).eval()
    inner = network.stages[0]
    x = torch.randn(2, 4, 6, 6)

    def conv(edge, value):
        convolution, norm = inner.edges[edge]
        return norm(convolution(torch.relu(value)))

    # EDGES are 0_1, 0_2, 1_2, 0_3, 1_3, 2_3.
    one = conv("edge_0_1", x)
    two = x + torch.nn.functional.avg_pool2d(one, 3, 1, 1, count_include_pad=False)
    three = conv("edge_1_3", one) + two
    assert torch.allclose(inner(x), three, atol=1e-6)


def test_nb201_may_halve_its_images_by_a_pooling_alone():
    settings = {"num_classes": 10, "in_channels": 3, "channels": 16, "cells": 1}
    operations = ["none", "skip_connect", "avg_pool_3x3"] * 2
    whole, light = (build("nb201", cell(*operations), reduction=one, **settings) for one in ("residual", "pool"))
    # Two 3x3 convolutions with their normalisations, from 16 to 32 and from 32 to 64 channels.
    bodies = sum(9 * (c * 2 * c + 4 * c * c) + 2 * 4 * c for c in (16, 32))
    assert parameters(whole) - parameters(light) == bodies
    x = torch.randn(2, 16, 7, 7)
    wanted = torch.nn.functional.avg_pool2d(x, 2, 2, ceil_mode=True)
    weight = light.stages[1].shortcut.weight[:, :, 0, 0]
    assert torch.allclose(light.stages[1](x), torch.einsum("oc,nchw->nohw", weight, wanted), atol=1e-6)
    volumes = build("nb201", cell(*operations), reduction="pool", image_size=(4, 4, 4), **settings).eval()
    assert volumes(torch.randn(1, 3, 4, 4, 4)).shape == (1, 10)
    with pytest.raises(TrainableError, match=r"reduction is 'pooling'.*residual.*pool"):
        build("nb201", None, reduction="pooling", **settings)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("size", [(1, 1), (5, 8)])
def test_nb201_runs_at_every_size(operation, size):
    network = build("nb201", cell(*[operation] * 6), in_channels=1, image_size=size, channels=2, cells=1)
    assert train_once(network, 1, size)


@SWEEP
def test_random_chains_build_and_run(count):
    space = search_spaces.get("chain")
    rng = random.Random(0)
    for index in range(count):
        architecture = space.sample(rng)
        size = (rng.choice((1, 2, 3, 7)), rng.choice((1, 4, 5)))
        network = build("chain", architecture, num_classes=3, in_channels=1, image_size=size, channels=4, width=1 / 32)
        assert train_once(network, 1, size), (index, architecture)
        with torch.no_grad():
            assert network.eval()(torch.rand(1, 1, *size)).shape == (1, 3)


def chain(*layers):
    keys = ("op", "channels", "stride", "connection")
    return {"layers": [dict(zip(keys, layer, strict=True)) for layer in layers]}


@pytest.mark.parametrize("strides", [(1, 1), (1, 2), (2, 1), (2, 2)])
@pytest.mark.parametrize("connection", ["series", "parallel", "skip", "dense"])
@pytest.mark.parametrize("size", [(1, 1), (7, 4)])
def test_chain_connections_fit_at_every_stride(strides, connection, size):
    plan = chain(
        ("conv_3x3", 8, strides[0], "series"),
        ("dwconv_5x5", 4, strides[1], connection),
        ("max_pool_3x3", 16, 1, "parallel"),
    )
    assert train_once(build("chain", plan, in_channels=1), 1, size)


def test_chain_layers_do_what_their_connection_says():
    torch.manual_seed(0)
    x = torch.rand(1, 1, 4, 4)

    def maps(connection, operation="avg_pool_3x3"):
        plan = chain(("identity", 16, 1, "series"), (operation, 16, 1, connection))
        network = build("chain", plan, in_channels=1, channels=2).eval()
        stem = network.stem(x)
        layer = network.layers[1]
        return stem, layer(stem, stem) if connection == "parallel" else layer(stem)

    def pool(value):
        return torch.nn.functional.avg_pool2d(value, 3, 1, 1, count_include_pad=False)

    for connection, expected in {
        "series": pool,
        "skip": lambda stem: pool(stem) + stem,
        "dense": lambda stem: torch.cat((stem, pool(stem)), 1),
        "parallel": lambda stem: stem + pool(stem),
    }.items():
        stem, value = maps(connection)
        assert torch.equal(value, expected(stem)), connection
    stem, value = maps("series", "zero")
    assert not value.any()


def test_chain_width_and_channels_decide_the_size():
    plan = chain(("conv_3x3", 64, 1, "series"))
    convolution = build("chain", plan, channels=4, width=0.5).layers[0].operation[0]
    assert (convolution.in_channels, convolution.out_channels) == (4, 32)


def test_decisions_that_a_canonical_form_dropped_are_not_missed():
    assert build("chain", {"layers": [{"op": "identity"}]}) is not None


@pytest.mark.parametrize(
    ("space", "architecture", "path"),
    [
        ("nb201", cell(*["conv"] * 6), "edge_0_1"),
        ("nb201", {}, "edge_0_1"),
        ("chain", {"layers": []}, "layers"),
        ("chain", chain(("conv_3x3", 0, 1, "series")), "layers.0.channels"),
        ("chain", chain(("identity", 1, 3, "series")), "layers.0.stride"),
        ("chain", chain(("identity", 1, 1, "series"), ("pool", 1, 1, "skip")), "layers.1.op"),
        ("nb201", ["none"], ""),
    ],
)
def test_foreign_architectures_are_refused_with_their_path(space, architecture, path):
    with pytest.raises(ArchitectureError) as caught:
        build(space, architecture)
    assert caught.value.path == path


def test_unknown_networks_and_settings_are_refused():
    good = cell(*["none"] * 6)
    with pytest.raises(UnknownNameError, match="did you mean 'nb201'"):
        build("nb20l", good)
    with pytest.raises(TrainableError, match="did you mean 'channels'"):
        build("nb201", good, chanels=3)
    with pytest.raises(TrainableError, match="num_classes"):
        build("nb201", good, num_classes=0)
    with pytest.raises(TrainableError, match="no name"):
        build(search_spaces.Space({"a": search_spaces.choice(1, 2)}), {"a": 1})


def test_own_network_is_registered_and_built(monkeypatch):
    monkeypatch.setattr(networks.NETWORKS, "_registered", {})

    def flat(architecture, *, num_classes, in_channels, image_size, depth=1):
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(num_classes * depth))

    networks.register("flat", flat)
    assert build("flat", {}, num_classes=3, depth=2)(torch.rand(1, 1, 2, 2)).shape == (1, 6)
    with pytest.raises(TrainableError, match="replace=True"):
        networks.register("flat", networks.builder_of("chain"))


def test_macs_of_nb201_follow_from_its_shapes():
    # Stem, the two residual blocks and the classifier at C=16, N=5, 32x32, counted by hand.
    stem = 32 * 32 * 27 * 16
    blocks = sum(side**2 * (9 * c * c // 2 + 9 * c * c + c * c // 2) for side, c in ((16, 32), (8, 64)))
    network = build("nb201", cell(*["none"] * 6))
    assert cost_of(network, (3, 32, 32)).macs == stem + blocks + 640


UNDECIDED = {"darts", "detnas", "dints", "enas_recurrent", "mobilenetv3", "nb201", "proxylessnas", "recurrent"}


@pytest.mark.parametrize("name", sorted({*networks.NETWORKS.built_in()} - UNDECIDED))
def test_families_without_an_undecided_network_say_so(name):
    with pytest.raises(TrainableError, match=r".* has no supernet, .* a space with a supernet: darts"):
        build(name, None)


@pytest.mark.parametrize(
    ("name", "path"), [("vit", "embedding"), ("transformer_lm", "embedding"), ("nb101", "operations")]
)
def test_a_foreign_architecture_is_not_repeated_whole(name, path):
    foreign = search_spaces.get("darts").sample(0)
    with pytest.raises(ArchitectureError) as caught:
        build(name, foreign)
    assert caught.value.path == path
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("probability", [1, 1.0, -0.1, float("nan"), True, "half"])
def test_drop_path_refuses_what_leaves_nothing_or_is_no_probability(probability):
    with pytest.raises(TrainableError, match="drop_path is"):
        DropPath(probability)
    assert DropPath(0.999)(torch.ones(4, 1)).isfinite().all()


def test_a_builder_gets_an_architecture_whether_the_caller_has_one_or_its_tree():
    def build_wide(architecture):
        return torch.nn.Linear(architecture.tree["width"], architecture["width"])

    with kept(networks.NETWORKS):
        networks.register("wide", build_wide)
        tree = {"width": 3}
        assert parameters(build("wide", tree)) == parameters(build("wide", search_spaces.Architecture(tree))) == 12


def test_a_class_whose_constructor_begins_with_the_architecture_is_a_builder():
    class Wide(torch.nn.Module):
        def __init__(self, architecture, num_classes):
            super().__init__()
            self.layer = torch.nn.Linear(architecture["width"], num_classes)

    with kept(networks.NETWORKS):
        networks.register("wide", Wide)
        assert parameters(build("wide", {"width": 3}, num_classes=2)) == 8
