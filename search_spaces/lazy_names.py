"""Public names of a package whose modules are imported on first use, so that the package itself is imported quickly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["lazy_names"]


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Make the `__getattr__` of a package: `__getattr__ = lazy_names(__name__, {"Run": "nas_tune.results"})`.

    Args:
        package: its name, for errors.
        homes: "module", or "module:attribute" where the attribute is called otherwise, by public name; "module:" for
            the module itself.

    Returns:
        The function. It imports the module of a name, and raises AttributeError for a name without one.
    """

    def attribute_of(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, colon, attribute = homes[name].partition(":")
        found = import_module(module)
        return found if colon and not attribute else getattr(found, attribute or name)

    return attribute_of
