"""Scores of architectures that need no supernet."""

from __future__ import annotations

from typing import Any

from nas_tune.benchmarks.ranking.scoring import PROXY_NAMES, proxy_scores
from nas_tune.benchmarks.ranking.truths import drawn
from tests.toys import tiny_space
from trainables.errors import TrainableError


class Refusing:
    """A learner that computes one proxy of two."""

    def zero_cost(self, architecture: object, proxy: str, *, seed: int) -> float:
        if proxy == "naswot":
            raise TrainableError("no rectifiers")
        return float(seed)


def test_a_proxy_that_cannot_be_computed_is_left_out_with_the_reason() -> None:
    learner: Any = Refusing()
    members = drawn(tiny_space(), 3, seed=0)
    (found,), refused = proxy_scores(learner, members, ["naswot", "jacov"], 7, lambda several, what: several)
    assert refused == {"naswot": "no rectifiers"}
    assert (found.name, found.values.tolist(), found.is_max, found.supernet) == ("jacov", [7, 7, 7], True, None)


def test_counting_is_no_proxy() -> None:
    assert set(PROXY_NAMES) == {"jacov", "naswot", "synflow", "zico"}
