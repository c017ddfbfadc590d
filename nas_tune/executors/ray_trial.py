"""The trial as Ray Tune's actors run it: a class trainable that is reset, not rebuilt, for the next trial.

No exception leaves `step`: a training that fails is an outcome. What Ray sees as an error is therefore only the
death of a worker, after which a fresh actor's session goes on from the trial's last checkpoint.
"""

from __future__ import annotations

import faulthandler
import pickle  # only the name of its error
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import ray
from ray import cloudpickle, tune

from nas_tune.errors import ConfigError
from nas_tune.executors.job import Job, trial_folder
from search_spaces import Space
from trainables.session import Failure, Outcome, TrialSession

__all__ = ["OUTCOME", "Parcel", "RayTrial"]

OUTCOME = "outcome"
_TIMEOUT_FILE = "timeout.txt"
_LARGEST_PARCEL = 64 * 2**20


@dataclass(frozen=True)
class Parcel:
    """A job and the space of its architectures on their way to a worker, with the places from which the driver imports.

    Ray tells its workers of the driver's folder and script only; a trainable may come from elsewhere.
    """

    packed: bytes
    paths: tuple[str, ...]

    @classmethod
    def of(cls, job: Job, space: Space) -> Parcel:
        """Pack a job in the driver.

        Raises:
            ConfigError: it is too large, or cannot be shipped at all.
        """
        try:
            packed = cloudpickle.dumps((job, space))
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise ConfigError(
                f"trainable: it cannot be shipped to workers: {error}; make that inside setup()"
            ) from error
        if len(packed) > _LARGEST_PARCEL:
            raise ConfigError(
                f"trainable: it holds {len(packed) / 2**20:.0f} MiB, more than the {_LARGEST_PARCEL // 2**20} that are "
                "sent to workers; load data inside setup(), or inside the function"
            )
        return cls(packed, tuple(sys.path))

    def unpack(self) -> tuple[Job, Space]:
        """Job and space, in a worker, which can import from then on what the driver could."""
        sys.path.extend(path for path in self.paths if path not in sys.path)
        packed: tuple[Job, Space] = cloudpickle.loads(self.packed)
        return packed


class RayTrial(tune.Trainable):
    """Runs `Job`s; `config` holds trial (its number), architecture (a tree) and seed."""

    def setup(self, config: dict[str, Any], parcel: Parcel | None = None, shared: object = None) -> None:
        """Take the job and what its trials share, which `tune.with_parameters` brings; begin with the first trial."""
        if parcel is None:
            raise TypeError("RayTrial needs its job: wrap it in tune.with_parameters(RayTrial, parcel=...)")
        self._job, self._space = parcel.unpack()
        self._trainable = self._job.trainable(shared)
        # Several nodes may run on one host, for tests and on large machines.
        self._node = f"{socket.gethostname()}/{ray.get_runtime_context().get_node_id()[:8]}"
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial on this actor; data stay loaded."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """One epoch, as an `Outcome`."""
        outcome = self._hanging() or self._guarded()
        return {OUTCOME: outcome, "node": self._node}

    def _begin(self, config: dict[str, Any]) -> None:
        architecture = self._space.validate(config["architecture"])
        self._folder = trial_folder(self._job.run_folder, config["trial"])
        self._session: TrialSession = self._job.session(self._trainable, config["trial"], architecture, config["seed"])

    def _guarded(self) -> Outcome:
        """Advance under a watchdog that needs no Python thread: a hung worker dies with its traceback on disk."""
        limit = self._job.epoch_timeout
        if limit is None:
            return self._session.advance()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _TIMEOUT_FILE
        with path.open("w", encoding="utf-8") as file:
            self._watched(file, limit)
            try:
                return self._session.advance()
            finally:
                faulthandler.cancel_dump_traceback_later()
                path.unlink(missing_ok=True)

    @staticmethod
    def _watched(file: IO[str], limit: float) -> None:
        faulthandler.dump_traceback_later(limit, exit=True, file=file)

    def _hanging(self) -> Outcome | None:
        """The failure of a trial whose earlier worker was ended by the watchdog."""
        path: Path = self._folder / _TIMEOUT_FILE
        if self._job.epoch_timeout is None or not path.exists():
            return None
        trace = path.read_text(encoding="utf-8", errors="replace")
        path.unlink()
        message = f"an epoch took longer than epoch_timeout = {self._job.epoch_timeout:g} seconds"
        return Outcome(0, {}, finished=True, failure=Failure("timeout", message, trace))
