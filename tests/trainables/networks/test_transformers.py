"""Vision transformers and transformer language models: the papers' parameters, causality, every image size."""

from __future__ import annotations

import math
import random

import pytest
import torch

import search_spaces
from search_spaces.catalogue.vit import SIZES
from search_spaces.errors import ArchitectureError
from tests.trainables.members import SWEEP
from trainables import build
from trainables.costs.cost import cost_of
from trainables.errors import TrainableError
from trainables.networks import example
from trainables.networks.attention import SelfAttention, TransformerBlock
from trainables.networks.vit import REACH, RelativeSelfAttention, coordinates, relative_places

IMAGENET = {"image_size": 224, "patch_size": 16, "num_classes": 1000}
TINY = {"scale": 1 / 24, "head_width": 2, "in_channels": 1, "num_classes": 3}
SMALL_LM = {"vocabulary": 11, "context": 6, "scale": 1 / 32}
# The subnets that AutoFormer's authors published: embedding, MLP ratios and heads of each block.
AUTOFORMER_S = (384, [3, 3.5, 3, 3.5, 4, 4, 4, 4, 4, 4, 4, 3.5, 4], [6, 6, 5, 7, 5, 5, 5, 6, 6, 7, 7, 6, 7])
AUTOFORMER_B = (
    576,
    [3.5, 3.5, 4, 3.5, 4, 3.5, 3.5, 3, 4, 4, 3, 4, 3, 3.5],
    [9, 9, 9, 9, 9, 10, 9, 9, 10, 9, 10, 9, 9, 10],
)


def member(embedding, ratios, heads):
    blocks = [{"heads": count, "mlp_ratio": float(ratio)} for ratio, count in zip(ratios, heads, strict=True)]
    return {"embedding": embedding, "blocks": blocks}


def even(embedding, depth, heads, ratio):
    return member(embedding, [ratio] * depth, [heads] * depth)


def parameters(space, architecture, **settings):
    with torch.device("meta"):
        return sum(p.numel() for p in build(space, architecture, **settings).parameters())


def grow(network, inputs):
    """Forward and backward in training; every parameter must get a finite gradient."""
    output = network(inputs)
    output.square().mean().backward()
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in network.parameters())
    return output


@pytest.mark.parametrize(
    ("embedding", "heads", "count"), [(192, 3, 5_717_416), (384, 6, 22_050_664), (768, 12, 86_567_656)]
)
def test_without_relative_positions_the_network_is_deit(embedding, heads, count):
    architecture = even(embedding, 12, heads, 4.0)
    assert parameters("vit", architecture, relative_position=False, **IMAGENET) == count


@pytest.mark.parametrize(("published", "millions"), [(AUTOFORMER_S, 22.9), (AUTOFORMER_B, 53.7)])
def test_autoformers_networks_have_the_published_parameters(published, millions):
    assert round(parameters("vit", member(*published), **IMAGENET) / 1e6, 1) == millions


def autoformer(embedding, heads, ratio, depth):
    """Parameters of an even member at 224 pixels, from the paper's description."""
    attention = embedding * 3 * 64 * heads + 3 * 64 * heads + 64 * heads * embedding + embedding
    hidden = int(embedding * ratio)
    mlp = embedding * hidden + hidden + hidden * embedding + embedding
    relative = 2 * 2 * (2 * 14 + 2) * 64
    patches = 3 * 16 * 16 * embedding + embedding + (14 * 14 + 1) * embedding + embedding
    return patches + depth * (attention + mlp + 4 * embedding + relative) + 2 * embedding + 1000 * (embedding + 1)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_the_extremes_of_autoformers_spaces(size):
    choices = SIZES[size]
    space = search_spaces.get("vit", size=size)
    for pick in (min, max):
        e, h, r, d = (
            pick(values) for values in (choices.embeddings, choices.heads, choices.mlp_ratios, choices.depths)
        )
        assert parameters(space, space.validate(even(e, d, h, r)), **IMAGENET) == autoformer(e, h, r, d)


def test_gpt2_has_its_parameters():
    gpt2 = even(768, 12, 12, 4.0)
    assert parameters("transformer_lm", gpt2) == 124_439_808
    assert parameters("transformer_lm", gpt2, tied=False) == 124_439_808 + 50_257 * 768


def members(name, count):
    """Random members: one in fifty of the paper's depths, which take long, the others of one or two blocks."""
    rng = random.Random(0)
    shallow = search_spaces.get(name, depths=(1, 2))
    return [(shallow if index % 50 else search_spaces.get(name)).sample(rng) for index in range(count)]


@SWEEP
def test_random_vision_transformers_run(count):
    for index, architecture in enumerate(members("vit", count)):
        choices = {"relative_position": bool(index % 2), "pool": ("mean", "token")[index % 3 == 0]}
        network = build("vit", architecture, image_size=4, patch_size=2, **choices, **TINY)
        assert grow(network, torch.rand(2, 1, 4, 4)).shape == (2, 3)


@SWEEP
def test_random_language_models_run(count):
    for index, architecture in enumerate(members("transformer_lm", count)):
        tokens = example("transformer_lm", **SMALL_LM)
        assert tokens.shape == (2, 6)
        network = build("transformer_lm", architecture, tied=bool(index % 2), **SMALL_LM)
        assert grow(network, tokens).shape == (2, 6, 11)


@pytest.mark.parametrize(("size", "patch"), [((1, 1), None), ((1, 1), 4), ((7, 5), 4), ((5, 9), 3), ((8, 8), None)])
def test_vit_runs_at_every_size_of_image(size, patch):
    network = build("vit", even(192, 2, 3, 4.0), image_size=size, patch_size=patch, **TINY)
    assert grow(network, torch.rand(2, 1, *size)).shape == (2, 3)


def test_an_image_is_padded_to_whole_patches():
    torch.manual_seed(0)
    odd = build("vit", even(192, 2, 3, 4.0), image_size=(5, 6), patch_size=4, **TINY).eval()
    whole = build("vit", even(192, 2, 3, 4.0), image_size=(8, 8), patch_size=4, **TINY).eval()
    whole.load_state_dict(odd.state_dict())
    image = torch.rand(2, 1, 5, 6)
    padded = torch.zeros(2, 1, 8, 8)
    padded[:, :, :5, :6] = image
    assert torch.allclose(odd(image), whole(padded), atol=1e-6)


@pytest.mark.parametrize(("size", "patch"), [(224, 16), (64, 8), (32, 4), (28, 4), (8, 1)])
def test_the_patch_follows_the_image(size, patch):
    with torch.device("meta"):
        network = build("vit", even(192, 1, 3, 4.0), image_size=size)
    assert network.patches.kernel_size == (patch, patch)


def test_another_size_than_built_for_is_refused():
    network = build("vit", even(192, 1, 3, 4.0), image_size=8, patch_size=4, **TINY)
    with pytest.raises(TrainableError, match="another image_size"):
        network(torch.rand(1, 1, 8, 12))


def test_relative_attention_is_computed_by_hand():
    torch.manual_seed(0)
    grid, heads, width = (2, 3), 2, 4
    attention = RelativeSelfAttention(6, heads, width, grid).double()
    x = torch.randn(1, 7, 6, dtype=torch.float64)
    q, k, v = attention.qkv(x).view(7, 3, heads, width).permute(1, 2, 0, 3)

    def between(tables, i, j):
        if i == 0 or j == 0:
            return tables[0, 0] + tables[1, 0]
        (row_i, column_i), (row_j, column_j) = divmod(i - 1, 3), divmod(j - 1, 3)
        return tables[0, row_j - row_i + REACH + 1] + tables[1, column_j - column_i + REACH + 1]

    mixed = torch.zeros(7, heads, width, dtype=torch.float64)
    for h in range(heads):
        for i in range(7):
            scores = torch.stack([q[h, i] @ (k[h, j] + between(attention.key_tables, i, j)) for j in range(7)])
            shares = (scores / math.sqrt(width)).softmax(0)
            mixed[i, h] = sum(shares[j] * (v[h, j] + between(attention.value_tables, i, j)) for j in range(7))
    assert torch.allclose(attention(x)[0], attention.projection(mixed.flatten(1)))


def test_far_patches_count_as_14_apart():
    places = relative_places(coordinates((20, 1)))
    assert places[0, 1, 20] == places[0, 1, 15] == 2 * REACH + 1
    assert places[0, 20, 1] == 1
    assert bool((places[:, 0] == 0).all())


def test_a_later_token_never_changes_earlier_logits():
    torch.manual_seed(0)
    network = build("transformer_lm", even(256, 3, 4, 2.0), **SMALL_LM).eval()
    tokens = torch.randint(11, (1, 6))
    before = network(tokens)
    for place in range(6):
        changed = tokens.clone()
        changed[0, place] = (changed[0, place] + 1) % 11
        after = network(changed)
        assert torch.allclose(after[:, :place], before[:, :place], atol=1e-6)
        assert not torch.allclose(after[:, place], before[:, place], atol=1e-4)
    assert torch.allclose(network(tokens[:, :3]), before[:, :3], atol=1e-6)


def test_a_text_longer_than_the_context_is_refused():
    network = build("transformer_lm", even(256, 1, 4, 2.0), **SMALL_LM)
    with pytest.raises(TrainableError, match="context=7"):
        network(torch.zeros(1, 7, dtype=torch.int64))


def test_drop_path_grows_with_depth_and_acts_in_training_only():
    network = build("vit", even(192, 3, 3, 4.0), image_size=4, patch_size=2, drop_path=0.4, **TINY)
    assert [block.drop_path.final for block in network.blocks] == pytest.approx([0.0, 0.2, 0.4])
    image = torch.rand(4, 1, 4, 4)
    assert torch.equal(network.eval()(image), network(image))


def test_a_block_drops_attention_and_mlp_apart():
    torch.manual_seed(0)
    block = TransformerBlock(4, 8, SelfAttention(4, 2, 2), drop_path=0.5).double()
    x = torch.rand(1, 3, 4, dtype=torch.float64).expand(64, 3, 4)
    found = block(x).round(decimals=12).flatten(1).unique(dim=0)
    assert len(found) == 4
    assert any(torch.equal(row, x[0].flatten().round(decimals=12)) for row in found)


@pytest.mark.parametrize("pool", ["mean", "token"])
def test_the_classifier_sees_the_mean_of_the_patches_or_the_token(pool):
    network = build("vit", even(192, 1, 3, 4.0), image_size=4, patch_size=2, pool=pool, **TINY).eval()
    seen = []
    network.norm.register_forward_hook(lambda module, given, made: seen.append(made))
    logits = network(torch.rand(2, 1, 4, 4))
    assert seen[0].shape == (2, 5, 8)
    pooled = seen[0][:, 0] if pool == "token" else seen[0][:, 1:].mean(1)
    assert torch.equal(logits, network.classifier(pooled))


@pytest.mark.slow
def test_costs_are_counted():
    with torch.device("meta"):
        network = build("vit", even(192, 12, 3, 4.0), relative_position=False, **IMAGENET)
    places = 197
    block = places * (192 * 192 * 4 + 2 * 192 * 768) + 2 * places**2 * 192
    assert cost_of(network, (3, 224, 224)).macs == 196 * 768 * 192 + 12 * block + 192 * 1000


@pytest.mark.parametrize(
    ("space", "architecture", "path"),
    [
        ("vit", {"blocks": [{"heads": 3, "mlp_ratio": 4.0}]}, "embedding"),
        ("vit", {"embedding": 192, "blocks": []}, "blocks"),
        ("vit", {"embedding": 192, "blocks": [{"heads": 3.0, "mlp_ratio": 4.0}]}, "blocks.0.heads"),
        ("transformer_lm", {"embedding": 128, "blocks": [{"heads": 2}]}, "blocks.0.mlp_ratio"),
    ],
)
def test_foreign_architectures_are_refused_with_their_path(space, architecture, path):
    with pytest.raises(ArchitectureError) as caught:
        build(space, architecture)
    assert caught.value.path == path


def test_bad_settings_are_refused():
    for settings in (
        {"patch_size": 0},
        {"pool": "men"},
        {"dropout": 2},
        {"drop_path": 1},
        {"relative_position": 1},
        {"scale": 0},
    ):
        with pytest.raises(TrainableError, match=next(iter(settings))):
            build("vit", even(192, 1, 3, 4.0), **settings)
    with pytest.raises(TrainableError, match="context"):
        build("transformer_lm", even(128, 1, 2, 4.0), context=0)
    with pytest.raises(TrainableError, match="drop_path"):
        build("transformer_lm", even(128, 1, 2, 4.0), drop_path=1)
