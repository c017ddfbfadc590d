"""The registry of named things: spaces, networks, strategies and others, built in, registered, or from a plug-in.

Each kind has one `Registry`, in the package of the kind: spaces in `search_spaces.catalogue`, networks and trainables
in `trainables`, strategies and schedulers in `nas_tune`, and so on. A target is an object, or a text "module:attribute"
that is imported at its first use.

A plug-in (`search_spaces.plug_ins`) that cannot be imported is an error only when its name is used.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, KeysView, Mapping
from typing import Generic, TypeVar

from search_spaces.errors import NasTuneError, UnknownNameError
from search_spaces.names import NAME_RULE, is_name
from search_spaces.plug_ins import OUR_DISTRIBUTION, distribution_of, plug_ins

__all__ = ["HERE", "Registry"]

HERE = "registered here"
"""The origin of what the running program has registered."""

T_co = TypeVar("T_co", covariant=True)
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class Registry(Generic[T_co]):
    """The things of one kind, by name.

    A name stands for the registered target; if there is none, for the built-in one; else for that of a plug-in. A
    registry can be read like a mapping: `name in registry`, `registry[name]`, `registry.items()`.

    Args:
        kind: the singular in messages: "space".
        kinds: one of `KINDS`.
        built_in: a target by name.
        check: takes a name and its loaded target, and returns the result of `get`; it raises `error` for a target of
            another kind.
        error: the error for a name or a target that is not allowed.
        name_rule: a function that tells whether a name is allowed, and the rule in words.
    """

    def __init__(
        self,
        kind: str,
        kinds: str,
        built_in: Mapping[str, object],
        *,
        check: Callable[[str, object], T_co],
        error: type[NasTuneError],
        name_rule: tuple[Callable[[object], bool], str] = (is_name, NAME_RULE),
    ) -> None:
        self.kind, self.kinds = kind, kinds
        self._built_in = dict(built_in)
        self._check, self._error = check, error
        self._is_name, self._rule = name_rule
        self._registered: dict[str, object] = {}
        self._loaded: dict[str, tuple[object, T_co]] = {}
        self._broken: dict[str, Exception] = {}

    def register(self, name: str, target: object, *, replace: bool = False) -> None:
        """Make `target` known as `name` in this process.

        Args:
            name: the name.
            target: the object, or its reference "module:attribute".
            replace: replace another target of this name.

        Raises:
            NasTuneError: the name breaks the rule or is taken, or the target is of another kind.
        """
        if not self._is_name(name):
            raise self._error(f"{self.kind} name {name!r}: {self._rule}; rename it")
        held = self._registered.get(name, self._built_in.get(name))
        if held is not None and held is not target and held != target and not replace:
            raise self._error(f"{self.kind} name {name!r} is taken; take another name, or pass replace=True")
        if not isinstance(target, str):
            self._check(name, target)
        elif _REFERENCE.fullmatch(target) is None:
            raise self._error(f"{self.kind} {name!r}: {target!r} is not a reference; write 'module:attribute'")
        self._registered[name] = target

    def get(self, name: str) -> T_co:
        """Look a name up, and import its target if needed.

        Args:
            name: the name.

        Returns:
            The checked target.

        Raises:
            UnknownNameError: nothing has the name; the message says the closest one.
            NasTuneError: the target cannot be imported, or is of another kind.
        """
        target = self._target(name)
        kept = self._loaded.get(name)
        if kept is None or kept[0] is not target:
            kept = self._loaded[name] = (target, self._check(name, self._load(name, target)))
        return kept[1]

    def names(self) -> list[str]:
        """List the names that `get` accepts; imports nothing.

        Returns:
            The names, sorted; without plug-ins that `broken` has found.
        """
        return sorted({*self._registered, *self._built_in, *(plug_ins(self.kinds).keys() - self._broken.keys())})

    def origin(self, name: str) -> str:
        """Say where a name comes from; imports nothing.

        Args:
            name: the name.

        Returns:
            `OUR_DISTRIBUTION`, `HERE`, or the distribution of a plug-in.

        Raises:
            UnknownNameError: nothing has the name.
        """
        self._target(name)
        if self._is_plug_in(name):
            return distribution_of(plug_ins(self.kinds)[name])
        return HERE if name in self._registered else OUR_DISTRIBUTION

    def broken(self) -> dict[str, str]:
        """Find the plug-ins that cannot be used; imports all plug-ins of this kind.

        Returns:
            The reason by name.
        """
        for name in list(filter(self._is_plug_in, plug_ins(self.kinds))):
            try:
                self.get(name)
            except NasTuneError as error:
                self._broken[name] = error
        return {name: str(error) for name, error in self._broken.items() if self._is_plug_in(name)}

    def registered(self, name: str) -> object | None:
        """Look up a target that this process has registered; imports nothing.

        Args:
            name: the name.

        Returns:
            The object or the reference; None if this process has not registered the name.
        """
        return self._registered.get(name)

    def built_in(self) -> list[str]:
        """List the names that come with this project.

        Returns:
            The names, in the order of their table.
        """
        return list(self._built_in)

    def forget(self, name: str) -> None:
        """Undo `register`.

        Args:
            name: the name; nothing happens if it is not registered.
        """
        self._registered.pop(name, None)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        return name in self._registered or name in self._built_in or name in plug_ins(self.kinds)

    def __getitem__(self, name: str) -> T_co:
        return self.get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def keys(self) -> KeysView[str]:
        """List the names, as a mapping does.

        Returns:
            The names, sorted.
        """
        return dict.fromkeys(self.names()).keys()

    def items(self) -> Iterator[tuple[str, T_co]]:
        """Import all targets.

        Returns:
            Pairs of a name and its target, without broken plug-ins.
        """
        self.broken()
        return ((name, self.get(name)) for name in self.names())

    def _is_plug_in(self, name: str) -> bool:
        return name not in self._registered and name not in self._built_in

    def _target(self, name: str) -> object:
        """The object or the reference that a name stands for; imports nothing."""
        if name not in self:
            raise UnknownNameError(self.kind, name, self.names())
        if self._is_plug_in(name):
            return plug_ins(self.kinds)[name].value
        return self._registered.get(name, self._built_in.get(name))

    def _load(self, name: str, target: object) -> object:
        if not isinstance(target, str):
            return target
        try:
            return _imported(target)
        except Exception as error:  # a user's module may raise anything while it is imported
            whose = f"of the plug-in {self.origin(name)} " if self._is_plug_in(name) else ""
            raise self._error(
                f"the {self.kind} {name!r} {whose}({target}) cannot be imported: {type(error).__name__}: {error}; "
                "repair or remove it"
            ) from error


def _imported(reference: str) -> object:
    module, _, attributes = reference.partition(":")
    found: object = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    return found
