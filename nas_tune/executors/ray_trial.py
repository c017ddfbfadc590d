"""A trial in a Ray Tune actor: a class trainable that is reset, not rebuilt, for the next trial.

No exception leaves `step`: a training that fails is an outcome. The only error that Ray sees is therefore the death
of a worker, after which the session of a fresh actor continues from the trial's last checkpoint.
"""

from __future__ import annotations

import math
import time
from typing import Any

from ray import tune

from nas_tune.executors.job import trial_folder
from nas_tune.executors.parcel import Parcel, node_name
from nas_tune.executors.watchdog import Watchdog
from trainables.trial.session import TrialSession

__all__ = ["OUTCOME", "RayTrial"]

OUTCOME = "outcome"


class RayTrial(tune.Trainable):
    """Runs a `Job`. The keys of its `config` are `trial` (the number), `architecture` (a tree), `seed` and `ends`.

    `ends` is the time when the run ends, in seconds since 1970; None without an end. Where the clock of a node is
    wrong, the driver ends the trial.
    """

    def setup(self, config: dict[str, Any], parcel: Parcel | None = None, shared: object = None) -> None:
        """Unpack the job, and begin the first trial. `tune.with_parameters` passes the job and the shared data.

        Args:
            config: of the first trial.
            parcel: the job and the space.
            shared: what the trials share (`Job.load_shared`); None for nothing.

        Raises:
            TypeError: there is no parcel.
        """
        if parcel is None:
            raise TypeError("RayTrial lacks its job; wrap it in tune.with_parameters(RayTrial, parcel=...)")
        self._job, self._space = parcel.unpack()
        self._trainable = self._job.trainable(shared)
        self._node = node_name()
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial on this actor. Data stay loaded.

        Args:
            new_config: of that trial.

        Returns:
            True: Ray Tune may use the actor again.
        """
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train one epoch.

        Returns:
            `outcome`, an `Outcome`, and `node`, where it ran.
        """
        outcome = self._watchdog.found()
        if outcome is None:
            with self._watchdog.watching():
                outcome = self._session.advance()
        return {OUTCOME: outcome, "node": self._node}

    def _begin(self, config: dict[str, Any]) -> None:
        architecture = self._space.validate(config["architecture"])
        self._watchdog = Watchdog(trial_folder(self._job.run_folder, config["trial"]), self._job.epoch_timeout)
        left = math.inf if config["ends"] is None else config["ends"] - time.time()
        self._session: TrialSession = self._job.session(
            self._trainable, config["trial"], architecture, config["seed"], seconds_left=left
        )
