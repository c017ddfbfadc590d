"""The problems with a configuration, all together, and in the terms of the user instead of pydantic's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from nas_tune.config.sections import where_else
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
"""The names that other systems and papers have for our keys."""


class ConfigProblems(ConfigError):
    """A configuration that breaks rules.

    Args:
        problems: a line for each problem.
        source: the file, or another name for the configuration, at the beginning of the message.
    """

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
    """What a key accepts, in words; the field's annotation has it beside the rule itself.

    Attributes:
        text: the words that follow "expected" in a message.
        options: the accepted values where they are few, for hints.
    """

    text: str
    options: tuple[str, ...] = ()


class SettingProblem(ConfigError):
    """An error of a validator that words its message itself.

    Args:
        found: a pair for each problem: the dotted path below the key ("" for the key itself), and the message.
    """

    def __init__(self, *found: tuple[str, str]) -> None:
        super().__init__("; ".join(": ".join(filter(None, pair)) for pair in found))
        self.found = found

    def __reduce__(self) -> tuple[type[SettingProblem], tuple[tuple[str, str], ...]]:
        return type(self), self.found


def field_problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Word the problems that pydantic found with the keys of a model.

    Args:
        error: pydantic's error.
        model: the model that it is about.

    Returns:
        A line for each problem.
    """
    made: list[str] = []
    for found in error.errors(include_url=False):
        made.extend(_lines(found, model))
    return made


def shown(value: object, limit: int = 60) -> str:
    """Write a value for a message, with its kind: `'ten' (a string)`.

    Args:
        value: the value.
        limit: the most characters of the value.

    Returns:
        The text.
    """
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
    # Every field has an `Expected`; a test holds that.
    expected = next(item for item in model.model_fields[last].metadata if isinstance(item, Expected))
    return [f"{key}: {_mismatch(found, expected)}"]


def _mismatch(found: Mapping[str, Any], expected: Expected) -> str:
    if found["type"] == "missing":
        return f"missing; expected {expected.text}"
    value = found["input"]
    return f"got {shown(value)}, expected {expected.text}{_close_option(value, expected.options)}"


def _close_option(value: object, options: tuple[str, ...]) -> str:
    """A hint at the closest option; "Max" and "maximise" are close to "max", too."""
    if not isinstance(value, str):
        return ""
    longer = next((option for option in options if value.lower().startswith(option)), None)
    return f"; did you mean {longer!r}?" if longer else did_you_mean(value, options)


def _nested(model: type[BaseModel], key: str) -> type[BaseModel]:
    annotation = model.model_fields[key].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else model


def _hint(key: str, model: type[BaseModel]) -> str:
    """A hint at the closest known key, also one of a table below; without a close one, all keys."""
    tables = [name for name in model.model_fields if _nested(model, name) is not model]
    for table in tables:
        if key in _nested(model, table).model_fields:
            return f"; did you mean '{table}.{key}'?"
    known = sorted(model.model_fields)
    if _ELSEWHERE.get(key) in known:
        return f"; here it is called {_ELSEWHERE[key]!r}"
    elsewhere = where_else(key, known) if tables else did_you_mean(key, known)
    return elsewhere or f"; the keys are: {', '.join(known)}"
