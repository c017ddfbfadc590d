"""Things by name, found in one way: what comes with the packages, what a program registers, and what plug-ins bring.

Each kind has one `Registry`, in the room of the kind: spaces in `search_spaces.catalogue`, networks and trainables in
`trainables`, strategies and schedulers in `nas_tune`, and so on. A target is an object, or a text "module:attribute"
that is imported when it is first asked for.

A plug-in is an installed package with entry points in the group `nas_tune.<kind>`:

    [project.entry-points."nas_tune.spaces"]
    my_space = "my_package.spaces:make_space"

A plug-in is imported when it is used. One that cannot be imported is an error only when its name is asked for.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Callable, Iterator, KeysView, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from search_spaces.errors import NasTuneError, UnknownNameError
from search_spaces.names import NAME_RULE, is_name

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["HERE", "KINDS", "OURS", "Registry", "plug_ins"]

KINDS = ("spaces", "networks", "trainables", "strategies", "schedulers", "methods", "formats")
"""What has a registry; the entry points of each kind are the group `nas_tune.<kind>`."""
OURS, HERE = "nas_tune", "registered here"
"""Origins: a part of this project, and what the running program registered."""

T_co = TypeVar("T_co", covariant=True)
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


class Registry(Generic[T_co]):
    """The things of one kind, by name.

    A name leads to what the program registered; else to what is built in; else to what a plug-in brings. Beside its
    methods a registry reads as a mapping does: `name in registry`, `registry[name]`, `registry.items()`.

    Args:
        kind: what one of them is called in messages: "space".
        kinds: one of `KINDS`.
        built_in: name to target.
        check: returns what `get` returns for a loaded target; it raises `error` for what is no such thing.
        error: what is raised for a name or a target that cannot be.
        name_rule: whether a name is allowed, and the rule in words.
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
            name: how it is asked for.
            target: the object, or the text "module:attribute" that leads to it.
            replace: take the place of what has the name.

        Raises:
            NasTuneError: the name breaks the rule or is taken, or the target is no such thing.
        """
        if not self._is_name(name):
            raise self._error(f"{self.kind} name {name!r}: {self._rule}; rename it")
        held = self._registered.get(name, self._built_in.get(name))
        if held is not None and held is not target and held != target and not replace:
            raise self._error(f"{self.kind} name {name!r} is taken; take another name, or say replace=True")
        if not isinstance(target, str):
            self._check(name, target)
        elif _REFERENCE.fullmatch(target) is None:
            raise self._error(f"{self.kind} {name!r}: {target!r} is no reference; write 'module:attribute'")
        self._registered[name] = target

    def provide(self, name: str, target: str) -> None:
        """Add a built-in: for a package of this project that stands above this registry's."""
        self._built_in[name] = target

    def get(self, name: str) -> T_co:
        """What is called `name`, imported if it is not yet.

        Raises:
            UnknownNameError: nothing has the name; the message says a close one.
            NasTuneError: it cannot be imported, or is no such thing.
        """
        target = self._target(name)
        kept = self._loaded.get(name)
        if kept is None or kept[0] is not target:
            kept = self._loaded[name] = (target, self._check(name, self._load(name, target)))
        return kept[1]

    def names(self) -> list[str]:
        """The names that `get` knows, sorted; imports nothing. Plug-ins that were found broken are left out."""
        return sorted({*self._registered, *self._built_in, *(plug_ins(self.kinds).keys() - self._broken.keys())})

    def origin(self, name: str) -> str:
        """Where a name leads: `OURS`, `HERE`, or the distribution of a plug-in; imports nothing."""
        self._target(name)
        if self._is_plug_in(name):
            return _distribution(plug_ins(self.kinds)[name])
        return HERE if name in self._registered else OURS

    def broken(self) -> dict[str, str]:
        """The plug-ins that cannot be used, by name, with the reason; imports all plug-ins of this kind."""
        for name in list(filter(self._is_plug_in, plug_ins(self.kinds))):
            try:
                self.get(name)
            except NasTuneError as error:
                self._broken[name] = error
        return {name: str(error) for name, error in self._broken.items() if self._is_plug_in(name)}

    def registered(self, name: str) -> object | None:
        """The target that this process registered as `name`; None where it registered none."""
        return self._registered.get(name)

    def built_in(self) -> list[str]:
        """The names that come with this project, in the order of their table."""
        return list(self._built_in)

    def forget(self, name: str) -> None:
        """Undo `register`."""
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
        """The names, as those of a mapping."""
        return dict.fromkeys(self.names()).keys()

    def items(self) -> Iterator[tuple[str, T_co]]:
        """Each name with what it leads to, all imported; plug-ins that are broken are left out."""
        self.broken()
        return ((name, self.get(name)) for name in self.names())

    def _is_plug_in(self, name: str) -> bool:
        return name not in self._registered and name not in self._built_in

    def _target(self, name: str) -> object:
        """What a name leads to, not imported yet."""
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
        except Exception as error:  # a stranger's module may raise anything while it is imported
            whose = f"of the plug-in {self.origin(name)} " if self._is_plug_in(name) else ""
            raise self._error(
                f"the {self.kind} {name!r} {whose}({target}) cannot be imported: {type(error).__name__}: {error}; "
                "repair or remove it"
            ) from error


def plug_ins(kinds: str) -> Mapping[str, EntryPoint]:
    """The entry points of a kind by name, none imported; of two with one name the first on the import path counts."""
    return _installed(tuple(sys.path)).get(kinds, {})


@functools.lru_cache(maxsize=4)
def _installed(path: tuple[str, ...]) -> dict[str, dict[str, EntryPoint]]:
    """What the packages on an import path bring; kept, because reading them takes 10 ms and more."""
    from importlib import metadata  # takes 40 ms, which only the use of plug-ins pays for

    found: dict[str, dict[str, EntryPoint]] = {}
    everything = metadata.entry_points()
    for kinds in KINDS:
        for point in everything.select(group=f"nas_tune.{kinds}"):
            found.setdefault(kinds, {}).setdefault(point.name, point)
    return found


def _imported(reference: str) -> object:
    module, _, attributes = reference.partition(":")
    found: object = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    return found


def _distribution(point: EntryPoint) -> str:
    name = point.dist.name if point.dist is not None else point.value.partition(":")[0].partition(".")[0]
    return OURS if name.replace("-", "_") == OURS else name
