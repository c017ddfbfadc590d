"""The predictor of a gate counts the networks that the trainable builds, and says how sure it is."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from scipy.stats import kendalltau
from torch import nn

from nas_tune.session.device_predictor import DevicePredictor
from search_spaces import Space, choice
from trainables.errors import TrainableError

SPACE = Space({"width": choice(2, 4, 8, 16, 32), "depth": choice(1, 2, 3), "kernel": choice(1, 3)})


class Builder:
    """Plain convolutions on an image of 8 x 8; those of width 32 and depth 3 cannot be built."""

    def untrained(self, architecture: Any) -> tuple[nn.Module, torch.Tensor]:
        width, kernel = architecture["width"], architecture["kernel"]
        if (width, architecture["depth"]) == (32, 3):
            raise TrainableError("too deep for its width")
        layers: list[nn.Module] = [nn.Conv2d(1, width, 1)]
        for _ in range(architecture["depth"]):
            layers += [nn.Conv2d(width, width, kernel, padding=kernel // 2), nn.ReLU()]
        return nn.Sequential(*layers), torch.zeros(1, 1, 8, 8)


def milliseconds(architecture: Any) -> float:
    """A constant, and a time for each multiply-accumulate."""
    width = architecture["width"]
    return float(0.05 + 1e-6 * 64 * (width + architecture["depth"] * width**2 * architecture["kernel"] ** 2))


def test_it_is_fitted_to_some_and_predicts_the_others_within_its_interval() -> None:
    predictor = DevicePredictor(SPACE, Builder(), "latency")
    members = [one for one in SPACE.enumerate() if (one["width"], one["depth"]) != (32, 3)]
    random.Random(0).shuffle(members)
    fit = predictor.fitted(members[::2], [milliseconds(one) for one in members[::2]])
    assert fit is not None
    inside, values = 0, []
    for one in members[1::2]:
        value, low, high = fit(one)
        assert low <= value <= high
        values.append(value)
        inside += low <= milliseconds(one) <= high
    assert inside >= 0.7 * len(values)
    assert kendalltau(values, [milliseconds(one) for one in members[1::2]]).statistic >= 0.7


def test_its_seeds_are_different_members_and_the_same_at_every_call() -> None:
    space = SPACE.within(lambda one: one["width"] / 16)
    seeds = DevicePredictor(space, Builder(), "latency").seeds(8)
    assert len({one.id for one in seeds}) == 8
    assert max(one["width"] for one in seeds) <= 16
    assert seeds == DevicePredictor(space, Builder(), "latency").seeds(8)


def test_what_cannot_be_counted_is_not_refused_and_nothing_is_fitted_to_it() -> None:
    predictor = DevicePredictor(SPACE, Builder(), "latency")
    members = list(SPACE.enumerate())
    assert predictor.fitted(members, [milliseconds(one) for one in members]) is None
    fit = predictor.fitted(members[:20], [milliseconds(one) for one in members[:20]])
    assert fit is not None
    _, low, high = fit(SPACE.validate({"width": 32, "depth": 3, "kernel": 3}))
    assert (low, high) == (0.0, float("inf"))


@pytest.mark.slow
def test_the_size_of_the_input_may_depend_on_the_architecture() -> None:
    space = Space({"side": choice(*range(4, 36)), "width": choice(2, 4)})

    class Resized:
        def untrained(self, architecture: Any) -> tuple[nn.Module, torch.Tensor]:
            side = architecture["side"]
            return nn.Sequential(nn.Conv2d(1, architecture["width"], 3), nn.ReLU()), torch.zeros(1, 1, side, side)

    predictor = DevicePredictor(space, Resized(), "latency")
    members = list(space.enumerate())
    random.Random(0).shuffle(members)

    def time(one: Any) -> float:
        return 0.1 + 1e-3 * float((one["side"] - 2) ** 2 * one["width"])

    fit = predictor.fitted(members[:25], [time(one) for one in members[:25]])
    assert fit is not None
    assert kendalltau([fit(one)[0] for one in members[25:]], [time(one) for one in members[25:]]).statistic > 0.95
