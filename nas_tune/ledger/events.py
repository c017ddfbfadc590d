"""What can happen in a run, as values: the ledger stores them, everything else is a fold over them.

An event is immutable plain data; `encode` and `decode` turn it to and from the ledger's JSON. Fields are only
ever added, with a default, so that an older ledger stays readable.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, get_args

from nas_tune.ledger.fields import is_plain_report, keys_in, problem_of, rules_of, writable
from search_spaces.errors import NasTuneError

__all__ = [
    "Answered",
    "Asked",
    "BudgetChanged",
    "Ended",
    "Enqueued",
    "Event",
    "Found",
    "Known",
    "Lost",
    "Noted",
    "Paused",
    "Promoted",
    "Reported",
    "Retried",
    "SessionEnded",
    "SessionStarted",
    "decode",
    "encode",
]


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A driver opened the run: the first time, or to resume it."""

    kind: ClassVar[str] = "session_started"
    host: str
    pid: int
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """A resume changed keys of the configuration that may change: the budget, the workers, the resources."""

    kind: ClassVar[str] = "budget_changed"
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """Trial `number` of another run, as the strategy is to know it: complete or pruned, its metric by epoch.

    Epochs are those of this run (equal shares of a full training), values on the scale of the other one, `run`.
    """

    kind: ClassVar[str] = "known"
    run: str
    number: int
    tree: Any
    id: str
    state: str
    curve: list[list[float]]


@dataclass(frozen=True, slots=True)
class Enqueued:
    """An architecture is to be tried before the strategy is asked for more."""

    kind: ClassVar[str] = "enqueued"
    tree: Any
    id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The strategy's proposal number `ask` became trial number `trial`.

    If it `searches`, the tree is the number of a search, and the trial's architecture is what it finds.
    """

    kind: ClassVar[str] = "asked"
    trial: int
    ask: int
    tree: Any
    id: str
    seed: int
    searches: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A trial that looks for an architecture itself has found another one than before."""

    kind: ClassVar[str] = "found"
    trial: int
    tree: Any
    id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Proposal number `ask` repeats the architecture of trial `trial` and was answered from the ledger."""

    kind: ClassVar[str] = "answered"
    trial: int
    ask: int
    tree: Any


class _Report(NamedTuple):
    trial: int
    epoch: int
    metrics: dict[str, float]
    seconds: float
    node: str = ""


class Reported(_Report):
    """A trial finished an epoch (counted from 1); `seconds` is the time that the epoch took.

    Nearly all events are reports, and a tuple is made in a third of the time of a frozen dataclass.
    """

    __slots__ = ()
    kind: ClassVar[str] = "reported"


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial is over: `state` is complete, pruned or failed, with the failure's kind and cause."""

    kind: ClassVar[str] = "ended"
    trial: int
    state: str
    value: float | None = None
    failure: str | None = None
    message: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Paused:
    """The scheduler lets a trial wait after its last report, which came to `value`; its worker is free."""

    kind: ClassVar[str] = "paused"
    trial: int
    value: float


@dataclass(frozen=True, slots=True)
class Promoted:
    """A paused trial goes on from its last checkpoint."""

    kind: ClassVar[str] = "promoted"
    trial: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A running trial's worker, or the driver, died; it goes on from its last checkpoint."""

    kind: ClassVar[str] = "lost"
    trial: int
    reason: str
    worker: bool = False


@dataclass(frozen=True, slots=True)
class Retried:
    """A failed trial is tried again from its beginning, as number `ask` of what the strategy was asked."""

    kind: ClassVar[str] = "retried"
    trial: int
    ask: int


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that a person should know; `trial` is -1 where it concerns the run."""

    kind: ClassVar[str] = "noted"
    trial: int
    text: str


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The driver left in good order: `reason` is one of done, exhausted, time, interrupted or failed."""

    kind: ClassVar[str] = "session_ended"
    reason: str
    message: str = field(default="")


Event = (
    SessionStarted
    | BudgetChanged
    | Known
    | Enqueued
    | Asked
    | Answered
    | Found
    | Reported
    | Paused
    | Promoted
    | Ended
    | Lost
    | Retried
    | Noted
    | SessionEnded
)
_KINDS: dict[str, Any] = {cls.kind: cls for cls in get_args(Event)}
_FIELDS = {
    kind: cls._fields if cls is Reported else tuple(f.name for f in dataclasses.fields(cls))
    for kind, cls in _KINDS.items()
}
_RULES = {kind: rules_of(kind, names) for kind, names in _FIELDS.items()}
_READ_BY_PEOPLE = frozenset({"host", "node", "reason", "text", "message", "traceback", "run"})
# What json.loads and json.dumps come to, without looking up their options once an event.
_read = json.JSONDecoder().raw_decode
_written = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def encode(event: Event) -> str:
    """The event's fields as compact JSON (NaN and infinities as Python's json writes them)."""
    body = {name: getattr(event, name) for name in _FIELDS[event.kind]}
    return _written(body)


def decode(kind: str, body: str) -> Event:
    """The event of `kind` from its JSON.

    Raises:
        NasTuneError: the kind is unknown, or a field is missing, unknown, repeated, or not of its type; says which.
    """
    try:
        fields, end = _read(body)
        if end != len(body):
            raise ValueError("something follows the fields")
        event: Event = _KINDS[kind](**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise NasTuneError(f"not an event of this version: {kind!r} with {body[:80]!r}") from error
    except RecursionError as error:
        raise NasTuneError(f"{kind}: its fields lie too deep in one another: {body[:80]!r}") from error
    # Each key is followed by this, and so may be a part of a text.
    keys = body.count('":')
    if type(event) is Reported and is_plain_report(event) and keys == len(fields) + len(event.metrics):
        return event
    if "\\u" in body:
        event = _mended(event, fields)
    if (problem := problem_of(event, _RULES[kind])) is not None:
        raise NasTuneError(f"{kind}: {problem}")
    if keys != keys_in(fields):
        _refuse_repeated_keys(kind, body)
    return event


def _mended(event: Event, fields: dict[str, Any]) -> Event:
    """Lone surrogates written out in what only people read; elsewhere they are for the rules to refuse."""
    texts = {name: text for name, text in fields.items() if name in _READ_BY_PEOPLE and type(text) is str}
    made: Event = _KINDS[event.kind](**{**fields, **{name: writable(text) for name, text in texts.items()}})
    return made


def _refuse_repeated_keys(kind: str, body: str) -> None:
    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            repeated = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
            raise NasTuneError(f"{kind}: the key {repeated!r} is there twice")
        return found

    json.loads(body, object_pairs_hook=table)
