"""The conformance suite finds a space that breaks a promise."""

from __future__ import annotations

from typing import Any

import pytest

from search_spaces import Architecture, Space, choice
from search_spaces.testing import check_space

TREE = {"a": choice(1, 2), "b": choice(1, 2), "c": choice(1, 2, 3)}


class Forgetful(Space):
    def params(self, architecture: object) -> dict[str, Any]:
        return {name: value for name, value in super().params(architecture).items() if name != "c"}


class StandsStill(Space):
    def mutate(self, architecture: object, rng: Any) -> Architecture:
        return self.validate(architecture)


class Unseeded(Space):
    calls = 0

    def sample(self, rng: Any) -> Architecture:
        self.calls += 1
        return super().sample(self.calls)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (Forgetful, "parameters come back"),
        (StandsStill, "a mutant is another"),
        (Unseeded, "a seed determines every draw"),
    ],
)
def test_broken_spaces_are_found(broken: type[Space], promise: str) -> None:
    check_space(Space(TREE))
    with pytest.raises(AssertionError, match=promise):
        check_space(broken(TREE))
