"""Networks for tables: parameters by hand, embeddings of categories, what a block computes, what is refused."""

from __future__ import annotations

import random

import pytest
import torch
from torch.nn import functional

import search_spaces
from search_spaces.errors import ArchitectureError
from tests.trainables.members import SWEEP
from trainables import build
from trainables.errors import TrainableError
from trainables.networks import example
from trainables.networks.tabular import embedding_widths

ROW = {"num_features": 5, "cardinalities": (3, 40)}
SMALL = {
    "mlp": {"min_width": 2, "max_width": 6},
    "resnet_mlp": {"min_width": 2, "max_width": 6, "depths": (1, 3)},
    "ft_transformer": {"widths": (8, 16), "depths": (1, 2)},
}
PLAIN = {
    "mlp": {"layers": [{"width": 8, "activation": "relu", "norm": "none", "dropout": 0.0}], "skip": False},
    "resnet_mlp": {
        "width": 8,
        "activation": "relu",
        "norm": "layer",
        "dropout": 0.1,
        "residual_dropout": 0.1,
        "blocks": [{"hidden_ratio": 2.0}, {"hidden_ratio": 1.5}],
    },
    "ft_transformer": {
        "width": 8,
        "attention_dropout": 0.1,
        "ffn_dropout": 0.1,
        "residual_dropout": 0.1,
        "blocks": [{"heads": 4, "ffn_ratio": 2.0}, {"heads": 8, "ffn_ratio": 1.0}],
    },
}


def parameters(network):
    return sum(p.numel() for p in network.parameters())


@SWEEP
@pytest.mark.parametrize("name", SMALL)
def test_random_members_build_and_run(name, count):
    space, rng = search_spaces.get(name, **SMALL[name]), random.Random(0)
    for index in range(count):
        made = space.sample(rng)
        network = build(space, made, num_classes=3, **ROW)
        loss = network(**example(space, batch=4, **ROW)).square().mean()
        loss.backward()
        assert torch.isfinite(loss), (index, made)
        assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize("name", PLAIN)
def test_rows_have_numbers_or_categories_or_both(name):
    both = build(name, PLAIN[name], num_classes=3, **ROW).eval()
    batch = example(name, batch=4, **ROW)
    outputs = both(**batch)
    assert outputs.shape == (4, 3)
    assert torch.equal(both(batch["numbers"], batch["categories"]), outputs)
    numbers = build(name, PLAIN[name], num_classes=3, num_features=5)
    assert numbers(example(name, num_features=5)).shape == (2, 3)
    categories = build(name, PLAIN[name], num_classes=1, num_features=0, cardinalities=[4])
    assert categories(**example(name, num_features=0, cardinalities=[4])).shape == (2, 1)


@pytest.mark.parametrize("name", PLAIN)
def test_a_category_changes_its_row_alone_and_the_unseen_one_is_zero(name):
    network = build(name, PLAIN[name], num_classes=3, **ROW).eval()
    numbers, codes = torch.rand(3, 5), torch.tensor([[1, 1], [1, 1], [0, 0]])
    before = network(numbers, codes)
    codes[0, 1] = 39
    after = network(numbers, codes)
    assert not torch.allclose(before[0], after[0])
    assert torch.equal(before[1:], after[1:])
    zero = [module.weight[0] for module in network.modules() if isinstance(module, torch.nn.Embedding)]
    assert len(zero) == 2
    assert not any(row.any() for row in zero)


def test_parameters_are_those_counted_by_hand():
    vectors = 3 * 3 + 40 * 13
    assert embedding_widths([3, 40], None) == [3, 13]
    inputs = 5 + 3 + 13
    assert parameters(build("mlp", PLAIN["mlp"], num_classes=3, **ROW)) == vectors + 8 * inputs + 8 + 3 * 8 + 3
    blocks = sum(16 + (8 * hidden + hidden) + (8 * hidden + 8) for hidden in (16, 12))
    residual = vectors + 8 * inputs + 8 + blocks + 16 + 3 * 8 + 3
    assert parameters(build("resnet_mlp", PLAIN["resnet_mlp"], num_classes=3, **ROW)) == residual
    drops = {"attention_dropout": 0.2, "ffn_dropout": 0.1, "residual_dropout": 0.0}
    default = {"width": 192, **drops, "blocks": [{"heads": 8, "ffn_ratio": 1.33}] * 3}
    tokens = 192 * (1 + 5 + 43 + 7)
    block = 4 * 192 * 193 + (192 * 512 + 512) + (256 * 192 + 192) + 2 * 384
    whole = tokens + 3 * block - 384 + 384 + 2 * 192 + 2
    assert parameters(build("ft_transformer", default, num_classes=2, **ROW)) == whole


def test_a_width_of_embeddings_can_be_given():
    network = build("resnet_mlp", PLAIN["resnet_mlp"], num_classes=3, embedding=4, **ROW)
    assert [module.weight.shape for module in network.categories.columns] == [(3, 4), (40, 4)]


def test_a_residual_block_computes_what_the_paper_says():
    network = build("resnet_mlp", PLAIN["resnet_mlp"], num_classes=3, num_features=5).eval()
    x = torch.rand(2, 8)
    norm, inner, _, _, outer, _ = network.blocks[0].branch
    assert torch.allclose(network.blocks[0](x), x + outer(functional.relu(inner(norm(x)))))


def test_a_transformer_for_tables_computes_what_the_paper_says():
    network = build("ft_transformer", PLAIN["ft_transformer"], num_classes=3, **ROW).eval()
    numbers, codes = torch.rand(2, 5), torch.tensor([[1, 2], [2, 30]])
    tokens = torch.cat([network.numbers(numbers), network.categories(codes)], dim=1)
    assert tokens.shape == (2, 5 + 2, 8)
    assert torch.allclose(tokens[1, 2], numbers[1, 2] * network.numbers.scale[2] + network.numbers.bias[2])
    last = network.categories
    assert torch.allclose(tokens[1, 6], last.columns[1].weight[30] + last.bias[1])
    body = network.network
    first, second = body.blocks
    assert isinstance(first.attention_norm, torch.nn.Identity)
    assert isinstance(second.attention_norm, torch.nn.LayerNorm)
    inner = first.gated.inner(tokens)
    wanted = first.gated.outer(inner[..., :16] * functional.relu(inner[..., 16:]))
    assert torch.allclose(first.gated(tokens), wanted)
    seen = body.blocks(torch.cat([body.first.expand(2, 1, 8), tokens], dim=1))
    assert torch.allclose(network(numbers, codes), body.classifier(functional.relu(body.norm(seen[:, 0]))))


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"num_features": 0}, "num_features is 0"),
        ({"num_features": 2, "cardinalities": [3, 0]}, "0 is not a number of codes"),
        ({"num_features": 2, "cardinalities": 7}, "cardinalities is 7"),
    ],
)
def test_rows_of_no_shape_are_refused(name, row, said):
    with pytest.raises(TrainableError, match=said):
        build(name, PLAIN[name], **row)


@pytest.mark.parametrize(
    ("name", "change", "path"),
    [
        ("resnet_mlp", {"width": 0}, "width"),
        ("resnet_mlp", {"norm": "group"}, "norm"),
        ("resnet_mlp", {"blocks": []}, "blocks"),
        ("resnet_mlp", {"residual_dropout": 1}, "residual_dropout"),
        ("resnet_mlp", {"blocks": [{"hidden_ratio": -1}]}, "blocks.0.hidden_ratio"),
        ("ft_transformer", {"blocks": [{"heads": 3, "ffn_ratio": 1.0}]}, "blocks.0.heads"),
        ("ft_transformer", {"ffn_dropout": None}, "ffn_dropout"),
        ("ft_transformer", {"blocks": None}, "blocks"),
    ],
)
def test_a_foreign_tree_is_refused_with_its_path(name, change, path):
    with pytest.raises(ArchitectureError) as caught:
        build(name, {**PLAIN[name], **change}, **ROW)
    assert caught.value.path == path
