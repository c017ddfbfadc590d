"""The ledger of a run: its events, the file that stores them, and the fold that computes the state of the run."""

from __future__ import annotations

from nas_tune.ledger.events import (
    Answered,
    Asked,
    BudgetChanged,
    Ended,
    Enqueued,
    Event,
    Found,
    Known,
    Lost,
    Noted,
    Paused,
    Promoted,
    Reported,
    Retried,
    SessionEnded,
    SessionStarted,
)
from nas_tune.ledger.lease import Lease
from nas_tune.ledger.memory import EventLog, MemoryLedger
from nas_tune.ledger.replay import Report, RunState, TrialRecord, replay
from nas_tune.ledger.store import FORMAT_VERSION, Ledger, backup_path, damaged, ledger_path

__all__ = [
    "FORMAT_VERSION",
    "Answered",
    "Asked",
    "BudgetChanged",
    "Ended",
    "Enqueued",
    "Event",
    "EventLog",
    "Found",
    "Known",
    "Lease",
    "Ledger",
    "Lost",
    "MemoryLedger",
    "Noted",
    "Paused",
    "Promoted",
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
