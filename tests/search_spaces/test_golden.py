"""Every catalogue space computes what it computed in earlier versions: members, moves, codes, pictures, texts."""

from __future__ import annotations

import hashlib
import random

import pytest

import search_spaces
from search_spaces.drawing import draw
from search_spaces.errors import ArchitectureError
from search_spaces.interchange import to_row
from tests.golden import agrees, changeable, decisions, interface
from tests.toys import conditional_space, ruled_space, tiny_space

TOYS = {"tiny": tiny_space, "conditional": conditional_space, "ruled": ruled_space}


def facts(space):
    """What a space says of itself, and of two of its members."""
    rng = random.Random(7)
    one, other = space.sample(rng), space.sample(rng)
    child = space.crossover(one, other, rng)
    code, active = space.encode(other)
    return {
        "fingerprint": space.fingerprint,
        "trees": space.trees,
        "size": space.size if space.trees and space.trees < 20_000 else None,
        "text": repr(space),
        "optuna": {name: str(found) for name, found in space.to_optuna().items()},
        "tune": {name: type(found).__name__ for name, found in space.to_tune().items()},
        "members": [one.to_json(), other.to_json()],
        "ids": [one.id, other.id, child.id, space.mutate(one, rng).id],
        "neighbors": sorted(found.id for found in space.neighbors(one))[:5],
        "neighbor_count": len(space.neighbors(one)),
        "distance": space.distance(one, other),
        "diff": space.diff(one, other),
        "params": space.params(one),
        "code": [round(float(number), 9) for number in code],
        "active": "".join("01"[bool(used)] for used in active),
        "decoded": space.decode(code).id,
        "row": to_row(space, one),
    }


def written(write, member):
    """A member in the text form of its space, or why it has none."""
    try:
        return str(write(member))
    except ArchitectureError as error:
        return str(error)


@pytest.mark.parametrize("name", sorted(search_spaces.names()))
def test_a_space_is_what_it_was(name):
    space = search_spaces.get(name)
    found = facts(space)
    one, other = (space.validate(search_spaces.Architecture.from_json(text)) for text in found["members"])
    for read in ("to_genotype", "to_string", "blocks"):
        value = getattr(space, read, None)
        found[read] = written(value, one) if callable(value) else value
    single, beside = draw(one), draw(one, other)
    found["mermaid"] = single.mermaid().splitlines()
    found["dot"] = beside.dot().splitlines()
    found["svg"] = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in (single.svg(), beside.svg())]
    found["svg_starts"] = single.svg()[:300]
    agrees(f"space-{name}", found)


@pytest.mark.parametrize("name", TOYS)
def test_a_small_space_is_what_it_was(name):
    space = TOYS[name]()
    found = facts(space)
    found["all"] = [member.to_json() for member in space.enumerate()][:20]
    agrees(f"toy-{name}", found)


def test_packages_offer_what_they_offered():
    agrees("interface-search_spaces", interface("search_spaces"), growing=True)


def test_constants_and_defaults_are_what_they_were():
    agrees("decisions-search_spaces", decisions("search_spaces"), growing=True)


def test_values_that_are_handed_out_cannot_be_changed():
    assert changeable("search_spaces") <= {"Item", "Layered", "Scope", "Segment", "Site", "Use"}
