"""The description of each field of a settings class: the string below the field in the source.

The starter configuration and the reference pages are made from these texts, so that they agree with the schema.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from itertools import pairwise
from types import MappingProxyType

__all__ = ["field_texts", "first_sentence"]


@cache
def field_texts(settings: type) -> Mapping[str, str]:
    """The text of each field of a class, by name, as one line each.

    Args:
        settings: a class whose source can be read; the string below a field is its text. Those of a dataclass
            that it inherits from count too.

    Returns:
        The texts, those of inherited fields first; a field without a text is left out.
    """
    texts: dict[str, str] = {}
    for kind in reversed(settings.__mro__):
        if kind is settings or is_dataclass(kind):
            texts.update(_texts_in(kind))
    return MappingProxyType(texts)


def _texts_in(kind: type) -> Mapping[str, str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    texts: dict[str, str] = {}
    for field, below in pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            texts[field.target.id] = " ".join(below.value.value.split())
    return texts


def first_sentence(text: str) -> str:
    """Cut a text after its first sentence.

    Args:
        text: the text.

    Returns:
        The text up to its first full stop, without it.
    """
    return text.partition(". ")[0].removesuffix(".")
