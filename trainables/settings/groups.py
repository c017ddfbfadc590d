"""Settings in groups: each is declared once, in the dataclass that uses it, and users give all of them side by side.

    @dataclass(frozen=True, kw_only=True)
    class LearnerSettings:
        data: DataSettings = field(metadata=group(DataSettings, defaults={"validation_share": 0.5}))
        optimization: Optimization = field(metadata=group(Optimization, fixed={"nesterov": True}))
        batch_size: int = 32

    class Learner:
        @takes(LearnerSettings)
        def __init__(self, **settings: Unpack[LearnerKeywords]) -> None:
            self.settings = from_flat(LearnerSettings, settings)

    Learner(validation_share=0.3, lr=0.1, batch_size=64)

A flat name is the name of the field, unless `flat_name` gives it another one. `inspect.signature(Learner)` has every
flat name with its default, so that whatever lists or checks settings reads it there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from search_spaces.names import did_you_mean

__all__ = [
    "OPTIONAL",
    "FlatSetting",
    "flat_name",
    "flat_settings",
    "from_flat",
    "group",
    "settings_of",
    "takes",
    "with_defaults",
]

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")
Function = TypeVar("Function", bound=Callable[..., object])

_NAME, _GROUP, _OPTIONAL = "flat name", "group", "optional"
_TAKES = "settings_class"

OPTIONAL: Mapping[str, object] = MappingProxyType({_OPTIONAL: True})
"""The metadata of a field that users may leave open: as a flat setting its default is None."""


@dataclass(frozen=True, slots=True)
class FlatSetting:
    """A setting as users give it.

    Attributes:
        default: its value where it is not given; `dataclasses.MISSING` where it must be given.
        annotation: its type, as the field has it.
        owner: the dataclass that declares it.
        field: the name of its field there.
        group: the field of the outer dataclass that holds the owner; None where that is the owner itself.
        fallback: of an optional setting, the value that None stands for; `dataclasses.MISSING` for other settings.
    """

    default: object
    annotation: object
    owner: type
    field: str
    group: str | None
    fallback: object

    @property
    def is_optional(self) -> bool:
        """Whether None is a value that somebody else decides, at the latest the fallback."""
        return self.fallback is not MISSING


@dataclass(frozen=True, slots=True)
class _Group:
    kind: type
    defaults: Mapping[str, object]
    fixed: Mapping[str, object]
    optional: Sequence[str]


def flat_name(name: str) -> dict[str, object]:
    """The metadata of a field of a settings class that users give by another name than the field's.

    Args:
        name: the flat name.

    Returns:
        What `dataclasses.field` takes as `metadata`.
    """
    return {_NAME: name}


def group(
    kind: type,
    *,
    defaults: Mapping[str, object] | None = None,
    fixed: Mapping[str, object] | None = None,
    optional: Sequence[str] = (),
) -> dict[str, object]:
    """The metadata of a field that holds a settings object, whose fields are settings of the class with this field.

    Args:
        kind: the dataclass of the object.
        defaults: defaults that differ from those of `kind`, by its field names.
        fixed: values that are not settings here, by the field names of `kind`.
        optional: fields of `kind` that users may leave open: their flat default is None.

    Returns:
        What `dataclasses.field` takes as `metadata`.
    """
    return {_GROUP: _Group(kind, defaults or {}, fixed or {}, optional)}


def flat_settings(kind: type) -> Mapping[str, FlatSetting]:
    """Every setting of a settings class, those of its groups included.

    Args:
        kind: a dataclass whose fields are settings or groups of them.

    Returns:
        The settings by their flat names, in the order of the fields; inherited ones come last in their group.

    Raises:
        TypeError: two fields have the same flat name.
    """
    return _flat_settings(kind)


@cache
def _flat_settings(kind: type[Any]) -> Mapping[str, FlatSetting]:
    pairs: list[tuple[str, FlatSetting]] = []
    for own in fields(kind):
        held: _Group | None = own.metadata.get(_GROUP)
        if held is None:
            pairs.append((_name_of(own), _flat(kind, own, own.default, _OPTIONAL in own.metadata, None)))
            continue
        for inner in _own_first(held.kind):
            if inner.name not in held.fixed:
                default = held.defaults.get(inner.name, inner.default)
                one = _flat(held.kind, inner, default, inner.name in held.optional, own.name)
                pairs.append((_name_of(inner), one))
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise TypeError(f"{kind.__name__} has two settings called {name!r}; give one another flat name")
    return MappingProxyType(dict(pairs))


def _own_first(kind: type[Any]) -> Sequence[Field[Any]]:
    """The fields that a class declares, then those that it inherits."""
    return sorted(fields(kind), key=lambda field: field.name not in kind.__annotations__)


def _name_of(field: Field[Any]) -> str:
    return str(field.metadata.get(_NAME, field.name))


def _flat(owner: type, field: Field[Any], default: object, is_optional: bool, group: str | None) -> FlatSetting:
    if is_optional:
        return FlatSetting(None, f"{field.type} | None", owner, field.name, group, default)
    return FlatSetting(default, field.type, owner, field.name, group, MISSING)


def takes(kind: type, *, more: bool = False) -> Callable[[Function], Function]:
    """A decorator that gives a method `(self, **settings)` the signature of the settings of `kind`.

    Args:
        kind: the settings class.
        more: whether the method takes other keyword arguments too.

    Returns:
        The decorator.
    """
    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for name, one in flat_settings(kind).items():
        default = inspect.Parameter.empty if one.default is MISSING else one.default
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=one.annotation)
        )
    if more:
        parameters.append(inspect.Parameter("settings", inspect.Parameter.VAR_KEYWORD, annotation="object"))
    signature = inspect.Signature(parameters, return_annotation="None")

    def decorated(method: Function) -> Function:
        method.__signature__ = signature  # type: ignore[attr-defined]  # inspect.signature reads it
        setattr(method, _TAKES, kind)
        return method

    return decorated


def settings_of(learner: object) -> Mapping[str, FlatSetting]:
    """The settings of a class whose `__init__` is decorated by `takes`.

    Args:
        learner: the class; anything else has no such settings.

    Returns:
        The settings by their flat names; empty where there are none.
    """
    kind = getattr(getattr(learner, "__init__", None), _TAKES, None)
    return {} if kind is None else flat_settings(kind)


def with_defaults(kind: type, given: Mapping[str, object]) -> dict[str, Any]:
    """The flat settings of a settings class, complete.

    Args:
        kind: the settings class.
        given: values by flat name.

    Returns:
        Every setting by its flat name: the given value, else the default.

    Raises:
        TypeError: a name is not a setting of `kind`, or a setting without a default is missing.
    """
    known = flat_settings(kind)
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or ";"
            raise TypeError(f"{name!r} is not a setting{hint} the settings: {', '.join(known)}")
    complete = {name: given.get(name, one.default) for name, one in known.items()}
    lacking = [name for name, value in complete.items() if value is MISSING]
    if lacking:
        raise TypeError(f"the setting {lacking[0]!r} is missing; give it a value")
    return complete


def from_flat(kind: type[Settings], given: Mapping[str, object]) -> Settings:
    """A settings object with its groups, from flat settings.

    Args:
        kind: the settings class.
        given: values by flat name; the others have their defaults.

    Returns:
        The object. Each class checks its own fields when it is made.

    Raises:
        TypeError: as for `with_defaults`.
        TrainableError: a value cannot be.
    """
    values: dict[str | None, dict[str, Any]] = {None: {}}
    complete = with_defaults(kind, given)
    for name, one in flat_settings(kind).items():
        value = one.fallback if one.is_optional and complete[name] is None else complete[name]
        values.setdefault(one.group, {})[one.field] = value
    own = values.pop(None)
    for field in fields(kind):
        held: _Group | None = field.metadata.get(_GROUP)
        if held is not None:
            own[field.name] = held.kind(**values.get(field.name, {}), **held.fixed)
    return kind(**own)
