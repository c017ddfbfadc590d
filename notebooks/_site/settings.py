"""Every key of a configuration, from the schema: its text, what it expects, and its default."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from sphinx.pycode import ModuleAnalyzer

from _site.text import as_markdown
from nas_tune.config.problems import Expected
from nas_tune.config.schema import Resources, SearchConfig

__all__ = ["every_key"]


def every_key() -> str:
    """A term a key, `[resources]` at the end."""
    return f"{_keys(SearchConfig)}\n\n## [resources]\n\n{Resources.__doc__}\n\n{_keys(Resources)}"


def _keys(model: type[BaseModel]) -> str:
    texts = ModuleAnalyzer.for_module(model.__module__).find_attr_docs()
    terms = []
    for name, field in model.model_fields.items():
        text = as_markdown(" ".join(" ".join(texts.get((model.__name__, name), [])).split()))
        meaning = " ".join(filter(None, [text, _rule(field), _default(name, field)]))
        terms.append(f"(key-{name})=\n`{name}`\n: {meaning}")
    return "\n\n".join(terms)


def _rule(field: Any) -> str:
    expected = [one.text for one in _metadata(field) if isinstance(one, Expected)]
    return f"Expects {expected[0]}." if expected else ""


def _metadata(field: Any) -> list[Any]:
    """The field's own, and those of the members of a union."""
    return [*field.metadata, *(one for part in getattr(field.annotation, "__args__", ()) for one in _nested(part))]


def _nested(part: Any) -> tuple[Any, ...]:
    return getattr(part, "__metadata__", ())


_DECIDED_BY_OTHERS = ("trainable", "metric", "mode")
"""Keys whose default depends on other keys, as their texts say."""


def _default(name: str, field: Any) -> str:
    if name in _DECIDED_BY_OTHERS:
        return ""
    if field.is_required():
        return "**Required.**"
    if field.default is None or field.default == () or isinstance(field.default, BaseModel):
        return ""
    default = field.default
    text = str(default).lower() if isinstance(default, bool) else str(getattr(default, "name", default))
    return f"Default: `{text}`."
