"""`nas-tune spaces` and `nas-tune strategies`: the registered names, with settings and defaults."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, is_dataclass
from typing import TYPE_CHECKING

from nas_tune.cli.places import stderr, stdout
from nas_tune.cli.text import plain
from nas_tune.errors import NasTuneError

if TYPE_CHECKING:
    from search_spaces.registry import Registry
    from trainables.export import Format
    from trainables.settings.groups import FlatSetting

__all__ = ["about", "size_text", "spaces", "strategies"]

_WIDTH, _INDENT = 80, 20
_GIVEN = {"strategies": ("space", "seed"), "schedulers": ("max_epochs",)}


def spaces() -> None:
    """List the search spaces that have names, and where each comes from."""
    import search_spaces
    from nas_tune.cli.tables import TableColumn, lines
    from search_spaces.catalogue import SPACES

    _note_broken(SPACES)
    found = {}
    for name in SPACES:
        try:
            found[name] = search_spaces.get(name)
        except NasTuneError as error:
            stderr().print(f"{name!r} is left out: {plain(str(error))}", style="yellow")
    columns = [
        TableColumn("space", list(found), style="bold"),
        TableColumn("architectures", [size_text(space.size) for space in found.values()], right=True),
        TableColumn("parameters", [str(len(space.parameters)) for space in found.values()], right=True),
        TableColumn("from", [SPACES.origin(name) for name in found]),
    ]
    for line in lines(columns):
        stdout().print(line)


def strategies() -> None:
    """List strategies, schedulers, trainables, tasks and export formats with their settings and origins."""
    from nas_tune.schedulers import SCHEDULERS
    from nas_tune.strategies import STRATEGIES
    from trainables.export import FORMATS
    from trainables.registry import TRAINABLES
    from trainables.supernet import METHODS
    from trainables.tasks.registry import TASKS

    _print("strategies", STRATEGIES)
    _print("strategies that search in a supernet (settings beside those of the trainable darts)", METHODS)
    _print_self_searches()
    _print("schedulers", SCHEDULERS)
    _print("trainables", TRAINABLES)
    _print("tasks", TASKS)
    _print_formats(FORMATS)


def about(factory: Callable[..., object]) -> str:
    """Read the first paragraph of a docstring.

    Args:
        factory: a function or class.

    Returns:
        The paragraph as one line; empty without a docstring.
    """
    text = inspect.getdoc(factory) or ""
    return " ".join(text.split("\n\n")[0].split())


def _print(title: str, registry: Registry[Callable[..., object]]) -> None:
    from nas_tune.objectives.objective import takes_several

    _note_broken(registry)
    out = stdout()
    out.print(title, style="bold")
    for name, factory in registry.items():
        _print_entry(name, about(factory))
        for line in _settings_lines(factory, _GIVEN.get(title, ())):
            out.print(line, style="dim")
        several = "; one objective or several" if takes_several(factory) else ""
        out.print(f"{' ' * _INDENT}from {registry.origin(name)}{several}", style="dim")
    out.print()


def _print_self_searches() -> None:
    """The strategies that search by themselves; their settings are those of their trainables."""
    from nas_tune.config.self_search import SELF_SEARCHES, self_search

    _note_broken(SELF_SEARCHES)
    if SELF_SEARCHES:
        stdout().print("strategies that search by themselves", style="bold")
    for name, factory in SELF_SEARCHES.items():
        _print_entry(name, about(factory))
        for line in _settings_lines(self_search(name).trainable, ("space",)):
            stdout().print(line, style="dim")
        stdout().print(f"{' ' * _INDENT}from {SELF_SEARCHES.origin(name)}", style="dim")
    if SELF_SEARCHES:
        stdout().print()


def _print_formats(formats: Registry[Format]) -> None:
    _note_broken(formats)
    stdout().print("export formats", style="bold")
    for name, found in formats.items():
        _print_entry(name, ", ".join(found.files))
        stdout().print(f"{' ' * _INDENT}from {formats.origin(name)}", style="dim")
    stdout().print()


def _print_entry(name: str, text: str) -> None:
    out = stdout()
    first, *more = _wrapped(text)
    out.print(f"  {name:<{_INDENT - 2}}", style="bold cyan", end="")
    for line in (first, *(" " * _INDENT + line for line in more)):
        out.print(line)


def _note_broken(registry: Registry[object]) -> None:
    for name, error in registry.broken().items():
        stderr().print(f"{name!r} is left out: {plain(error)}", style="yellow")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - _INDENT, break_on_hyphens=False) or [""]


def _settings_lines(factory: Callable[..., object], given: Iterable[str]) -> Iterator[str]:
    # A null in place of each blank keeps a setting on one line.
    settings = ", ".join(text.replace(" ", "\0") for text in _settings(factory, given))
    for line in _wrapped(settings or "no settings"):
        yield " " * _INDENT + line.replace("\0", " ")


def _settings(factory: Callable[..., object], given: Iterable[str]) -> Iterator[str]:
    """`name = default` for every parameter that is a setting; `name` alone where it must be given."""
    from trainables.trial.generator import GIVEN

    parameters = _parameters(factory)
    if inspect.isgeneratorfunction(inspect.unwrap(factory)):
        parameters, given = parameters[1:], GIVEN
    for parameter in parameters:
        if parameter.name in given or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        default = parameter.default
        yield parameter.name if default is parameter.empty else f"{parameter.name} = {_toml(default)}"


def _parameters(factory: Callable[..., object]) -> list[inspect.Parameter]:
    """The parameters of a factory by their flat names, so that the settings in a group of settings are listed too."""
    from trainables.settings.groups import flat_settings
    from trainables.tasks.learner import Learner
    from trainables.tasks.learner_settings import LearnerSettings

    parameters = list(inspect.signature(factory).parameters.values())
    if factory is Learner:
        return [*parameters, *_flat_parameters(flat_settings(LearnerSettings))]
    if is_dataclass(factory):
        return _flat_parameters(flat_settings(factory))
    return parameters


def _flat_parameters(settings: Mapping[str, FlatSetting]) -> list[inspect.Parameter]:
    empty, kind = inspect.Parameter.empty, inspect.Parameter.KEYWORD_ONLY
    found: list[inspect.Parameter] = []
    for name, one in settings.items():
        found.append(inspect.Parameter(name, kind, default=empty if one.default is MISSING else one.default))
    return found


def _toml(value: object) -> str:
    """A default as a configuration would write it."""
    if value is None:
        return "(none)"
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def size_text(size: int | None) -> str:
    """Write the number of architectures of a space.

    Args:
        size: the number; None where it is not counted.

    Returns:
        The text, with separators or as a power of ten.
    """
    if size is None:
        return "not counted"
    return f"{size:,}" if size < 10**12 else f"{size:.2e}"
