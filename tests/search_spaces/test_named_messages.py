"""Messages name the space, or say that it has no name; they name the place, or say that it is the root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import search_spaces
from search_spaces import Space, choice, const
from search_spaces.errors import ArchitectureError, NasTuneError, SpaceError
from search_spaces.graphs.encodings import path_encoding
from search_spaces.graphs.outline import _phrase


def refused(make: Callable[[], Any]) -> str:
    with pytest.raises(NasTuneError) as caught:
        make()
    return str(caught.value)


def only_first(made: Any) -> bool:
    return bool(made["a"] == 1)


ACTS: dict[str, tuple[Any, dict[str, Any], Callable[[Space], Any], str]] = {
    "blocks": ({"a": choice(1, 2)}, {}, lambda s: s.resized(3), "space {} has no cells of blocks: it cannot have 3"),
    "one member": (
        {"a": const(1)},
        {},
        lambda s: s.mutate(s.sample(0), 0),
        "space {} has one member only: there is nothing to mutate",
    ),
    "no other member": (
        {"a": choice(1, 2)},
        {"valid": only_first},
        lambda s: s.mutate(s.sample(0), 0),
        "space {}: no other valid member was found; loosen `valid`",
    ),
    "no member": (
        {"a": choice(2, 3)},
        {"valid": only_first},
        lambda s: s.sample(0),
        "space {} has no valid architecture: none of all 2 trees pass its rule; loosen `valid`",
    ),
    "nothing to grow": (
        {"a": choice(1, 2)},
        {},
        lambda s: s.smallest,
        "space {} has nothing to grow: neither cells of blocks nor a repeat outside ",
    ),
}


@pytest.mark.parametrize("name", [None, "mine"])
@pytest.mark.parametrize("act", ACTS)
def test_a_space_is_named_or_has_no_name(act: str, name: str | None) -> None:
    tree, rules, make, said = ACTS[act]

    def made() -> Any:
        found = make(Space(tree, name=name, **rules))
        return found() if callable(found) else found

    assert refused(made).startswith(said.format(name or "without name"))


@pytest.mark.parametrize("name", [None, "mine"])
def test_a_space_shows_its_name_and_its_parameters(name: str | None) -> None:
    assert repr(Space({"a": choice(1, 2)}, name=name)) == f"<Space {name or 'unnamed'}: 1 parameters>"


def test_a_family_with_too_many_paths_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    space = search_spaces.get("nb201")
    member, total = space.sample(0), len(path_encoding(space, space.sample(0)))
    monkeypatch.setattr("search_spaces.graphs.encodings.MOST_PATHS", total)
    assert len(path_encoding(space, member)) == total
    monkeypatch.setattr("search_spaces.graphs.encodings.MOST_PATHS", total - 1)
    for name, said in (("nb201", "nb201"), (None, "without name")):
        monkeypatch.setattr(space, "name", name)
        with pytest.raises(SpaceError, match=rf"space {said} has {total} paths; give a length, such as length=1000"):
            path_encoding(space, member)
    assert len(path_encoding(space, member, length=7)) == 7
    assert len(path_encoding(space, member, length=total + 5)) == total
    for length in (0, -1, 1.5, True):
        with pytest.raises(SpaceError, match="the length of a path encoding is an int of at least 1"):
            path_encoding(space, member, length=length)  # type: ignore[arg-type]


# Places


@pytest.mark.parametrize(("tree", "where"), [(choice(1, "1"), "its root"), ({"a": choice(1, "1")}, "a")])
def test_options_that_print_alike_are_told_with_their_place(tree: object, where: str) -> None:
    assert refused(lambda: Space(tree)).startswith(f"space at {where}: 1 and '1': these options print alike")


@pytest.mark.parametrize(("path", "said"), [("", "its root"), ("a.b", "a.b")])
def test_an_error_of_an_architecture_has_its_place(path: str, said: str) -> None:
    assert str(ArchitectureError(path, "no")) == f"architecture at {said}: no"


def test_the_keys_that_are_needed_are_named_or_there_are_none() -> None:
    space = Space({"a": {}, "b": {"c": choice(1, 2)}})
    assert "a dict with the keys a, b is needed here" in refused(lambda: space.validate(3))
    assert "a dict with the keys (none) is needed here" in refused(lambda: space.validate({"a": 3, "b": {"c": 1}}))
    more = refused(lambda: space.validate({"a": {"x": 1}, "b": {"c": 1}}))
    assert "the keys are (none)" in more
    assert "the keys are c" in refused(lambda: space.validate({"a": {}, "b": {"c": 1, "x": 2}}))
    assert "the key 'c' is missing" in refused(lambda: space.validate({"a": {}, "b": {}}))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"kind": "choice"}, "spec at its root: malformed (KeyError("),
        ({"kind": "dict", "items": {"a": {"kind": "choice"}}}, "spec at a: malformed (KeyError("),
        ({"kind": "dict", "items": {"a": {"kind": "dict", "items": {"b": 3}}}}, "spec at a.b: malformed (TypeError("),
    ],
)
def test_a_malformed_spec_is_told_with_its_place(spec: Any, said: str) -> None:
    whole = {**Space({"a": choice(1, 2)}).to_spec(), "tree": spec}
    assert said in refused(lambda: Space.from_spec(whole))


def test_a_difference_at_the_root_is_named_so() -> None:
    space = Space(choice(1, 2))
    assert space.diff(space.validate(1), space.validate(2)) == "(root): 1 -> 2"
    inner = Space({"a": choice(1, 2)})
    assert inner.diff(inner.validate({"a": 1}), inner.validate({"a": 2})) == "a: 1 -> 2"


def test_a_tree_that_holds_itself_is_told_with_its_circle() -> None:
    tree: dict[str, Any] = {"a": choice(1, 2)}
    tree["b"] = tree
    assert "(root) -> b" in refused(lambda: Space(tree))
    inner: dict[str, Any] = {"c": choice(1, 2)}
    inner["d"] = inner
    assert "b -> b.d" in refused(lambda: Space({"b": inner}))


def test_a_list_without_plain_items_is_drawn_as_none() -> None:
    assert _phrase("ops", ["a", 3]) == "ops a, 3"
    assert _phrase("ops", []) == "ops none"
    assert _phrase("", [{"a": 1}]) == "none"
