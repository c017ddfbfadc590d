"""Settings of data as the key of a cache."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

__all__ = ["CacheKey"]


class _Settings(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def data(self) -> object: ...


S = TypeVar("S", bound=_Settings)


class CacheKey(Generic[S]):
    """Settings as a key; data that are not a path are equal if they are the same object.

    Args:
        settings: a dataclass with a field `data`; the other fields can be hashed.
    """

    def __init__(self, settings: S) -> None:
        self.settings = settings
        plain = {one.name: getattr(settings, one.name) for one in fields(settings) if one.name != "data"}
        data = settings.data if isinstance(settings.data, str | Path) else id(settings.data)
        self._parts = (str(data), *sorted(plain.items(), key=lambda pair: pair[0]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CacheKey) and self._parts == other._parts

    def __hash__(self) -> int:
        return hash(self._parts)
