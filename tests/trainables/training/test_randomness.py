"""Random numbers of processes that train together: others in each, and one state for all before and after."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trainables.training.parallel import ALONE
from trainables.training.randomness import Randomness


class Two:
    """One of two processes."""

    alone = False

    def __init__(self, rank: int) -> None:
        self.rank = rank


def drawn(group: Any) -> tuple[list[float], list[float]]:
    """Numbers drawn within, and those drawn by the same randomness afterwards."""
    randomness = Randomness(5, torch.device("cpu"))
    with randomness.of(group):
        within = torch.rand(3).tolist()
    with randomness:
        return within, torch.rand(3).tolist()


def test_each_process_draws_other_numbers_and_all_end_with_one_state() -> None:
    (first, after), (second, later), again = drawn(Two(0)), drawn(Two(1)), drawn(Two(0))
    assert first != second
    assert after == later
    assert again == (first, after)
    assert drawn(ALONE)[0] not in (first, second)


def test_the_state_is_one_for_all_after_an_error_too() -> None:
    randomness = Randomness(5, torch.device("cpu"))
    outer = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="within"), randomness.of(Two(1)):  # type: ignore[arg-type]
        raise RuntimeError("within")
    assert torch.equal(torch.get_rng_state(), outer)
    with randomness:
        assert torch.rand(3).tolist() == drawn(Two(0))[1]
