"""What every trial of a run has in common, for executors to run."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas_tune.coordination.registrations import Registered
from search_spaces import Architecture
from trainables.protocol import Sharing, Trainable
from trainables.registry import Target, adapt
from trainables.trial.session import Failure, Outcome, TrialSession

__all__ = ["Job", "advanced", "trial_folder"]


def trial_folder(run_folder: Path, trial: int) -> Path:
    """Where a trial keeps its checkpoints: named by its number, never by its parameters."""
    return run_folder / "trials" / f"{trial:06d}"


@dataclass(frozen=True)
class Job:
    """A trainable with its settings, and the length of a full training.

    `epoch_timeout` is in seconds; None lets an epoch take as long as it takes. `registered` is what a
    worker process must know by name (`nas_tune.coordination.registrations`).
    """

    target: Target
    settings: Mapping[str, Any]
    run_folder: Path
    max_epochs: int
    epoch_timeout: float | None = None
    registered: Registered = field(default_factory=dict)

    def trainable(self, shared: object = None) -> Trainable:
        """A fresh trainable; loads nothing yet. `shared` is what `load_shared` gave in another process."""
        trainable = adapt(self.target, self.settings)
        if shared is not None and isinstance(trainable, Sharing):
            trainable.take_shared(shared)
        return trainable

    def load_shared(self) -> object:
        """What one process reads for the trainables of all; None where they share nothing (see `Sharing`)."""
        trainable = self.trainable()
        return trainable.load_shared() if isinstance(trainable, Sharing) else None

    def session(
        self,
        trainable: Trainable,
        trial: int,
        architecture: Architecture,
        seed: int,
        *,
        writes: bool = True,
        seconds_left: float = math.inf,
    ) -> TrialSession:
        """The boundary around one trial on `trainable`, which has `seconds_left`; whether it `writes` checkpoints."""
        return TrialSession(
            trainable,
            architecture,
            seed=seed,
            max_epochs=self.max_epochs,
            folder=trial_folder(self.run_folder, trial),
            writes=writes,
            ends=time.monotonic() + seconds_left,
        )


def advanced(session: TrialSession) -> Outcome:
    """One epoch, where the process is not the trial's own: a training that leaves it has failed."""
    try:
        return session.advance()
    except SystemExit as leave:
        message = f"the training left with sys.exit({leave.code!r}); raise an exception instead"
        return Outcome(0, {}, finished=True, failure=Failure("error", message, traceback.format_exc()))
