"""What is wrong with a configuration, all of it at once, in the user's words instead of pydantic's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from nas_tune.errors import ConfigError
from search_spaces.names import did_you_mean

__all__ = ["ConfigProblems", "Expected", "SettingProblem", "field_problems", "shown"]

_KINDS = {
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "a string",
    list: "an array",
    dict: "a table",
    type(None): "nothing",
}

_ELSEWHERE = {
    "evaluator": "trainable",
    "objective": "metric",
    "sampler": "strategy",
    "searcher": "strategy",
    "search_alg": "strategy",
    "optimizer": "strategy",
    "pruner": "scheduler",
    "direction": "mode",
    "n_trials": "max_trials",
    "num_samples": "max_trials",
    "timeout": "max_seconds",
    "n_jobs": "workers",
    "search_space": "space",
    "epochs": "max_epochs",
}
"""What other systems and papers call our keys."""


class ConfigProblems(ConfigError):
    """A configuration that is refused; `problems` has one line for each thing that is wrong with it."""

    def __init__(self, problems: Iterable[str], source: str = "configuration") -> None:
        self.problems, self.source = tuple(problems), source
        if len(self.problems) == 1:
            text = f"{source}: {self.problems[0]}"
        else:
            text = "\n  ".join([f"{source}: {len(self.problems)} problems", *self.problems])
        super().__init__(text)

    def __reduce__(self) -> tuple[type[ConfigProblems], tuple[tuple[str, ...], str]]:
        return type(self), (self.problems, self.source)


@dataclass(frozen=True)
class Expected:
    """What a key expects, for messages; stands in the field's annotation beside the rule itself."""

    text: str
    options: tuple[str, ...] = ()


class SettingProblem(ConfigError):
    """Raised by a validator that says itself what is wrong: (path below the key, text) pairs."""

    def __init__(self, *found: tuple[str, str]) -> None:
        super().__init__("; ".join(": ".join(filter(None, pair)) for pair in found))
        self.found = found

    def __reduce__(self) -> tuple[type[SettingProblem], tuple[tuple[str, str], ...]]:
        return type(self), self.found


def field_problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each thing that pydantic found wrong with the keys of `model`."""
    return [line for found in error.errors(include_url=False) for line in _lines(found, model)]


def shown(value: object, limit: int = 60) -> str:
    """A value as a message shows it, cut to `limit` characters, with its kind: `'ten' (a string)`."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    kind = _KINDS.get(type(value), f"of type {type(value).__name__}")
    return f"{text if len(text) <= limit else text[:limit] + '...'} ({kind})"


def _lines(found: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    *parents, last = map(str, found["loc"])
    key = ".".join([*parents, last])
    for parent in parents:
        model = _nested(model, parent)
    if found["type"] == "extra_forbidden":
        return [f"{key}: unknown key{_hint(last, model)}"]
    cause = found.get("ctx", {}).get("error")
    if isinstance(cause, SettingProblem):
        return [f"{'.'.join(filter(None, [key, path]))}: {text}" for path, text in cause.found]
    return [f"{key}: {_mismatch(found, _expected(model, last))}"]


def _mismatch(found: Mapping[str, Any], expected: Expected) -> str:
    if found["type"] == "missing":
        return f"missing; expected {expected.text}"
    value = found["input"]
    return f"got {shown(value)}, expected {expected.text}{_close_option(value, expected.options)}"


def _close_option(value: object, options: tuple[str, ...]) -> str:
    """Also "Max" and "maximise" are close to "max"."""
    if not isinstance(value, str):
        return ""
    longer = next((option for option in options if value.lower().startswith(option)), None)
    return f"; did you mean {longer!r}?" if longer else did_you_mean(value, options)


def _expected(model: type[BaseModel], key: str) -> Expected:
    """The `Expected` of a field; every field has one (a test holds that)."""
    return next(item for item in model.model_fields[key].metadata if isinstance(item, Expected))


def _nested(model: type[BaseModel], key: str) -> type[BaseModel]:
    annotation = model.model_fields[key].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else model


def _hint(key: str, model: type[BaseModel]) -> str:
    """The closest known key, also one of a table below; else all of them."""
    tables = [name for name in model.model_fields if _nested(model, name) is not model]
    for table in tables:
        if key in _nested(model, table).model_fields:
            return f"; did you mean '{table}.{key}'?"
    known = sorted(model.model_fields)
    if _ELSEWHERE.get(key) in known:
        return f"; here it is called {_ELSEWHERE[key]!r}"
    return did_you_mean(key, known) or f"; the keys are: {', '.join(known)}"
