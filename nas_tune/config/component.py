"""A component: a space, trainable, strategy or scheduler, chosen by name and with settings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nas_tune.config.problems import SettingProblem, shown

__all__ = ["Component", "component_of", "registered_component_of"]

_LONGEST = 256


@dataclass(frozen=True)
class Component:
    """A name (registered, or `"module:attribute"`) and the settings of what it names.

    In TOML it is either `strategy = "evolution"` or a table, in which every key but `name` is a setting:

        [strategy]
        name = "evolution"
        population = 8

    Settings are plain data, so that the ledger can store them: strings, finite numbers, booleans, None, and lists and
    string-keyed mappings of those. They are copied; tuples become lists.

    Attributes:
        name: a registered name or a reference, without spaces, at most 256 characters.
        settings: the arguments of what it names, by name; the key `name` is not allowed.

    Raises:
        SettingProblem: the name or a setting breaks a rule.
    """

    name: str
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [*_name_problems(self.name), *_settings_problems(self.settings)]
        if problems:
            raise SettingProblem(*problems)
        object.__setattr__(self, "settings", _copied(self.settings))

    def plain(self) -> str | dict[str, object]:
        """Convert the component to what a configuration file holds.

        Returns:
            The name alone, or a table where there are settings; a new copy.
        """
        return {"name": self.name, **_copied(self.settings)} if self.settings else self.name

    def __str__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        return f"{self.name}({settings})" if settings else self.name


def component_of(value: object) -> Component:
    """Make a component from a name, from a mapping with a name, or from a component.

    Args:
        value: the value of a key in a configuration.

    Returns:
        The component.

    Raises:
        SettingProblem: the value is none of those, or its name or a setting breaks a rule.
    """
    if isinstance(value, Component):
        return value
    if isinstance(value, str):
        return Component(value)
    if not isinstance(value, Mapping):
        raise SettingProblem(("", f"got {shown(value)}, expected a name, or a table with a name and settings"))
    if "name" not in value:
        raise SettingProblem(
            (
                "name",
                "missing; a table needs the key name; its other keys are the settings of the component of that name",
            )
        )
    return Component(value["name"], {key: item for key, item in value.items() if key != "name"})


def registered_component_of(value: object) -> Component:
    """Make a component as `component_of` does, for kinds that have registered names only.

    Args:
        value: the value of a key in a configuration.

    Returns:
        The component.

    Raises:
        SettingProblem: the value is not a component, or its name is a reference.
    """
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
    """A pair (dotted path, message) for everything in `value` that is not plain data."""
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
