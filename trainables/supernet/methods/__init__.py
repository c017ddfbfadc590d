"""The methods that search in a supernet, by name: one small class per paper.

A target of the registry is a class that derives from `trainables.supernet.methods.base.Method`. A plug-in names it in
its entry points of the group `nas_tune.methods`. Listing the names does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.registry import Registry
from trainables.errors import TrainableError
from trainables.settings import check_name, check_settings

if TYPE_CHECKING:
    from trainables.supernet.methods.base import Method

__all__ = ["METHODS", "method_of", "register"]


def _method(name: str, target: object) -> type[Method]:
    from trainables.supernet.methods.base import Method

    if isinstance(target, type) and issubclass(target, Method):
        return target
    raise TrainableError(
        f"the method {name!r} leads to {target!r:.80}; it must be a class that derives from "
        "trainables.supernet.methods.base.Method"
    )


METHODS: Registry[type[Method]] = Registry(
    "method",
    "methods",
    {
        "darts": "trainables.supernet.methods.darts:Darts",
        "drnas": "trainables.supernet.methods.drnas:DrNas",
        "enas": "trainables.supernet.methods.enas:Enas",
        "fairdarts": "trainables.supernet.methods.fairdarts:FairDarts",
        "gdas": "trainables.supernet.methods.gdas:Gdas",
        "ofa": "trainables.supernet.methods.ofa:Ofa",
        "pcdarts": "trainables.supernet.methods.pcdarts:PartialChannelDarts",
        "pdarts": "trainables.supernet.methods.pdarts:ProgressiveDarts",
        "proxylessnas": "trainables.supernet.methods.proxylessnas:ProxylessNas",
        "snas": "trainables.supernet.methods.snas:Snas",
        "spos": "trainables.supernet.methods.spos:Spos",
    },
    check=_method,
    error=TrainableError,
)
"""The registry of methods, by the name in settings and on command lines."""


def register(name: str, method: type[Method] | str, *, replace: bool = False) -> None:
    """Register a search method, also as a strategy of `nas_tune`.

    Args:
        name: the name in settings, configurations and on command lines.
        method: a class that derives from `Method`, whose arguments are its settings; or "module:attribute".
        replace: whether to replace another method of that name.

    Raises:
        TrainableError: the name breaks the rule or is taken, or `method` is no such class.
    """
    METHODS.register(name, method, replace=replace)


def method_of(name: str, settings: dict[str, object]) -> Method:
    """Make a method.

    Args:
        name: a name of `METHODS`.
        settings: its settings, by name.

    Returns:
        A method without decisions yet.

    Raises:
        TrainableError: there is no such method, or it has no such setting.
    """
    if name not in METHODS:
        check_name("method", name, METHODS.names())
    found = METHODS.get(name)
    check_settings(f"the method {name}", found, settings)
    return found(**settings)
