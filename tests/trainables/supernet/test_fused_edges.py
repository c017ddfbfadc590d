"""Which layers are computed together: each setting that the fast path cannot follow makes it stand aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from search_spaces.nn import LayerChoice
from trainables.networks.cell_operations import FactorizedReduction
from trainables.supernet.fused_edges import Fan


def norm(channels: int = 4, **more: Any) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, **{"affine": False, **more})


def spatial(size: int = 3, dilation: int = 1, **more: Any) -> nn.Conv2d:
    padding = dilation * (size // 2)
    usual = {"padding": padding, "dilation": dilation, "groups": 4, "bias": False}
    return nn.Conv2d(4, 4, size, **{**usual, **more})


def mixing(**more: Any) -> nn.Conv2d:
    return nn.Conv2d(4, 4, **{"kernel_size": 1, "bias": False, **more})


def separable(first: nn.Module | None = None, mix: nn.Module | None = None, last: nn.Module | None = None) -> Any:
    return nn.Sequential(nn.ReLU(), first or spatial(), mix or mixing(), last or norm())


def twice(**more: Any) -> nn.Module:
    return nn.Sequential(*separable(), *separable(spatial(**more)))


def pooling(layer: nn.Module | None = None, last: nn.Module | None = None) -> Any:
    return nn.Sequential(layer or nn.MaxPool2d(3, 1, 1), last or norm())


TOGETHER: dict[str, Callable[[], nn.Module]] = {
    "separable": separable,
    "of size 5": lambda: separable(spatial(5)),
    "dilated": lambda: separable(spatial(3, 2)),
    "halving": lambda: separable(spatial(stride=2)),
    "twice": twice,
    "a maximum": pooling,
    "a mean": lambda: pooling(nn.AvgPool2d(3, 1, 1, count_include_pad=False)),
    "a halving maximum": lambda: pooling(nn.MaxPool2d(3, 2, 1)),
}
ALONE: dict[str, Callable[[], nn.Module]] = {
    "an even size": lambda: separable(spatial(4, padding=1)),
    "a rectangle": lambda: separable(nn.Conv2d(4, 4, (3, 1), padding=1, groups=4, bias=False)),
    "a stride of 3": lambda: separable(spatial(stride=3)),
    "two strides": lambda: separable(spatial(stride=(1, 2))),
    "a dilation of 3": lambda: separable(spatial(3, 3)),
    "two dilations": lambda: separable(spatial(dilation=(1, 2), padding=1)),
    "no padding": lambda: separable(spatial(padding=0)),
    "two paddings": lambda: separable(spatial(padding=(1, 0))),
    "reflected": lambda: separable(spatial(padding_mode="reflect")),
    "a bias": lambda: separable(spatial(bias=True)),
    "of two groups": lambda: separable(spatial(groups=2)),
    "transposed": lambda: separable(nn.ConvTranspose2d(4, 4, 3, padding=1, groups=4, bias=False)),
    "mixing 3x3": lambda: separable(mix=mixing(kernel_size=3, padding=1)),
    "mixing by strides": lambda: separable(mix=mixing(stride=2)),
    "mixing and padding": lambda: separable(mix=mixing(padding=1)),
    "mixing in groups": lambda: separable(mix=mixing(groups=2)),
    "mixing with a bias": lambda: separable(mix=mixing(bias=True)),
    "mixing to more": lambda: separable(mix=nn.Conv2d(4, 8, 1, bias=False), last=norm(8)),
    "a norm with weights": lambda: separable(last=norm(affine=True)),
    "a norm without statistics": lambda: separable(last=norm(track_running_stats=False)),
    "another norm": lambda: separable(last=nn.GroupNorm(1, 4)),
    "another activation": lambda: nn.Sequential(nn.Tanh(), *separable()[1:]),
    "no norm": lambda: separable()[:3],
    "one layer more": lambda: nn.Sequential(*separable(), nn.ReLU()),
    "halving at last": lambda: twice(stride=2),
    "no layer": nn.Sequential,
    "pooling of an even size": lambda: pooling(nn.MaxPool2d(2, 1, 1)),
    "pooling of a rectangle": lambda: pooling(nn.MaxPool2d((3, 3), 1, 1)),
    "pooling by 3": lambda: pooling(nn.MaxPool2d(3, 3, 1)),
    "pooling without padding": lambda: pooling(nn.MaxPool2d(3, 1, 0)),
    "pooling upwards": lambda: pooling(nn.MaxPool2d(3, 2, 1, ceil_mode=True)),
    "dilated pooling": lambda: pooling(nn.MaxPool2d(3, 1, 1, dilation=2)),
    "pooling and a norm with weights": lambda: pooling(last=norm(affine=True)),
    "pooling alone": lambda: pooling()[:1],
    "another pooling": lambda: pooling(nn.LPPool2d(2, 3, 1)),
}


class Zeros(nn.Module):
    gives_zeros = True


def edges(*columns: Callable[[], nn.Module], count: int = 2) -> list[LayerChoice]:
    """Choices of a plain option and of these."""
    return [LayerChoice([pooling(), *(make() for make in columns)], label=f"edge_{edge}") for edge in range(count)]


def fan_of(some: list[LayerChoice]) -> Fan:
    fan = Fan.of(some)
    assert fan is not None
    return fan


@pytest.mark.parametrize("name", TOGETHER)
def test_what_the_fast_path_follows_is_computed_together(name: str) -> None:
    fan = fan_of([LayerChoice([TOGETHER[name](), Zeros()], label=f"edge_{edge}") for edge in range(3)])
    assert (fan.others, fan.computed) == ({}, {0})
    assert len(fan.norms) == 3 * (2 if name == "twice" else 1)
    assert fan.stride == (2 if "halving" in name else 1)


@pytest.mark.parametrize("name", ALONE)
def test_what_it_cannot_follow_runs_as_modules(name: str) -> None:
    fan = fan_of(edges(ALONE[name]))
    assert (list(fan.others), list(fan.passed), fan.computed) == ([1], [0], {0, 1})
    assert Fan.of([LayerChoice([ALONE[name](), Zeros()], label="edge")]) is None


def test_skip_connections_are_passed_or_halved() -> None:
    fan = fan_of(edges(nn.Identity, Zeros))
    assert (list(fan.passed), fan.computed) == ([0, 1], {0, 1})
    halved = fan_of(edges(lambda: nn.Sequential(FactorizedReduction(4, 4, affine=False))))
    assert (list(halved.halved), len(halved.norms)) == ([1], 4)
    weighed = fan_of(edges(lambda: nn.Sequential(FactorizedReduction(4, 4, affine=True))))
    assert (list(weighed.halved), list(weighed.others)) == ([], [1])


def test_edges_that_differ_are_no_fan() -> None:
    assert Fan.of([]) is None
    mixed = [edges(separable)[0], edges(lambda: separable(spatial(5)))[0]]
    assert list(fan_of(mixed).others) == [1], "options of two sizes"
    means = [pooling(nn.AvgPool2d(3, 1, 1, count_include_pad=kept)) for kept in (True, False)]
    counted = [LayerChoice([pooling(), mean], label=f"edge_{place}") for place, mean in enumerate(means)]
    assert list(fan_of(counted).others) == [1], "what their texts do not tell"
    assert Fan.of([edges(separable)[0], LayerChoice([pooling()], label="other")]) is None, "other options"
    assert Fan.of(edges(lambda: separable(spatial(stride=2)))) is None, "two strides"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, True),
        ({"momentum": None}, False),
        ({"momentum": 0.5}, False),
        ({"training": False}, False),
    ],
)
def test_all_norms_learn_alike_or_none_is_computed_together(change: dict[str, Any], wanted: bool) -> None:
    fan = fan_of(edges(separable))
    for name, value in change.items():
        setattr(fan.norms[-1], name, value)
    assert fan.normalises_by_batch is wanted
    if "momentum" in change:
        for one in fan.norms:
            one.momentum = change["momentum"]
        assert fan.normalises_by_batch is (change["momentum"] is not None)


@pytest.mark.parametrize(("stride", "size"), [(1, (5, 4)), (2, (3, 2))])
def test_the_shape_of_the_results_follows_from_the_stride(stride: int, size: tuple[int, int]) -> None:
    fan = fan_of([LayerChoice([separable(spatial(stride=stride)), Zeros()], label="edge")])
    assert fan.shape_of(torch.zeros(2, 4, 5, 4)) == (2, 4, *size)
