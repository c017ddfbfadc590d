"""Spaces for tables: size, identity, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import search_spaces
from search_spaces import Space, SpaceError
from search_spaces.testing import check_space

SMALL: dict[str, dict[str, Any]] = {
    "resnet_mlp": {"min_width": 4, "max_width": 5, "hidden_ratios": (1.0, 2.0), "dropouts": (0.1,), "depths": (1, 2)},
    "ft_transformer": {"widths": (8, 16), "ffn_ratios": (1.0, 2.0), "dropouts": (0.1,), "depths": (1, 2)},
}


@pytest.mark.parametrize("name", SMALL)
def test_it_keeps_every_promise_of_a_space(name: str) -> None:
    check_space(search_spaces.get(name))


def test_sizes_follow_from_the_options() -> None:
    ratios = sum(7**depth for depth in range(1, 9))
    assert search_spaces.get("resnet_mlp").size == 449 * 3 * 2 * 6 * 5 * ratios
    assert search_spaces.get("ft_transformer").size == 10 * 6 * 6 * 5 * sum(14**depth for depth in range(1, 7))


@pytest.mark.parametrize(("name", "size"), [("resnet_mlp", 2 * 3 * 2 * 5 * (2 + 4)), ("ft_transformer", 2 * 5 * 20)])
def test_every_decision_makes_another_member(name: str, size: int) -> None:
    space = search_spaces.get(name, **SMALL[name])
    assert space.size == size == len({member.id for member in space.enumerate()})
    assert Space.from_spec(space.to_spec()).fingerprint == space.fingerprint


def test_the_default_of_the_paper_is_a_member() -> None:
    blocks = [{"heads": 8, "ffn_ratio": 1.33}] * 3
    drops = {"attention_dropout": 0.2, "ffn_dropout": 0.1, "residual_dropout": 0.0}
    assert search_spaces.get("ft_transformer").contains({"width": 192, "blocks": blocks, **drops})


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("resnet_mlp", {"min_width": 0}, "min_width 0"),
        ("resnet_mlp", {"hidden_ratios": (0.0,)}, "not a number above 0"),
        ("resnet_mlp", {"dropouts": (0.0, 1.0)}, r"1\.0 is not a share"),
        ("resnet_mlp", {"residual_dropouts": ()}, "residual_dropouts"),
        (
            "ft_transformer",
            {"widths": (32, 36), "heads": (8,)},
            "36 cannot be divided into 8 heads; give multiples of 8",
        ),
        ("ft_transformer", {"depths": (0, 1)}, "at least one block"),
    ],
)
def test_bad_settings_are_refused(name: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        search_spaces.get(name, **settings)
