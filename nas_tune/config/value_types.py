"""The types of the values of a configuration, with the rules that a single value has to keep."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from nas_tune.config.component import Component, component_of, registered_component_of
from nas_tune.config.names import metric_name_problem, run_name_problem
from nas_tune.config.problems import Expected, SettingProblem, shown
from nas_tune.errors import ConfigError
from nas_tune.objectives.limits import limits_of
from nas_tune.objectives.objective import Mode
from search_spaces.names import remote_problem
from trainables.errors import TrainableError
from trainables.hardware.device import Device

__all__ = [
    "Count",
    "DeviceTable",
    "Folder",
    "Folders",
    "LimitTable",
    "MetricNames",
    "Modes",
    "Reference",
    "Registered",
    "RunName",
    "Seconds",
    "Text",
    "TrialCount",
    "Workers",
]


def _run_name(value: object) -> object:
    if value is not None and (problem := run_name_problem(value)):
        raise SettingProblem(("", problem))
    return value


def _metric_names(value: object) -> object:
    """A name, or several as a tuple; a list with one name becomes the name."""
    names = list(value) if isinstance(value, list | tuple) else [value]
    problems = [problem for name in names if (problem := metric_name_problem(name))]
    problems += [f"got {name!r} twice or more; each metric is named once" for name in _repeated(names)]
    if not problems and len({str(name).lower() for name in names}) < len(names):
        problems.append(f"got {', '.join(map(repr, names))}, of which some differ only in case; rename one")
    if not names:
        problems = ["got an empty list, expected the name of a metric, or a list of names"]
    if problems:
        raise SettingProblem(*(("", problem) for problem in problems))
    return tuple(names) if len(names) > 1 else names[0]


def _modes(value: object) -> object:
    """A mode, or one for each metric as a tuple; a list with one mode becomes the mode."""
    modes = list(value) if isinstance(value, list | tuple) else [value]
    if not modes or any(mode not in ("max", "min") for mode in modes):
        if modes == [value]:
            raise ValueError("no mode")
        raise SettingProblem(("", f"got {shown(value)}, expected 'max' or 'min' for each metric"))
    return tuple(modes) if len(modes) > 1 else modes[0]


def _repeated(names: list[object]) -> list[object]:
    found: list[object] = []
    for place, name in enumerate(names):
        if name in names[:place] and name not in names[place + 1 :]:
            found.append(name)
    return found


def _whole(value: object) -> object:
    """Accept whole floats, because 1e6, which TOML reads as a float, is a usual way to write a large count."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _folder(value: object) -> object:
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if isinstance(path, str) and ("\0" in path or not path.strip()):
        raise ValueError("no path")
    if isinstance(path, str) and (problem := remote_problem(path)):
        raise SettingProblem(("", problem))
    return path


def _folders(value: object) -> object:
    if not isinstance(value, list | tuple) or any(isinstance(_folder(item), bool | int | float) for item in value):
        raise ValueError("no folders")
    return tuple(_folder(item) for item in value)


def _not_zero(value: int) -> int:
    if value == 0:
        raise ValueError("zero")
    return value


def _limits(value: object) -> object:
    """A table of limits, as it was given: their order and their spelling are those of the user."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError("no table")
    problems = []
    for name, bound in value.items():
        try:
            limits_of({name: bound})
        except ConfigError as error:
            problems.append((name, str(error).removeprefix(f"{name}: ")))
        if problem := metric_name_problem(name):
            problems.append((name, problem))
    if problems:
        raise SettingProblem(*problems)
    return dict(value)


def _device(value: object) -> object:
    if isinstance(value, str):
        where = "the device on which a trial trains is trainable.device"
        raise SettingProblem(("", f"got {shown(value)}, expected a table, such as {{ engine = 'torch' }}; {where}"))
    try:
        return None if value is None else Device.of(value)  # type: ignore[arg-type]
    except TrainableError as error:
        raise SettingProblem(("", str(error).removeprefix("device").removeprefix(": ").strip())) from error


# A constraint stands on the type itself and not on its union with None, which it could not compare.
Count = Annotated[int, Field(gt=0)]
Text = Annotated[str, Field(min_length=1)]
Folder = Annotated[str | None, BeforeValidator(_folder), Expected("the path of a folder (not empty)")]
Reference = Annotated[Component, PlainValidator(component_of)]
Registered = Annotated[Component, PlainValidator(registered_component_of)]
Seconds = Annotated[Annotated[float, Field(gt=0)] | None, Expected("a number of seconds above 0")]
RunName = Annotated[str | None, BeforeValidator(_run_name), Expected("a run name")]
MetricNames = Annotated[
    str | tuple[str, ...], PlainValidator(_metric_names), Expected("the name of a metric, or a list of names")
]
Modes = Annotated[Mode | tuple[Mode, ...], PlainValidator(_modes), Expected("one of 'max', 'min'", ("max", "min"))]
TrialCount = Annotated[Count | None, BeforeValidator(_whole), Expected("a whole number above 0")]
Workers = Annotated[int, Field(ge=-1), AfterValidator(_not_zero), Expected("a whole number, at least 1, or -1 for all")]
LimitTable = Annotated[
    dict[str, Any] | None, PlainValidator(_limits), Expected("a table of limits, such as { parameters = '100k' }")
]
DeviceTable = Annotated[
    Device | None, PlainValidator(_device), Expected("a table of a device, such as { engine = 'onnxruntime' }")
]
Folders = Annotated[tuple[str, ...], BeforeValidator(_folders), Expected("an array of run folders")]
