"""A part of the search that is chosen by name and takes settings: space, trainable, strategy, scheduler."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nas_tune.config.problems import SettingProblem, shown

__all__ = ["Component", "component_of", "registered_component_of"]

_LONGEST = 256


@dataclass(frozen=True)
class Component:
    """A name (registered, or `"module:attribute"`) and the settings that go to what it names.

    In TOML either `strategy = "evolution"` or a table of which every key but `name` is a setting:

        [strategy]
        name = "evolution"
        population = 8

    Settings are plain data, so that the run can write them down: strings, numbers (finite), booleans, None,
    and lists and string-keyed mappings of those. They are copied; tuples become lists.
    """

    name: str
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [*_name_problems(self.name), *_settings_problems(self.settings)]
        if problems:
            raise SettingProblem(*problems)
        object.__setattr__(self, "settings", _copied(self.settings))

    def plain(self) -> str | dict[str, object]:
        """The component as configurations write it: the name alone, or a table; a fresh copy."""
        return {"name": self.name, **_copied(self.settings)} if self.settings else self.name

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        return f"{self.name}({settings})" if settings else self.name


def component_of(value: object) -> Component:
    """A component from a name, from a mapping with a name, or from a component.

    Raises:
        SettingProblem: it is none of those, or its name or a setting breaks a rule.
    """
    if isinstance(value, Component):
        return value
    if isinstance(value, str):
        return Component(value)
    if not isinstance(value, Mapping):
        raise SettingProblem(("", f"got {shown(value)}, expected a name, or a table with a name and settings"))
    if "name" not in value:
        raise SettingProblem(("name", "missing; a table says by name what its other keys are settings of"))
    return Component(value["name"], {key: item for key, item in value.items() if key != "name"})


def registered_component_of(value: object) -> Component:
    """As `component_of`, for parts that are registered by name only."""
    component = component_of(value)
    if ":" in component.name:
        text = f"got {component.name!r}, a reference; only a registered name is taken here, so register it"
        raise SettingProblem(("", text))
    return component


def _name_problems(name: object) -> Iterator[tuple[str, str]]:
    if not isinstance(name, str):
        yield "name", f"got {shown(name)}, expected a string"
    elif not 0 < len(name) <= _LONGEST or not name.isprintable() or " " in name:
        rule = f"a registered name or 'module:attribute', without spaces, at most {_LONGEST} characters"
        yield "name", f"got {shown(name)}, expected {rule}"


def _settings_problems(settings: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if "name" in settings:
        yield (
            "name",
            f"got {shown(settings['name'])} as a setting; the key `name` is the component's own name",
        )
    yield from _problems("", settings)


def _problems(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Everything in `value` that is no plain data, with its dotted path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str) and key:
                yield from _problems(f"{path}.{key}" if path else key, item)
            else:
                yield path, f"got the key {shown(key)}, expected a string that is not empty"
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _problems(f"{path}.{index}", item)
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, f"got {shown(value)}, expected a finite number"
    elif value is not None and type(value) not in (str, int, float, bool):
        yield path, f"got {shown(value)}, expected plain data (a string, number, boolean, array or table)"


def _copied(settings: Mapping[str, object]) -> dict[str, object]:
    return {key: _plain_copy(value) for key, value in settings.items()}


def _plain_copy(value: object) -> object:
    if isinstance(value, Mapping):
        return _copied(value)
    return [_plain_copy(item) for item in value] if isinstance(value, list | tuple) else value
