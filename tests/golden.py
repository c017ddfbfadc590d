"""What the package computed once, kept as readable JSON: same seed, same answer, in every version.

    agrees("schedulers", {"asha": verdicts, ..})

Where an answer changes on purpose, `NAS_TUNE_GOLDEN=write make test` (or pytest on the one file) writes the new one;
read the difference before it is committed, since users' runs change with it.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import math
import os
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["agrees", "changeable", "decisions", "interface"]

FOLDER = Path(__file__).parent / "assets" / "golden"


def agrees(name: str, value: object, *, tolerance: float = 1e-9, growing: bool = False) -> None:
    """Fail with the first differences of `value` from what is kept as `name`.

    Args:
        name: of the file in `tests/assets/golden`, without its ending.
        value: anything that is JSON; tuples count as lists.
        tolerance: of floats, relative to the larger one.
        growing: whether what is new beside what was kept is not a difference.
    """
    file = FOLDER / f"{name}.json"
    found = json.loads(json.dumps(value, sort_keys=True))
    if os.environ.get("NAS_TUNE_GOLDEN") == "write":
        file.write_text(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    kept = json.loads(file.read_text(encoding="utf-8"))
    different = [text for text in _differences("", kept, found, tolerance) if not (growing and text.endswith(": new"))]
    assert not different, f"{name}: {len(different)} differ from {file.name}:\n" + "\n".join(different[:10])


def _differences(where: str, kept: Any, found: Any, tolerance: float) -> Iterator[str]:
    """Where two values differ, and what stands there."""
    if isinstance(kept, dict) and isinstance(found, dict):
        for key in sorted(kept.keys() | found.keys()):
            if key in kept and key in found:
                yield from _differences(f"{where}.{key}", kept[key], found[key], tolerance)
            else:
                yield f"{where}.{key}: {'missing' if key in kept else 'new'}"
    elif isinstance(kept, list) and isinstance(found, list) and len(kept) == len(found):
        for place, (one, other) in enumerate(zip(kept, found, strict=True)):
            yield from _differences(f"{where}[{place}]", one, other, tolerance)
    elif not _equal(kept, found, tolerance):
        yield f"{where}: {kept!r} was kept, {found!r} is found"


def _equal(kept: Any, found: Any, tolerance: float) -> bool:
    """Whether two leaves are the same: floats within the tolerance, all else exactly and of one type."""
    if type(kept) is float and type(found) is float:
        return math.isclose(kept, found, rel_tol=tolerance, abs_tol=tolerance) or (kept != kept and found != found)
    return type(kept) is type(found) and kept == found


def interface(package: str) -> dict[str, dict[str, str]]:
    """What a package offers its users: of each function and class in `__all__` the parameters and their defaults."""
    module = importlib.import_module(package)
    return {what: told for name in module.__all__ for what, told in _offered(name, getattr(module, name))}


def decisions(package: str) -> dict[str, dict[str, Any]]:
    """What is decided in each module outside of its functions' bodies.

    That is the constants, private ones too, since they decide results; and of what a module offers the defaults of
    parameters, the plain attributes of classes, and how dataclasses are made. Modules that start Ray are left out.
    """
    found = {module.__name__: dict(_decided(module)) for module in _modules(package)}
    return {name: decided for name, decided in found.items() if decided}


def _modules(package: str) -> Iterator[ModuleType]:
    inside = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    names = [one.name for one in inside if "ray" not in one.name and not one.name.endswith("__main__")]
    return map(importlib.import_module, names)


def _decided(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for node in ast.parse(inspect.getsource(module)).body:
        for target in node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]:
            if isinstance(target, ast.Name) and target.id.strip("_").isupper() and hasattr(module, target.id):
                yield target.id, _plain(getattr(module, target.id))
    for name, one in vars(module).items():
        if getattr(one, "__module__", None) != module.__name__ or name.startswith("_"):
            continue
        if inspect.isfunction(one):
            yield from _defaults(name, one)
        elif isinstance(one, type):
            yield from _inside(name, one)


def _inside(name: str, one: type) -> Iterator[tuple[str, Any]]:
    made = vars(one).get("__dataclass_params__")
    if made is not None:
        fields = dataclasses.fields(one)
        flags = [flag for flag in ("eq", "order", "unsafe_hash", "frozen") if getattr(made, flag)]
        slots = ["slots"] if "__slots__" in vars(one) else []
        keyword = {field.kw_only is True for field in fields if field.init}
        named = ["keyword-only"] if keyword == {True} else ["in part keyword-only"] if True in keyword else []
        yield f"{name} is", [*flags, *slots, *named]
        for field in fields:
            if not (field.init and field.repr and field.compare):
                yield f"{name}.{field.name} is", f"init={field.init} repr={field.repr} compare={field.compare}"
    for attribute, value in vars(one).items():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        if attribute.startswith("_") and attribute != "__init__":
            continue
        if inspect.isfunction(function):
            yield from _defaults(f"{name}.{attribute}", function)
        elif isinstance(value, Enum | bool | int | float | str | tuple | list | frozenset | Mapping):
            yield f"{name}.{attribute}", _plain(value)


def _defaults(name: str, function: Callable[..., object]) -> Iterator[tuple[str, Any]]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not inspect.Parameter.empty:
            yield f"{name}({parameter.name})", _plain(parameter.default)


def _plain(value: Any) -> Any:
    """A value as JSON: dataclasses by their fields, other objects by what they are called; sentences are left out."""
    if isinstance(value, str) and (" " in value or "\n" in value):
        return "a text"
    if isinstance(value, str):
        return value.replace(f"{FOLDER.parents[2]}{os.sep}", "")
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, set | frozenset):
        return sorted(str(_plain(each)) for each in value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)
    if isinstance(value, re.Pattern):
        return ascii(value.pattern)
    if isinstance(value, range):
        return str(value)
    if isinstance(value, type):
        return value.__name__
    if dataclasses.is_dataclass(value):
        held = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        is_flat = all(not isinstance(one, dict) and "(" not in str(one) for one in held.values())
        return f"{type(value).__name__}({', '.join(f'{a}={b!r}' for a, b in held.items())})" if is_flat else held
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return getattr(value, "__name__", type(value).__name__)


def changeable(package: str) -> set[str]:
    """The dataclasses in `__all__` of a module whose fields can be set; modules that start Ray are left out."""
    offered = [getattr(module, each) for module in _modules(package) for each in getattr(module, "__all__", ())]
    classes = [one for one in offered if isinstance(one, type) and "__dataclass_params__" in vars(one)]
    return {one.__name__ for one in classes if not vars(one)["__dataclass_params__"].frozen}


def _offered(name: str, one: object) -> Iterator[tuple[str, dict[str, str]]]:
    """The parameters of a function, or of a class and its public methods."""
    if inspect.isfunction(one):
        yield name, _parameters(one)
    elif isinstance(one, type) and not issubclass(one, BaseException):
        for method in dir(one):
            value = inspect.getattr_static(one, method)
            function = getattr(value, "__func__", value)
            if inspect.isfunction(function) and (method == "__init__" or method[0] != "_") and _is_ours(function):
                yield f"{name}.{method}", _parameters(function)


def _parameters(function: Callable[..., object]) -> dict[str, str]:
    """How each parameter is given, and its default, without where objects lie."""
    found = inspect.signature(function).parameters.items()
    return {name: re.sub(r" at 0x\w+", "", f"{one.kind.description}: {one.default}") for name, one in found}


def _is_ours(function: Callable[..., object]) -> bool:
    return function.__module__.partition(".")[0] in ("search_spaces", "trainables", "nas_tune")
