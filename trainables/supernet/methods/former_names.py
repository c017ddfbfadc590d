"""The former names of hooks of search methods, under which plug-ins may still define and call them.

A class that defines a hook under its former name only has it under both, and its author is warned where the class is
defined. A class that defines both names is left as it is, so that one plug-in can serve older versions too.
"""

from __future__ import annotations

import warnings

__all__ = ["keep_former_names"]

_FORMER = {"meet": "prepare", "usual": "default_path"}
"""Hooks by their former names."""


def keep_former_names(method: type) -> None:
    """Give the hooks of a class both of their names.

    Args:
        method: a class of methods whose bases have both names already.
    """
    for former, name in _FORMER.items():
        owner = next((base for base in method.__mro__ if former in vars(base) or name in vars(base)), None)
        if owner is None:
            continue
        hooks = vars(owner)
        if name not in hooks:
            warnings.warn(
                f"{method.__name__}.{former} is called {name} now: rename the method; the former name goes with the "
                "next minor version",
                DeprecationWarning,
                stacklevel=3,  # the class statement
            )
            setattr(method, name, hooks[former])
        elif former not in hooks:
            setattr(method, former, hooks[name])
