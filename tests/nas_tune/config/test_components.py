"""Names and settings to objects: what is misspelt, of the wrong type or not there is said so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nas_tune.config.components import factory_settings, make_component
from nas_tune.errors import ConfigError
from search_spaces.errors import UnknownNameError


class Engine:
    def __init__(self, size: int, rate: float = 0.1, label: str | None = None, fast: bool = False) -> None:
        self.given = (size, rate, label, fast)


def anything(size: int, what=None) -> tuple[int, object]:  # type: ignore[no-untyped-def]  # an untyped plug-in
    return size, what


REGISTRY: dict[str, Callable[..., Any]] = {"engine": Engine, "anything": anything}


def made(name: str, **settings: object) -> Any:
    return make_component("part", REGISTRY, name, {"size": 3}, settings)


def test_what_the_search_gives_and_what_the_user_sets_meet_in_the_call() -> None:
    assert made("engine", rate=0.5, label="x").given == (3, 0.5, "x", False)
    assert made("engine").given == (3, 0.1, None, False)


def test_a_whole_number_does_where_a_fraction_is_asked_for() -> None:
    assert made("engine", rate=1).given[1] == 1


def test_none_does_where_it_is_allowed() -> None:
    assert made("engine", label=None).given[2] is None


def test_what_has_no_type_takes_anything() -> None:
    assert made("anything", what=[1, 2]) == (3, [1, 2])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rate": "fast"}, "part.rate is 'fast' of type str; expected float or int"),
        ({"rate": True}, "part.rate is True of type bool; expected float or int"),
        ({"rate": None}, "part.rate is None of type NoneType; expected float or int"),
        ({"label": 3}, "part.label is 3 of type int; expected str or NoneType"),
        ({"fast": 1}, "part.fast is 1 of type int; expected bool"),
        (
            {"lable": "x"},
            "part.lable is not a setting of 'engine'; did you mean 'label'.*its settings: rate, label, fast",
        ),
        ({"size": 4}, "part.size is not a setting of 'engine'"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made("engine", **settings)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        UnknownNameError, match=r"no part is called 'engin'; did you mean 'engine'.*known: anything, engine"
    ):
        made("engin")


def test_settings_are_those_that_the_search_does_not_give() -> None:
    assert factory_settings(Engine, {"size": 3}) == {"rate": float, "label": str | None, "fast": bool}
    assert factory_settings(anything) == {"size": int, "what": object}
