"""Plug-ins that were written when hooks of methods had other names work, with a warning that says the name to write."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from types import new_class
from typing import Any

import pytest
import torch

from tests.trainables.supernet.toys import Two
from trainables.supernet import relax
from trainables.supernet.methods import METHODS, register
from trainables.supernet.methods.ofa import Ofa
from trainables.supernet.methods.paths import PathMethod, extreme
from trainables.supernet.methods.spos import Spos


def older(**hooks: Any) -> type[PathMethod]:
    """A class of a plug-in with these hooks, which warns of each where it is defined."""
    with pytest.warns(DeprecationWarning, match="rename the method") as told:
        made = new_class("Older", (PathMethod,), exec_body=lambda body: body.update(hooks))
    assert len(told) == len(hooks)
    return made


def smallest(method: PathMethod) -> dict[str, tuple[int, ...]]:
    return {name: extreme(one, method.left(one), largest=False) for name, one in method.decisions.items()}


@pytest.fixture
def names() -> Iterator[None]:
    before = set(METHODS.names())
    yield
    for name in set(METHODS.names()) - before:
        METHODS.forget(name)


def test_the_path_outside_of_training_is_that_of_the_former_hook() -> None:
    taken = relax(Two(), older(usual=smallest)()).eval()
    assert taken(torch.ones(1)).item() == 1
    assert taken.method.default_path() == {"first": (0,), "last": (0,)}


def test_the_former_hook_of_a_supernet_is_called_once_with_it() -> None:
    met: list[tuple[object, object]] = []
    example = torch.ones(1)
    made = relax(Two(), older(meet=lambda self, supernet, given: met.append((supernet, given)))(), example=example)
    assert met == [(made, example)]


def test_the_warning_says_the_class_and_both_names() -> None:
    with pytest.warns(DeprecationWarning, match=r"Mine\.usual is called default_path now: rename the method") as told:

        class Mine(Spos):
            def usual(self) -> dict[str, tuple[int, ...]]:
                return smallest(self)

    assert told[0].filename == __file__
    assert issubclass(Mine, Spos)


def test_a_former_hook_may_call_that_of_its_base() -> None:
    with pytest.warns(DeprecationWarning, match="Mine.meet|Mine.usual"):

        class Mine(Ofa):
            def meet(self, supernet: Any, example: Any) -> None:
                super().meet(supernet, example)
                self.came_back = True

            def usual(self) -> dict[str, tuple[int, ...]]:
                return {**super().usual(), "seen": (1,)}

    method = Mine()
    relax(Two(), method)
    assert method.came_back
    assert method.default_path() == {**Ofa.default_path(method), "seen": (1,)}


def test_a_mixin_with_a_former_hook_counts() -> None:
    class Mixin:
        usual = smallest

    with pytest.warns(DeprecationWarning, match="Mixed.usual"):

        class Mixed(Mixin, PathMethod):
            pass

    method = Mixed()
    relax(Two(), method)
    assert method.default_path() == {"first": (0,), "last": (0,)}


def test_a_class_derived_from_an_older_one_takes_the_names_of_today() -> None:
    base: Any = older(usual=smallest)
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Later(base):
            def default_path(self) -> dict[str, tuple[int, ...]]:
                return {}

        class Both(PathMethod):
            def usual(self) -> dict[str, tuple[int, ...]]:
                raise AssertionError("for older versions of this package")

            def default_path(self) -> dict[str, tuple[int, ...]]:
                return {}

    assert Later().default_path() == Both().default_path() == {}


@pytest.mark.usefixtures("names")
def test_an_older_plug_in_is_registered_and_used_by_its_name() -> None:
    register("older", older(usual=smallest))
    taken = relax(Two(), "older").eval()
    assert taken(torch.ones(1)).item() == 1
