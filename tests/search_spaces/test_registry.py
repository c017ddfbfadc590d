"""Spaces by name: the catalogue, what is registered, and plug-ins, good and broken (FAULTS 16, 17)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata
from types import ModuleType

import pytest

import search_spaces
from search_spaces import Space, SpaceError, UnknownNameError, choice, registry


@pytest.fixture(autouse=True)
def clean_registry() -> Iterator[None]:
    kept = [dict(store) for store in (registry._registered, registry._made, registry._broken)]
    yield
    for store, before in zip((registry._registered, registry._made, registry._broken), kept, strict=True):
        store.clear()
        store.update(before)  # type: ignore[arg-type]


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
    }
    points = [metadata.EntryPoint(name, value, registry.ENTRY_POINT_GROUP) for name, value in values.items()]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == registry.ENTRY_POINT_GROUP else [])


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
    assert registry.broken() == {"bad": "ModuleNotFoundError: No module named 'no_such_module'"}
    assert "bad" not in search_spaces.names()
    with pytest.raises(SpaceError, match=r"'bad' \(no_such_module:x\) is broken: ModuleNotFoundError"):
        search_spaces.get("bad")
    with pytest.raises(SpaceError, match="made a int"):
        search_spaces.get("odd")
    assert registry.origins()["plugged"] == "plug-in a_plug_in:make"
    assert registry.origins()["nb201"] == "search_spaces.catalogue.nb201"
