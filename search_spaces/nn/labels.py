"""The names of decisions: a label, or the place in the module.

label "normal.node_2"              -> {"normal": {"node_2": ..}}
self.layers[0].op                  -> {"layers_0": {"op": ..}}
"""

from __future__ import annotations

from search_spaces.errors import SpaceError
from search_spaces.names import IDENTIFIER_RULE, is_identifier

__all__ = ["LabelKey", "child_key", "key_of", "read_label"]

LabelKey = tuple[str, ...]
"""The keys that lead to a decision, from the root of the tree or from the option that contains it."""


def read_label(label: object, what: str) -> str | None:
    """Check a label.

    Args:
        label: names joined by dots, or None.
        what: the kind of choice, for the error.

    Returns:
        The label.

    Raises:
        SpaceError: it is not a valid label.
    """
    if label is None or (isinstance(label, str) and all(map(is_identifier, label.split(".")))):
        return label
    raise SpaceError(f"{what} with label={label!r}: a label is names joined by dots; {IDENTIFIER_RULE}; rename it")


def key_of(label: str) -> LabelKey:
    """Split a label into the keys of its decision.

    Args:
        label: names joined by dots.

    Returns:
        The keys.
    """
    return tuple(label.split("."))


def child_key(key: LabelKey, name: str) -> LabelKey:
    """Make the key of a child module. The index in a list joins the name of the list.

    Args:
        key: the key of the parent.
        name: the name of the child.

    Returns:
        The key of the child: `("layers_0",)` for "0" in `("layers",)`.
    """
    if not name.isdigit():
        return (*key, name)
    return (*key[:-1], f"{key[-1]}_{name}") if key else (f"layer_{name}",)
