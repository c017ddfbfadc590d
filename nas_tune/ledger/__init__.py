"""The ledger of a run: its events, the file that stores them, and the fold that computes the state of the run."""

from __future__ import annotations

from nas_tune.ledger.connections import FORMAT_VERSION
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
)
from nas_tune.ledger.lease import Lease
from nas_tune.ledger.memory import EventLog, MemoryLedger
from nas_tune.ledger.places import backup_path, damaged, ledger_path
from nas_tune.ledger.replay import Report, RunState, TrialRecord, replay
from nas_tune.ledger.store import Ledger

__all__ = [
    "FORMAT_VERSION",
    "Answered",
    "Asked",
    "BudgetChanged",
    "Costed",
    "Ended",
    "Enqueued",
    "Event",
    "EventLog",
    "Found",
    "Known",
    "Lease",
    "Ledger",
    "Lost",
    "Measured",
    "MemoryLedger",
    "Noted",
    "Paused",
    "Promoted",
    "Refused",
    "Report",
    "Reported",
    "Retried",
    "RunState",
    "SessionEnded",
    "SessionStarted",
    "TrialRecord",
    "backup_path",
    "damaged",
    "ledger_path",
    "replay",
]
