"""An architecture: a decided tree of plain JSON, immutable and hashable, with a canonical id.

It is read like its tree (`arch["layers"][0]["op"]`). Equality and hash are those of the tree, whatever the order of
the keys. `id` is equal for architectures that compute the same: a `Space` binds itself, and so its canonical form, to
every architecture that it makes. An architecture made by hand, or read from JSON or a pickle, is bound to no space;
`space.validate(arch)` returns a bound one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from search_spaces.errors import ArchitectureError, SpaceError

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["Architecture", "Canonical", "Json", "Scalar", "canonical_text"]

Scalar: TypeAlias = "str | int | float | bool | None"
Json: TypeAlias = "dict[str, Json] | list[Json] | Scalar"
Canonical: TypeAlias = "Callable[[Architecture], object]"

_sorted_text = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False).encode
_written_text = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


def canonical_text(tree: object) -> str:
    """Write a tree as compact JSON with sorted keys.

    Args:
        tree: a value of plain JSON.

    Returns:
        The text: equal for equal trees, whatever the order of their keys.
    """
    return _sorted_text(tree)


class Architecture:
    """One member of a space, as a value.

    Args:
        tree: a JSON tree, which is copied and checked, or another architecture.

    Raises:
        ArchitectureError: the tree holds a value that is not JSON; the error has its path.
    """

    __slots__ = ("_id", "_space", "_text", "_tree")
    _tree: Json
    _space: Space | None
    _text: str | None
    _id: str | None

    def __init__(self, tree: object) -> None:
        plain = tree._tree if isinstance(tree, Architecture) else plain_json(tree)
        self._fill(plain, None)

    def _fill(self, tree: Json, space: Space | None) -> None:
        put = object.__setattr__
        put(self, "_tree", tree)
        put(self, "_space", space)
        put(self, "_text", None)
        put(self, "_id", None)

    @classmethod
    def _bound(cls, tree: Json, space: Space | None) -> Architecture:
        """An architecture that keeps `tree` itself, neither copied nor checked: the caller must not change it."""
        made = cls.__new__(cls)
        made._fill(tree, space)
        return made

    @classmethod
    def from_json(cls, text: str | bytes) -> Architecture:
        """Read the text of `to_json`.

        Args:
            text: the JSON.

        Returns:
            The architecture, bound to no space (see `Space.validate`).

        Raises:
            ArchitectureError: the text is not JSON, or is nested too deeply.
        """
        try:
            return cls(json.loads(text))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ArchitectureError("", f"the text is not JSON: {error}; give the text of to_json()") from error
        except RecursionError:
            raise ArchitectureError("", "the JSON is nested too deeply to be an architecture") from None

    @property
    def tree(self) -> Json:
        """The tree as a copy of plain dicts and lists."""
        return _copy(self._tree)

    @property
    def space(self) -> Space | None:
        """The space that it is bound to; None for one made by hand or read from JSON or a pickle."""
        return self._space

    @property
    def id(self) -> str:
        """16 hexadecimal characters: equal for architectures with one canonical form."""
        if self._id is None:
            digest = blake2b(self._canonical_text().encode(), digest_size=8)
            object.__setattr__(self, "_id", digest.hexdigest())
        return self._id  # type: ignore[return-value]

    def with_id(self, identity: str) -> Architecture:
        """Copy the architecture under an id that a canonical form elsewhere has computed.

        Args:
            identity: the id, 16 hexadecimal characters.

        Returns:
            The same tree, bound to the same space, with this id.
        """
        made = Architecture._bound(self._tree, self._space)
        object.__setattr__(made, "_id", identity)
        return made

    def to_json(self) -> str:
        """Write the tree as compact JSON.

        Returns:
            The text, keys in the order of the space.
        """
        return _written_text(self._tree)

    def _canonical_text(self) -> str:
        if self._space is None or self._space.canonical is None:
            return self._key()
        form = self._canonical_form(self._space.canonical)
        return form._key() if isinstance(form, Architecture) else canonical_text(_raw(form))

    def _canonical_form(self, canonical: Canonical) -> Any:
        try:
            return canonical(self)
        except Exception as error:  # a user's rule may raise anything
            rule = getattr(canonical, "__qualname__", repr(canonical))
            raise SpaceError(
                f"the space's rule {rule} raised {error!r} on {self.to_json()}; it must answer for every member"
            ) from error

    def _key(self) -> str:
        if self._text is None:
            object.__setattr__(self, "_text", canonical_text(self._tree))
        return self._text  # type: ignore[return-value]

    def __getitem__(self, key: Any) -> Any:
        return _view(self._tree)[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(_view(self._tree))

    def __len__(self) -> int:
        return len(_view(self._tree))

    def __contains__(self, key: object) -> bool:
        return key in _view(self._tree)

    def __bool__(self) -> bool:
        """True, also for an empty tree or a zero: without this, `if architecture` would test the tree's length."""
        return True

    def keys(self) -> Any:
        """List the keys of a tree that is a dict.

        Returns:
            The keys, in the order of the space.
        """
        return _view(self._tree).keys()

    def values(self) -> Any:
        """List the values of a tree that is a dict.

        Returns:
            The values; dicts and lists as read-only views.
        """
        return _view(self._tree).values()

    def items(self) -> Any:
        """List the keys and values of a tree that is a dict.

        Returns:
            The pairs; dicts and lists as read-only views.
        """
        return _view(self._tree).items()

    def get(self, key: str, default: Any = None) -> Any:
        """Look a key up in a tree that is a dict.

        Args:
            key: the key.
            default: the result for a key that the tree does not have.

        Returns:
            The value at `key`; a dict or list as a read-only view.
        """
        return _view(self._tree).get(key, default)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Architecture) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an architecture is immutable: cannot set {name!r}; change a copy of .tree instead")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an architecture is immutable: cannot delete {name!r}")

    def __repr__(self) -> str:
        return f"Architecture({self._tree!r})"

    def __reduce__(self) -> tuple[Callable[[str, str], Architecture], tuple[str, str]]:
        return _restore, (self.to_json(), self.id)


def _restore(text: str, identity: str) -> Architecture:
    made = Architecture._bound(json.loads(text), None)
    object.__setattr__(made, "_id", identity)
    return made


class _MappingView(Mapping[str, Any]):
    """A dict of the tree, read-only all the way down; equal to the plain dict."""

    __slots__ = ("_plain",)

    def __init__(self, plain: dict[str, Json]) -> None:
        self._plain = plain

    def __getitem__(self, key: str) -> Any:
        return _view(self._plain[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def __eq__(self, other: object) -> bool:
        return bool(self._plain == _raw(other))

    def __hash__(self) -> int:
        return hash(canonical_text(self._plain))

    def __repr__(self) -> str:
        return repr(self._plain)


class _SequenceView(Sequence[Any]):
    """A list of the tree, read-only all the way down; equal to the plain list."""

    __slots__ = ("_plain",)

    def __init__(self, plain: list[Json]) -> None:
        self._plain = plain

    @overload
    def __getitem__(self, key: int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[Any]: ...
    def __getitem__(self, key: int | slice) -> Any:
        return _view(self._plain[key])

    def __len__(self) -> int:
        return len(self._plain)

    def __eq__(self, other: object) -> bool:
        return bool(self._plain == _raw(other))

    def __hash__(self) -> int:
        return hash(canonical_text(self._plain))

    def __repr__(self) -> str:
        return repr(self._plain)


def _view(value: Json) -> Any:
    if type(value) is dict:
        return _MappingView(value)
    return _SequenceView(value) if type(value) is list else value


def _raw(value: Any) -> Any:
    """The plain value behind a view or an architecture, also where they are nested in plain containers."""
    if isinstance(value, _MappingView | _SequenceView):
        return value._plain
    if isinstance(value, Architecture):
        return value._tree
    if isinstance(value, dict):
        return {key: _raw(item) for key, item in value.items()}
    return [_raw(item) for item in value] if isinstance(value, list | tuple) else value


def _copy(value: Json) -> Json:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if type(value) is list else value


def plain_json(value: object, path: str = "") -> Json:
    """Copy a value into dicts, lists and JSON scalars.

    Args:
        value: mappings with text keys, sequences, scalars, or arrays of no dimension.
        path: the dotted place of the value, for errors.

    Returns:
        The copy.

    Raises:
        ArchitectureError: something in it is not JSON, or it contains itself; the error has its path.
    """
    try:
        return _plain_json(value, path)
    except RecursionError:
        raise ArchitectureError(path, "the tree contains itself, or is nested too deeply") from None


def _plain_json(value: object, path: str) -> Json:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ArchitectureError(path, f"{value!r} is not a JSON number; an architecture holds finite numbers")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ArchitectureError(path, f"the key {key!r} is a {type(key).__name__}; keys are strings")
        return {key: _plain_json(item, f"{path}.{key}" if path else key) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain_json(item, f"{path}.{i}" if path else str(i)) for i, item in enumerate(value)]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _plain_json(value.item(), path)
    allowed = "dict, list, str, int, float, bool and None"
    raise ArchitectureError(path, f"{value!r} is a {type(value).__name__}; an architecture is made of {allowed}")
