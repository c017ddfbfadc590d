"""The events of a run: the ledger stores them, and the state of the run is a fold over them.

An event is immutable plain data; `encode_event` and `decode_event` turn it to and from the ledger's JSON. Fields are
only ever added, with a default, so that an older ledger stays readable.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, get_args

from nas_tune.ledger.fields import is_plain_report, keys_in, problem_of, rules_of
from search_spaces.errors import NasTuneError
from trainables.trial.bounds import writable

__all__ = [
    "Answered",
    "Asked",
    "BudgetChanged",
    "Costed",
    "Ended",
    "Enqueued",
    "Event",
    "Found",
    "Known",
    "Lost",
    "Measured",
    "Noted",
    "Paused",
    "Promoted",
    "Refused",
    "Reported",
    "Retried",
    "SessionEnded",
    "SessionStarted",
    "decode_event",
    "encode_event",
]


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """A driver opened the run, for the first time or to resume it.

    Attributes:
        host: the name of its machine.
        pid: its process id.
        versions: of Python and of packages, by name.
    """

    kind: ClassVar[str] = "session_started"
    host: str
    pid: int
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """A resume changed keys of the configuration that may change: the budget, the workers, the resources.

    Attributes:
        changes: the new values by key.
    """

    kind: ClassVar[str] = "budget_changed"
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """A trial of another run from which the strategy learns (a warm start).

    Attributes:
        run: the other run; values are on its scale.
        number: of the trial in that run.
        tree: its architecture as plain data.
        id: the canonical id of the architecture.
        state: "complete" or "pruned".
        curve: [epoch, value of the metric] pairs; epochs are converted to this run's by equal shares of a full
            training.
        costs: the limited quantities of the architecture that are known, by name (default: none).
    """

    kind: ClassVar[str] = "known"
    run: str
    number: int
    tree: Any
    id: str
    state: str
    curve: list[list[float]]
    costs: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Enqueued:
    """An architecture is queued: it is tried before the strategy proposes others.

    Attributes:
        tree: the architecture as plain data.
        id: its canonical id.
    """

    kind: ClassVar[str] = "enqueued"
    tree: Any
    id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A proposal became a trial.

    Attributes:
        trial: the number of the trial.
        ask: the number of the proposal.
        tree: the architecture as plain data; if the trial `searches`, the number of the search.
        id: the canonical id of the tree.
        seed: of the training.
        searches: whether the trial searches for its architecture itself (default: False).
    """

    kind: ClassVar[str] = "asked"
    trial: int
    ask: int
    tree: Any
    id: str
    seed: int
    searches: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit refused an architecture, which therefore becomes no trial.

    Attributes:
        id: the canonical id of the architecture.
        tree: the architecture as plain data.
        rung: how its cost was found: "connected", "counted", "predicted" or "measured".
        quantity: the name of the cost that breaks a limit; for the rung "connected" empty.
        value: of that cost; None for the rung "connected".
        bound: the limit on it; None for the rung "connected".
        ask: the number of the proposal; None for a candidate that the strategy did not propose (default).
        more: how many further candidates the same limit refused, which the ledger does not list (default: 0).
    """

    kind: ClassVar[str] = "refused"
    id: str
    tree: Any
    rung: str
    quantity: str
    value: float | None
    bound: float | None
    ask: int | None = None
    more: int = 0


@dataclass(frozen=True, slots=True)
class Costed:
    """The costs of a trial's architecture.

    Attributes:
        trial: the number of the trial.
        costs: the values by name, in the units of `trainables.costs.quantities`.
        rung: how they were found: "counted", "predicted" or "measured".
        device: the fingerprint of the device on which they were measured; empty for counted ones (default).
    """

    kind: ClassVar[str] = "costed"
    trial: int
    costs: dict[str, float]
    rung: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """An architecture was measured, whether it becomes a trial or not.

    Attributes:
        id: the canonical id of the architecture.
        tree: the architecture as plain data.
        costs: the values by name, in the units of `trainables.costs.quantities`.
        device: the fingerprint of the device.
    """

    kind: ClassVar[str] = "measured"
    id: str
    tree: Any
    costs: dict[str, float]
    device: str


@dataclass(frozen=True, slots=True)
class Found:
    """A trial that searches for its architecture itself has found a better one.

    Attributes:
        trial: the number of the trial.
        tree: the architecture as plain data.
        id: its canonical id.
    """

    kind: ClassVar[str] = "found"
    trial: int
    tree: Any
    id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A proposal repeats the architecture of an earlier trial, whose result answers it.

    Attributes:
        trial: the number of the earlier trial.
        ask: the number of the proposal.
        tree: the architecture as plain data.
    """

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
    """A trial finished an epoch.

    Nearly all events are reports, and a tuple is made in a third of the time of a frozen dataclass.

    Attributes:
        trial: the number of the trial.
        epoch: the epoch, from 1.
        metrics: the values by metric.
        seconds: how long the epoch took.
        node: the machine that trained it (default: "", unknown).
    """

    __slots__ = ()
    kind: ClassVar[str] = "reported"


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial is over.

    Attributes:
        trial: the number of the trial.
        state: "complete", "pruned" or "failed".
        value: of the leading metric; None for a failed trial (default).
        failure: the kind of the failure; None without one (default).
        message: the message of the failure; None without one (default).
        traceback: of the failure; None without one (default).
    """

    kind: ClassVar[str] = "ended"
    trial: int
    state: str
    value: float | None = None
    failure: str | None = None
    message: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Paused:
    """The scheduler pauses a trial after its last report; its worker is free.

    Attributes:
        trial: the number of the trial.
        value: of the leading metric in that report.
    """

    kind: ClassVar[str] = "paused"
    trial: int
    value: float


@dataclass(frozen=True, slots=True)
class Promoted:
    """A paused trial goes on from its last checkpoint.

    Attributes:
        trial: the number of the trial.
    """

    kind: ClassVar[str] = "promoted"
    trial: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of a running trial died, or the driver did; the trial goes on from its last checkpoint.

    Attributes:
        trial: the number of the trial.
        reason: why, in words.
        worker: whether the worker died, and not the driver (default: False).
    """

    kind: ClassVar[str] = "lost"
    trial: int
    reason: str
    worker: bool = False


@dataclass(frozen=True, slots=True)
class Retried:
    """A failed trial is tried again from scratch.

    Attributes:
        trial: the number of the trial.
        ask: the number of the proposal that this counts as.
    """

    kind: ClassVar[str] = "retried"
    trial: int
    ask: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A note for the user.

    Attributes:
        trial: the number of the trial; -1 for a note on the run.
        text: the note.
    """

    kind: ClassVar[str] = "noted"
    trial: int
    text: str


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The driver ended in good order.

    Attributes:
        reason: "done", "exhausted", "time", "interrupted" or "failed".
        message: the message of a failure (default: "").
    """

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
    | Refused
    | Costed
    | Measured
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
# As json.loads and json.dumps, but the options are looked up once, not for every event.
_read = json.JSONDecoder().raw_decode
_written = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def encode_event(event: Event) -> str:
    """Encode the fields of an event as compact JSON; NaN and infinities as Python's json writes them.

    Args:
        event: the event.

    Returns:
        The JSON text.
    """
    body = {name: getattr(event, name) for name in _FIELDS[event.kind]}
    return _written(body)


def decode_event(kind: str, body: str) -> Event:
    """Decode an event and check its fields.

    Args:
        kind: the kind of the event.
        body: its fields as JSON.

    Returns:
        The event.

    Raises:
        NasTuneError: the kind is unknown, or a field is missing, unknown, repeated, or breaks its rule; the message
            names it.
    """
    try:
        fields, end = _read(body)
        event: Event = _KINDS[kind](**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise NasTuneError(f"not an event of this version: {kind!r} with {body[:80]!r}") from error
    except RecursionError as error:
        raise NasTuneError(f"{kind}: its fields are nested too deeply: {body[:80]!r}") from error
    if end != len(body):
        raise NasTuneError(f"not an event of this version: {kind!r} with {body[:80]!r}")
    # This sequence follows each key; it may also occur inside a text.
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
    """Escape lone surrogates in texts for the user; in other fields the rules refuse them."""
    texts = {name: text for name, text in fields.items() if name in _READ_BY_PEOPLE and type(text) is str}
    made: Event = _KINDS[event.kind](**{**fields, **{name: writable(text) for name, text in texts.items()}})
    return made


def _refuse_repeated_keys(kind: str, body: str) -> None:
    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            repeated = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
            raise NasTuneError(f"{kind}: the key {repeated!r} occurs twice")
        return found

    json.loads(body, object_pairs_hook=table)
