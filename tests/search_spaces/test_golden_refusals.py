"""Catalogue spaces refuse wrong settings, texts and trees with the words of earlier versions, and take all others."""

from __future__ import annotations

import functools
import inspect
import re

import pytest

import search_spaces
from search_spaces.errors import NasTuneError
from tests.golden import agrees

FAMILIES = sorted(search_spaces.names())
VALUES = [0, 1, 2, 3, -1, True, 1.5, "x", None, (), ["x", "x"], (2, 1), (1, 2), (0, 1), [1, 1], [0.0, 0.5]]
READERS = ("from_arc", "from_cells", "from_genotype", "from_sequence", "from_string")


def tried(make):
    try:
        return make()
    except NasTuneError as error:
        return f"{type(error).__name__}: {re.sub(r' at 0x[0-9a-f]+', '', str(error))}"[:200]
    except (TypeError, ValueError) as error:
        return type(error).__name__


def builder(family):
    """The function that makes the space of a family."""
    module = __import__(f"search_spaces.catalogue.{family}", fromlist=["space"])
    return module.space


@pytest.mark.parametrize("family", FAMILIES)
def test_settings_are_taken_and_refused_as_they_were(family):
    found = {}
    for name in inspect.signature(builder(family)).parameters:
        for value in VALUES:

            def made(name=name, value=value):
                space = search_spaces.get(family, **{name: value})
                return [space.trees, len(space.parameters), space.sample(3).id]

            found[f"{name}={value!r}"] = tried(made)
    agrees(f"settings-{family}", found)


def varied(text):
    """Texts with an error each: a number or word that is wrong, too much or too little."""
    yield from ("", "x", text[:-1], text + "x", text[1:], text + text, text.replace(" ", ""), text.replace(",", ";"))
    for place, token in enumerate(list(re.finditer(r"[A-Za-z_0-9]+", text))[:9]):
        for wrong in ("99", "0", "1", "xx", ""):
            if wrong != token[0]:
                yield text[: token.start()] + wrong + text[token.end() :]
        if place == 0:
            yield text[: token.start()] + token[0].upper() + text[token.end() :]


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_and_trees_are_read_and_refused_as_they_were(family):
    space = search_spaces.get(family)
    member, found = space.sample(5), {}
    for name in READERS:
        if not hasattr(space, name):
            continue
        read, told = getattr(space, name), tried(functools.partial(getattr(space, name.replace("from", "to")), member))
        if isinstance(told, str):
            found[name] = [tried(functools.partial(identity, read, text)) for text in varied(told)]
        else:
            found[name] = read(told).id == member.id
    for where in list(leaves(member.tree))[:8]:
        for value in ("xx", 99, None, {}, True):
            tree = changed(plain(member.tree), where, value)
            found[f"{'.'.join(map(str, where))}={value!r}"] = tried(functools.partial(identity, space.validate, tree))
    decisions = dict(space.params(member))
    for name, given in {"none": {}, "an unknown": {"x": 1}, "a wrong": {**decisions, min(decisions): "xx"}}.items():
        found[f"params, {name}"] = tried(functools.partial(identity, space.from_params, given))
    agrees(f"texts-{family}", found)


def identity(read, given):
    return read(given).id


def plain(tree):
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    return [plain(value) for value in tree] if isinstance(tree, list | tuple) else tree


def leaves(tree, where=()):
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*where, key))
    elif isinstance(tree, list | tuple) and tree:
        for place, value in enumerate(tree):
            yield from leaves(value, (*where, place))
    else:
        yield where


def changed(tree, where, value):
    inner = tree
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    return tree
