"""What is pruned: the right channels, in networks of every kind, and weights that stay zero."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

import search_spaces
import trainables
from tests.sweeps import quick
from tests.trainables.export.networks import inputs, member
from trainables.compression.magnitude import held_zeros
from trainables.compression.pruning import pruned
from trainables.compression.tracing import used_parameters
from trainables.errors import CheckpointError, TrainableError
from trainables.export.resizing import changed_sizes, resize
from trainables.networks.attention import SelfAttention

CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|skip_connect~0|nor_conv_3x3~1|avg_pool_3x3~2|"
DEAD = "|nor_conv_1x1~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
"""Of a cell that computes what nobody uses, and a node that is zero."""


def nb201(text: str, **settings: object) -> nn.Module:
    torch.manual_seed(0)
    cell = search_spaces.get("nb201").from_string(text)  # type: ignore[attr-defined]
    task = {"num_classes": 10, "in_channels": 1, "image_size": 8}
    return trainables.build("nb201", cell, channels=8, cells=1, **task, **settings).eval()


def size(network: nn.Module) -> int:
    return sum(one.numel() for one in network.parameters())


@torch.no_grad()
def silence(network: nn.Module) -> None:
    """Make the even channels of all layers zero, but the image and the logits."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.weight[::2] = 0
        if isinstance(module, nn.BatchNorm2d):
            module.bias.uniform_(-1, 1)
            module.bias[::2] = 0
            module.running_mean.uniform_(-1, 1)
        if isinstance(module, nn.Conv2d | nn.Linear) and not name.startswith("stem"):
            module.weight[:, ::2] = 0


def is_left_of(part: Tensor, whole: Tensor) -> bool:
    """Whether `part` holds numbers of `whole` in the order that they have there, of tensors without equal numbers."""
    ordered, places = whole.flatten().sort()
    if (ordered.diff() == 0).any():
        return True
    found = torch.searchsorted(ordered, part.flatten()).clamp(max=len(ordered) - 1)
    return torch.equal(ordered[found], part.flatten()) and bool((places[found].diff() > 0).all())


def test_the_channels_that_go_are_those_that_do_nothing() -> None:
    network = nb201(CELL)
    silence(network)
    x = torch.randn(3, 1, 8, 8)
    smaller = pruned(network, x, 0.5, "structured")
    torch.testing.assert_close(smaller(x), network(x))
    assert size(smaller) < 0.3 * size(network)
    assert smaller.stages[0].edges["edge_0_1"][0].weight.shape == (4, 4, 3, 3)  # type: ignore[union-attr, index]


@pytest.mark.parametrize("settings", [{}, {"affine": False}])
def test_what_nobody_uses_and_what_is_zero_is_pruned_with_the_rest(settings: dict[str, object]) -> None:
    network = nb201(DEAD, **settings)
    x = torch.randn(2, 1, 8, 8)
    smaller = pruned(network, x, 0.5, "structured")
    assert smaller(x).shape == (2, 10)
    assert size(smaller) < 0.6 * size(network)
    assert len(used_parameters(network, x)) < len(list(network.parameters()))


KINDS = ["chain", "darts", "mobilenetv3", "nasnet", "resnet", "transformer_lm", "vit"]


@pytest.mark.slow
@pytest.mark.parametrize("family", quick(KINDS, {"chain", "resnet", "vit"}))
def test_networks_of_every_kind_are_smaller_train_and_are_built_again(family: str) -> None:
    network, x = member(family, 1), inputs(family, 3)
    smaller = pruned(network, x, 0.5, "structured")
    assert size(smaller) < 0.75 * size(network)
    assert smaller(x).shape == network(x).shape
    before = network.state_dict()
    left = {name: is_left_of(one, before[name]) for name, one in smaller.state_dict().items()}
    assert all(left.values()), [name for name, is_left in left.items() if not is_left]
    outputs = smaller.train()(x)
    heads = outputs if isinstance(outputs, tuple) else (outputs,)
    assert len(heads) == (2 if family == "darts" else 1)
    sum(head.square().mean() for head in heads).backward()
    again, weights = member(family, 1), smaller.eval().state_dict()
    resize(again, changed_sizes(network, smaller), weights)
    again.load_state_dict(weights)
    torch.testing.assert_close(again(x), smaller(x), rtol=0, atol=0)


SLOW = ["chain", "darts", "enas_macro", "mobilenetv3", "nasnet", "nb101", "nb201", "pnas", "proxylessnas", "resnet"]


@pytest.mark.parametrize(
    ("family", "seed"),
    [
        ("resnet", 1),  # in groups, which stayed whole where each would have lost its last channel
        pytest.param(
            "enas_micro", 0, marks=pytest.mark.slow
        ),  # a sum of concatenations, of which one would have lost all its channels
        ("mlp", 0),
        ("transformer_lm", 0),  # of which heads were torn apart
        *[
            pytest.param(family, seed, marks=pytest.mark.slow)
            for family in [*SLOW, "amoebanet", "transformer_lm", "vit"]
            for seed in (2, 3)
        ],
    ],
)
def test_who_asks_for_more_is_left_less(family: str, seed: int) -> None:
    network, x = member(family, seed), inputs(family, 2)
    counts = [size(pruned(network, x, share, "structured")) for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] < size(network)
    assert counts[2] < 0.65 * size(network)
    # Attention keeps its heads, and with them a little more.
    assert counts[4] < 0.26 * size(network)


def test_convolutions_in_groups_lose_as_much_in_each() -> None:
    network = nn.Sequential(nn.Conv2d(1, 64, 1), nn.Conv2d(64, 64, 3, groups=16), nn.Conv2d(64, 10, 1))
    for share, left in ((0.25, 48), (0.5, 32), (0.75, 16), (0.9, 16), (0.99, 16)):
        smaller = pruned(network, torch.randn(2, 1, 8, 8), share, "structured")
        assert (smaller[1].in_channels, smaller[1].out_channels, smaller[1].groups) == (left, left, 16)
    lone = nn.Sequential(nn.Conv2d(1, 16, 1), nn.Conv2d(16, 16, 3, groups=8, bias=False), nn.Conv2d(16, 10, 1))
    with torch.no_grad():
        lone[1].weight[::2] = 0  # the first of each group does nothing
        lone[1].weight[:, 0] = 0
        lone[0].weight[::2], lone[2].weight[:, ::2] = 0, 0
    x = torch.randn(2, 1, 8, 8)
    torch.testing.assert_close(pruned(lone, x, 0.5, "structured")(x), lone(x))


@pytest.mark.slow
def test_a_cell_that_drops_channels_is_refused_with_the_reason() -> None:
    network, x = member("nb101", 1), inputs("nb101", 2)
    with pytest.raises(TrainableError, match=r"takes a part of another's channels \(in a cell of nb101.*magnitude"):
        pruned(network, x, 0.5, "structured")
    assert size(pruned(network, x, 0.5, "magnitude")) == size(network)


@pytest.mark.slow
def test_attention_keeps_its_heads() -> None:
    network, x = member("vit", 0), inputs("vit", 2)
    smaller = [pruned(network, x, share, "structured") for share in (0.3, 0.9)]
    assert size(network) > size(smaller[0]) > 2 * size(smaller[1])
    kept = [one for one in network.modules() if isinstance(one, SelfAttention)]
    assert len(kept) > 1
    for less in smaller:
        left = [one for one in less.modules() if isinstance(one, SelfAttention)]
        for one, other in zip(kept, left, strict=True):
            assert other.qkv.out_features == one.qkv.out_features == 3 * one.heads * one.head_width
            assert other.qkv.in_features < one.qkv.in_features


class Chunked(nn.Module):
    """Attention that takes its three parts first, and splits them into heads then."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.qkv, self.last = nn.Linear(3, 16), nn.Linear(16, 48), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            one.reshape(*one.shape[:2], 4, 4).transpose(1, 2) for one in self.qkv(self.first(x)).chunk(3, -1)
        )
        mixed = (query @ key.transpose(2, 3)).softmax(3) @ value
        logits: Tensor = self.last(mixed.transpose(1, 2).flatten(2))
        return logits


def test_attention_of_somebody_else_keeps_its_heads() -> None:
    smaller = pruned(Chunked(), torch.randn(2, 5, 3), 0.5, "structured")
    assert (smaller.first.out_features, smaller.qkv.out_features, smaller.last.in_features) == (8, 48, 16)


@pytest.mark.parametrize("family", ["recurrent", pytest.param("enas_recurrent", marks=pytest.mark.slow)])
def test_a_network_of_weights_outside_of_layers_is_refused_with_the_reason(family: str) -> None:
    network, x = member(family, 0), inputs(family, 2)[:, :3]
    with pytest.raises(TrainableError, match=r"weights outside of layers, as those of recurrent cells"):
        pruned(network, x, 0.5, "structured")
    with pytest.raises(TrainableError, match=r"depend on no convolution and no linear layer .*; quantize it instead"):
        pruned(network, x, 0.5, "magnitude")


def test_sizes_of_another_network_are_refused() -> None:
    with pytest.raises(CheckpointError, match=r"layer 'no' has no groups to change"):
        resize(nb201(CELL), {"no": {"groups": 2}}, {})


@pytest.mark.slow
def test_the_same_every_time_and_the_network_stays_as_it_is() -> None:
    network, x = nb201(CELL), torch.randn(2, 1, 8, 8)
    before = copy.deepcopy(network.state_dict())
    first, second = (pruned(network, x, 0.3, "structured").state_dict() for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert first["stem.0.weight"].shape[0] < before["stem.0.weight"].shape[0]
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "left"), [(0.25, 6), (0.3, 6), (0.5, 4), (0.99, 1)])
def test_few_channels_are_counted_exactly_and_one_stays(share: float, left: int) -> None:
    network = nb201(CELL)
    assert pruned(network, torch.randn(2, 1, 8, 8), share, "structured").stem[0].out_channels == left  # type: ignore[index]


def test_many_channels_come_to_what_engines_compute_at_a_time() -> None:
    network = nn.Sequential(nn.Conv2d(1, 60, 3), nn.Conv2d(60, 18, 3), nn.Flatten(), nn.Linear(18 * 16, 10))
    smaller = pruned(network, torch.randn(2, 1, 8, 8), 0.3, "structured")
    assert [smaller[0].out_channels, smaller[1].out_channels] == [48, 16]
    assert smaller[3].in_features == 16 * 16


def test_a_share_that_removes_nothing_is_refused() -> None:
    network = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 16, 6), nn.Flatten(), nn.Linear(16, 10))
    with pytest.raises(TrainableError, match=r"prune is 0.1, and no layer of this Sequential loses channels: .*more"):
        pruned(network, torch.randn(2, 1, 8, 8), 0.1, "structured")
    assert pruned(network, torch.randn(2, 1, 8, 8), 0.25, "structured")[0].out_channels == 16, "a tie loses channels"


class Rigid(nn.Module):
    """Counts on its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 8, 3), nn.Linear(8 * 36, 10)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.last(self.first(x).reshape(-1, 8 * 36))
        return logits


def test_a_network_that_cannot_lose_channels_says_what_else_to_do() -> None:
    with pytest.raises(TrainableError, match=r"cannot remove channels of this Rigid: .*take the method magnitude"):
        pruned(Rigid(), torch.randn(2, 1, 8, 8), 0.5, "structured")


class Revealing(nn.Module):
    """Its second output has the features beside the logits, in a way that nobody can follow."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(5, 32), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.first(x).relu()
        logits: Tensor = self.last(features)
        return logits, torch.cat((logits, features.detach()), 1)


def test_an_output_that_would_get_another_shape_is_named() -> None:
    with pytest.raises(
        TrainableError, match=r"of this Revealing: the shape of an output changed from \(2, 35\) to \(2, 1\d\); take"
    ):
        pruned(Revealing(), torch.randn(2, 5), 0.5, "structured")


@pytest.mark.slow
def test_the_smallest_weights_become_zero_and_no_others() -> None:
    network, x = member("darts", 1), inputs("darts", 2)
    sparse = pruned(network, x, 0.6, "magnitude")
    used = {id(one) for one in used_parameters(network, x)}
    new_weights = dict(sparse.named_parameters())
    pairs = [(one, new_weights[name]) for name, one in network.named_parameters() if one.dim() > 1]
    inside = [(a, b) for a, b in pairs if id(a) in used]
    assert len(inside) < len(pairs), "the auxiliary head is left as it is"
    assert all(torch.equal(a, b) for a, b in pairs if id(a) not in used)
    old, new = (torch.cat([pair[place].detach().flatten() for pair in inside]) for place in (0, 1))
    assert float((new == 0).double().mean()) == pytest.approx(0.6, abs=1e-3)
    assert float(old[new == 0].abs().max()) <= float(old[new != 0].abs().min())


def test_zeros_stay_whatever_trains_and_the_rest_moves() -> None:
    sparse = pruned(nb201(CELL), torch.randn(2, 1, 8, 8), 0.5, "magnitude")
    names = set(sparse.state_dict())
    before = copy.deepcopy(sparse.stem[0].weight)  # type: ignore[index]
    with held_zeros(sparse):
        optimizer = torch.optim.SGD(sparse.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            sparse(torch.randn(4, 1, 8, 8)).square().mean().backward()
            optimizer.step()
    after = sparse.stem[0].weight  # type: ignore[index]
    assert 0 < int((before == 0).sum()) < before.numel()
    assert bool((after[before == 0] == 0).all())
    assert not torch.equal(after, before)
    assert set(sparse.state_dict()) == names
