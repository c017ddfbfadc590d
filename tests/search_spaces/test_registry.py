"""Spaces by name: the catalogue, what is registered, and plug-ins, good and broken (FAULTS 16, 17)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import search_spaces
from search_spaces import Space, SpaceError, UnknownNameError, choice
from search_spaces.catalogue import SPACES
from search_spaces.registry import HERE, Registry
from tests.registries import kept, plugged


@pytest.fixture(autouse=True)
def clean_registry() -> Iterator[None]:
    with kept(SPACES):
        yield
    SPACES._broken.clear()


@pytest.fixture
def plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("a_plug_in")
    module.make = lambda: Space({"a": choice(1, 2)}, name="plugged")  # type: ignore[attr-defined]
    module.ready = Space({"a": choice(1, 2, 3)})  # type: ignore[attr-defined]
    module.number = 3  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_plug_in", module)
    values = {
        "plugged": "a_plug_in:make",
        "ready": "a_plug_in:ready",
        "bad": "no_such_module:x",
        "odd": "a_plug_in:number",
        "nb201": "no_such_module:y",
    }
    plugged(monkeypatch, "spaces", **values)


def test_the_catalogue_is_listed_and_made_once() -> None:
    assert {"chain", "nb201"} <= set(search_spaces.names())
    assert search_spaces.get("nb201") is search_spaces.get("nb201")
    assert search_spaces.get("chain").name == "chain"


def test_a_misspelt_name_is_answered_with_the_closest() -> None:
    with pytest.raises(
        UnknownNameError, match=r"no space is called 'nb210'; did you mean 'nb201'.*known: amoebanet, chain, .*, vit"
    ):
        search_spaces.get("nb210")


def test_a_registered_space_is_found_and_its_name_kept() -> None:
    def factory() -> Space:
        return Space({"a": choice(1, 2)})

    search_spaces.register("mine", factory)
    search_spaces.register("mine", factory)
    assert "mine" in search_spaces.names()
    assert search_spaces.get("mine").size == 2
    for taken in ("mine", "nb201"):
        with pytest.raises(SpaceError, match=f"'{taken}' is taken"):
            search_spaces.register(taken, lambda: Space({"a": 1}))


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "-a", "x" * 65, "a\n"])
def test_names_follow_the_rule(name: str) -> None:
    with pytest.raises(SpaceError, match=r"\[a-z0-9\]"):
        search_spaces.register(name, lambda: Space({"a": choice(1, 2)}))


def test_a_factory_that_makes_no_space_is_refused() -> None:
    search_spaces.register("wrong", lambda: 3)  # type: ignore[arg-type, return-value]
    with pytest.raises(SpaceError, match="made a int; it must return a Space"):
        search_spaces.get("wrong")


@pytest.mark.usefixtures("plug_ins")
def test_plug_ins_are_found_and_a_broken_one_hurts_only_who_uses_it() -> None:
    assert {"plugged", "ready", "bad"} <= set(search_spaces.names())
    assert search_spaces.get("plugged").size == 2
    assert search_spaces.get("ready").size == 3
    broken = SPACES.broken()
    assert broken.keys() == {"bad", "odd"}
    assert re.search(r"'bad' of the plug-in no_such_module .*ModuleNotFoundError: No module named", broken["bad"])
    assert "bad" not in search_spaces.names()
    with pytest.raises(SpaceError, match=r"'bad' .*\(no_such_module:x\) cannot be imported: ModuleNotFoundError"):
        search_spaces.get("bad")
    with pytest.raises(SpaceError, match="is a int; it must be a Space"):
        search_spaces.get("odd")


@pytest.mark.usefixtures("plug_ins")
def test_each_name_has_an_origin_and_what_is_built_in_is_no_plug_in() -> None:
    search_spaces.register("mine", lambda: Space({"a": choice(1, 2)}))
    assert [SPACES.origin(name) for name in ("nb201", "mine", "plugged")] == ["nas_tune", HERE, "a_plug_in"]
    assert search_spaces.get("nb201").name == "nb201"
    with pytest.raises(UnknownNameError, match="did you mean 'plugged'"):
        SPACES.origin("pluged")


@pytest.mark.usefixtures("plug_ins")
def test_what_a_program_registers_comes_before_a_plug_in() -> None:
    search_spaces.register("bad", Space({"a": choice(1, 2)}))
    assert "bad" not in SPACES.broken()
    assert search_spaces.get("bad").size == 2


def test_a_name_may_be_taken_over_and_given_back() -> None:
    ours = search_spaces.get("nb201")
    search_spaces.register("nb201", Space({"a": choice(1, 2)}), replace=True)
    assert search_spaces.get("nb201").size == 2
    SPACES.forget("nb201")
    assert search_spaces.get("nb201").fingerprint == ours.fingerprint


def test_a_reference_is_imported_when_it_is_asked_for() -> None:
    search_spaces.register("later", "tests.toys:tiny_space")
    search_spaces.register("never", "no_such_module:x")
    assert {"later", "never"} <= set(search_spaces.names())
    assert search_spaces.get("later").size
    with pytest.raises(SpaceError, match=r"the space 'never' \(no_such_module:x\) cannot be imported"):
        search_spaces.get("never")
    with pytest.raises(SpaceError, match="'x' is not a reference; write 'module:attribute'"):
        search_spaces.register("wrong", "x")


def test_listing_names_imports_none_of_their_modules() -> None:
    registry: Registry[object] = Registry(
        "thing", "spaces", {"one": "no_such_module:x"}, check=lambda name, found: found, error=SpaceError
    )
    assert "one" in registry
    assert "one" in registry.names()
    assert registry.origin("one") == "nas_tune"
