"""The conformance suite of spaces: it checks on samples what every space promises, your own spaces too.

    from search_spaces.testing import check_space

    def test_my_space() -> None:
        check_space(my_space())

It imports NumPy and Optuna, but not Ray. An `AssertionError` names the broken promise and the architecture.
"""

from __future__ import annotations

import json
import math
import pickle
import random
from itertools import pairwise

from search_spaces.architecture import Architecture, Json
from search_spaces.space import Space

__all__ = ["check_member", "check_space"]


def check_space(space: Space, *, samples: int = 20, seed: int = 0) -> None:
    """Check random members of a space, moves between them, random vectors, and the space's description.

    Args:
        space: the space.
        samples: the number of random members.
        seed: the seed of all draws.

    Raises:
        AssertionError: the space breaks a promise.
    """
    rng = random.Random(seed)
    members = [space.sample(rng) for _ in range(samples)]
    for made in members:
        check_member(space, made)
    for one, other in pairwise(members):
        _check_moves(space, one, other, rng)
    _check_vectors(space, rng)
    _require(space.sample(seed) == space.sample(random.Random(seed)), "a seed determines every draw", seed)
    written = json.loads(json.dumps(space.to_spec()))
    _require(written == space.to_spec(), "the spec is JSON", written)


def check_member(space: Space, made: Architecture) -> None:
    """Check one member: it validates, and JSON, pickle, parameters, Optuna and its vector all lead back to it.

    Args:
        space: the space.
        made: a member that the space has made.

    Raises:
        AssertionError: the space breaks a promise.
    """
    _require(space.validate(made.tree) == made, "a member validates", made)
    read = space.validate(Architecture.from_json(made.to_json()))
    _require((read, read.id) == (made, made.id), "JSON comes back, with the id", made)
    copy = pickle.loads(pickle.dumps(made))  # noqa: S301 (what was pickled on this line)
    _require((copy, copy.id) == (made, made.id), "pickling keeps tree and id", made)
    back = space.from_params(space.params(made))
    _require((back, back.id) == (made, made.id), "parameters come back, with the id", made)
    _check_inactive(space, made)
    _check_optuna(space, made)
    vector, mask = space.encode(made)
    _require(vector.shape == mask.shape and not vector[~mask].any(), "the vector is masked", made)
    _require(_close(space.decode(vector).tree, made.tree), "the vector decodes to the member", made)


def _check_inactive(space: Space, made: Architecture) -> None:
    active = space.params(made)
    inactive = {p.name: p.value(p.count - 1) if p.count else p.first for p in space.parameters}
    back = space.from_params(inactive | active)
    _require((back, back.id) == (made, made.id), "inactive parameters change nothing", made)


def _check_optuna(space: Space, made: Architecture) -> None:
    from optuna.trial import FixedTrial, create_trial

    active, distributions = space.params(made), space.to_optuna()
    expected = {name: distributions[name] for name in active}
    recorded = create_trial(value=0.0, params=active, distributions=expected)
    _require(recorded.params == active, "Optuna can record the parameters", made)
    trial = FixedTrial(active)
    _require(space.suggest(trial) == made, "Optuna's suggestions lead to the member", made)
    _require(trial.params == active, "Optuna is asked for the active parameters only", made)


def _check_moves(space: Space, one: Architecture, other: Architecture, rng: random.Random) -> None:
    if space.size != 1:
        mutant = space.mutate(one, rng)
        _require(mutant != one and space.contains(mutant), "a mutant is another member", mutant)
    child = space.crossover(one, other, rng)
    _require(space.contains(child), "a child is a member", child)
    near = space.neighbors(one)
    _require(one not in near and len(set(near)) == len(near), "neighbours are others, each once", one)
    _require(all(space.contains(made) for made in near[:10]), "neighbours are members", one)


def _check_vectors(space: Space, rng: random.Random) -> None:
    width = len(space.encode(space.sample(rng))[0])
    for numbers in ([math.nan] * width, [math.inf] * width, [rng.uniform(-2, 2) for _ in range(width)]):
        _require(space.contains(space.decode(numbers)), "any vector decodes to a member", numbers)


def _close(one: Json, other: Json) -> bool:
    """Whether two trees are equal except for the rounding of floats."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def _require(holds: bool, promise: str, about: object) -> None:
    if not holds:
        raise AssertionError(f"{promise}: broken by {about!r}")
