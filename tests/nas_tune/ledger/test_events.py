"""Events are plain values that come back from their JSON as they were."""

from __future__ import annotations

import dataclasses
import math
from typing import get_args

import pytest

from nas_tune import ledger
from nas_tune.errors import NasTuneError
from nas_tune.ledger.events import (
    Answered,
    Asked,
    BudgetChanged,
    Costed,
    Ended,
    Enqueued,
    Event,
    Found,
    Known,
    Lost,
    Measured,
    Noted,
    Paused,
    Promoted,
    Refused,
    Reported,
    Retried,
    SessionEnded,
    SessionStarted,
    decode_event,
    encode_event,
)

EVENTS: list[Event] = [
    SessionStarted("höst", 7, {"python": "3.11"}),
    BudgetChanged({"max_trials": 48, "storage": None}),
    Known("runs/a", 7, {"x": 1}, "cd" * 8, "pruned", [[1, 0.1], [2, 0.3]], {"macs": 1e6}),
    Enqueued({"x": 1}, "cd" * 8),
    Asked(0, 3, {"layers": [{"op": "conv", "wide": True}, {"op": {"pool": {}}}], "rate": 0.1}, "ab" * 8, 2**32 - 1),
    Asked(1, 1, {"search": 1}, "ef" * 8, 7, searches=True),
    Found(1, {"op": "a"}, "cd" * 8),
    Answered(0, 4, ["a", 1, None]),
    Refused("ab" * 8, {"op": "b"}, "counted", "macs", 6.5e7, 5e7, None, 12),
    Refused("cd" * 8, {"op": "c"}, "connected", "", None, None, 5),
    Measured("ab" * 8, {"op": "b"}, {"latency": 1.5, "throughput": 666.7}, "a phone"),
    Costed(1, {"parameters": 1234.0, "latency": 1.5}, "measured", "AMD EPYC, onnxruntime 1.23, 1 thread"),
    Reported(0, 1, {"accuracy": 0.1 + 0.2, "steps": 3}, 0.25, "node-1"),
    Paused(0, 0.1 + 0.2),
    Promoted(0),
    Retried(3, 9),
    Ended(0, "complete", 0.5),
    Ended(1, "failed", None, "error", "ValueError: 'x'\n", "Traceback ...\n"),
    Lost(1, "the worker is gone", worker=True),
    Noted(-1, "a note with \u2028 and \x00"),
    SessionEnded("done", "all of it"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_comes_back_from_its_json_as_it_was(event: Event) -> None:
    assert decode_event(event.kind, encode_event(event)) == event


def test_every_kind_of_event_is_tried_here_and_public() -> None:
    kinds = set(get_args(Event))
    assert {type(event) for event in EVENTS} == kinds
    assert {kind.__name__ for kind in kinds} <= set(ledger.__all__)
    assert len({kind.kind for kind in kinds}) == len(kinds)


def test_what_is_not_finite_survives() -> None:
    metrics = {"a": math.nan, "b": math.inf, "c": -math.inf}
    read = decode_event("reported", encode_event(Reported(0, 1, metrics, 0.0)))
    assert isinstance(read, Reported)
    assert math.isnan(read.metrics["a"])
    assert (read.metrics["b"], read.metrics["c"]) == (math.inf, -math.inf)


def test_an_event_without_its_newer_fields_is_read_with_their_defaults() -> None:
    assert decode_event("reported", '{"trial": 1, "epoch": 2, "metrics": {}, "seconds": 0.5}') == Reported(
        1, 2, {}, 0.5, ""
    )
    assert decode_event("ended", '{"trial": 1, "state": "pruned"}') == Ended(1, "pruned")


@pytest.mark.parametrize(
    ("kind", "body"),
    [("unheard_of", "{}"), ("lost", "{}"), ("lost", '{"trial": 1, "reason": "x", "colour": 3}'), ("lost", "{torn")],
)
def test_what_is_no_event_of_this_version_is_said_so(kind: str, body: str) -> None:
    with pytest.raises(NasTuneError, match=f"not an event of this version: '{kind}'"):
        decode_event(kind, body)


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EVENTS[0].pid = 8  # type: ignore[misc,union-attr]
