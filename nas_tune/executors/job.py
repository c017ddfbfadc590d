"""What every trial of a run has in common, for executors to run."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas_tune.coordination.registrations import Registrations
from search_spaces import Architecture
from trainables.kept_data import add_place
from trainables.protocol import Sharing, Trainable
from trainables.registry import TrainableTarget, adapt
from trainables.trial.session import Failure, Outcome, TrialSession

__all__ = ["Job", "advance", "trial_folder"]


def trial_folder(run_folder: Path, trial: int) -> Path:
    """The folder of a trial's checkpoints. Its name is the trial's number, never its parameters.

    Args:
        run_folder: of the run.
        trial: the number of the trial.

    Returns:
        RUN/trials/NNNNNN.
    """
    return run_folder / "trials" / f"{trial:06d}"


@dataclass(frozen=True)
class Job:
    """A trainable with its settings, and the length of a full training.

    Attributes:
        target: makes the trainable: a class or a function.
        settings: of the trainable.
        run_folder: of the run, which holds the checkpoints.
        max_epochs: the length of a full training, in epochs.
        epoch_timeout: the most seconds that an epoch may take; None sets no limit.
        registered: what a worker process has to register by name (`nas_tune.coordination.registrations`).
        carried: of that, what cannot be imported there and is shipped.
    """

    target: TrainableTarget
    settings: Mapping[str, Any]
    run_folder: Path
    max_epochs: int
    epoch_timeout: float | None = None
    registered: Registrations = field(default_factory=dict)
    carried: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def trainable(self, shared: object = None) -> Trainable:
        """Make a fresh trainable, which has loaded nothing yet.

        Args:
            shared: the result of `load_shared` in another process, which the trainable then uses; None for none.

        Returns:
            The trainable.
        """
        add_place(self.run_folder)
        trainable = adapt(self.target, self.settings)
        if shared is not None and isinstance(trainable, Sharing):
            trainable.take_shared(shared)
        return trainable

    def load_shared(self) -> object:
        """Read in one process what the trainables of all processes share (see `Sharing`).

        Returns:
            The shared data; None where the trainable shares nothing.
        """
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
        """Make the boundary around one trial.

        Args:
            trainable: runs the trial.
            trial: the number of the trial.
            architecture: what is trained.
            seed: of the training.
            writes: whether the session writes checkpoints.
            seconds_left: seconds until the run ends.

        Returns:
            The session, which continues from the trial's last checkpoint if there is one.
        """
        return TrialSession(
            trainable,
            architecture,
            seed=seed,
            max_epochs=self.max_epochs,
            folder=trial_folder(self.run_folder, trial),
            writes=writes,
            ends=time.monotonic() + seconds_left,
        )


def advance(session: TrialSession) -> Outcome:
    """Train one epoch in a process that serves other trials too: `sys.exit` in a training is a failure of the trial.

    Args:
        session: of the trial.

    Returns:
        The result of the epoch.
    """
    try:
        return session.advance()
    except SystemExit as leave:
        message = f"the training left with sys.exit({leave.code!r}); raise an exception instead"
        return Outcome(0, {}, finished=True, failure=Failure("error", message, traceback.format_exc()))
