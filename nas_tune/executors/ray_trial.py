"""The trial as Ray Tune's actors run it: a class trainable that is reset, not rebuilt, for the next trial.

No exception leaves `step`: a training that fails is an outcome. What Ray sees as an error is therefore only the
death of a worker, after which a fresh actor's session goes on from the trial's last checkpoint.
"""

from __future__ import annotations

import math
import time
from typing import Any

from ray import tune

from nas_tune.executors.job import trial_folder
from nas_tune.executors.parcel import Parcel, node_name
from nas_tune.executors.watchdog import Watchdog
from trainables.trial.session import Outcome, TrialSession

__all__ = ["OUTCOME", "RayTrial"]

OUTCOME = "outcome"


class RayTrial(tune.Trainable):
    """Runs `Job`s; `config` holds trial (its number), architecture (a tree), seed, and the time when the run ends.

    That is in seconds since 1970, None without an end. Where the clock of a node is wrong, the driver ends the trial.
    """

    def setup(self, config: dict[str, Any], parcel: Parcel | None = None, shared: object = None) -> None:
        """Take the job and what its trials share, which `tune.with_parameters` brings; begin with the first trial."""
        if parcel is None:
            raise TypeError("RayTrial needs its job: wrap it in tune.with_parameters(RayTrial, parcel=...)")
        self._job, self._space = parcel.unpack()
        self._trainable = self._job.trainable(shared)
        self._node = node_name()
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial on this actor; data stay loaded."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """One epoch, as an `Outcome`."""
        return {OUTCOME: self._watchdog.found() or self._advanced(), "node": self._node}

    def _advanced(self) -> Outcome:
        with self._watchdog.watching():
            return self._session.advance()

    def _begin(self, config: dict[str, Any]) -> None:
        architecture = self._space.validate(config["architecture"])
        self._watchdog = Watchdog(trial_folder(self._job.run_folder, config["trial"]), self._job.epoch_timeout)
        left = math.inf if config["ends"] is None else config["ends"] - time.time()
        self._session: TrialSession = self._job.session(
            self._trainable, config["trial"], architecture, config["seed"], seconds_left=left
        )
