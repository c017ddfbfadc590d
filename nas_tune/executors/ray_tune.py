"""The executor on Ray Tune: one searcher and one scheduler, which leave every decision to the coordinator.

Ray Tune places trials, moves them when a node dies and reuses its actors. It decides nothing: the searcher suggests
the coordinator's assignments, the scheduler stops the trials that the coordinator stops, and Ray Tune's files are
scratch.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import ray
from ray import tune
from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from nas_tune.coordination.coordinator import Coordinator
from nas_tune.executors.job import Job
from nas_tune.executors.parcel import Parcel
from nas_tune.executors.ray_cluster import TrialResources, cluster
from nas_tune.executors.ray_trial import OUTCOME, RayTrial
from search_spaces import Space

__all__ = ["RayExecutor"]

_SCRATCH = "ray"
"""The folder in a run's folder that Ray Tune writes to while a search lasts."""
_GRACE_SECONDS = 1.0
"""Seconds after the end of the run's time in which workers may report that they have left their epochs."""


class _NotPickled:
    """Pickles without its state: Ray Tune snapshots its parts, but a resume rebuilds them from the ledger."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _CoordinatorSearcher(_NotPickled, Searcher):
    """Suggests the coordinator's assignments, at most `workers` at a time."""

    def __init__(self, coordinator: Coordinator, workers: int) -> None:
        super().__init__()
        self._coordinator = coordinator
        self._workers = workers
        self._running: set[str] = set()

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        """A trial's configuration; None while all workers are busy or no trial is ready; FINISHED at the end."""
        if len(self._running) >= self._workers:
            return None
        assignment = self._coordinator.ask()
        if assignment is None:
            return None if self._coordinator.stopping is None else str(Searcher.FINISHED)
        self._running.add(trial_id)
        return {
            "trial": assignment.trial,
            "architecture": assignment.architecture.tree,
            "seed": assignment.seed,
            "ends": None if math.isinf(left := self._coordinator.seconds_left) else time.time() + left,
        }

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Count the worker as free."""
        self._running.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the ledger has the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: the ledger has the state."""


class _CoordinatorScheduler(_NotPickled, FIFOScheduler):
    """Reports every outcome to the coordinator, and stops the trials that it stops or pauses.

    A promoted trial is a new trial to Ray Tune. It continues from the checkpoint of the first one.
    """

    def __init__(self, coordinator: Coordinator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._coordinator = coordinator
        self._controller: Any = None

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """Keep the controller, which has the workers."""
        self._controller = tune_controller
        super().on_trial_add(tune_controller, trial)

    def end_workers(self) -> None:
        """End all workers at once, also within an epoch, and free the resources that are reserved for them."""
        if self._controller is not None:
            # The controller's public `cleanup` waits ten seconds for workers that are stuck.
            self._controller._tune_controller._actor_manager.cleanup()

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Report an epoch; returns Ray Tune's CONTINUE or STOP."""
        goes_on = self._coordinator.report(trial.config["trial"], result[OUTCOME], result["node"])
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class _CoordinatorCallback(_NotPickled, Callback):
    """Raises waiting signals between two steps of Ray Tune's loop, and reports dead workers to the coordinator.

    No failure of a training reaches Ray, so an error is always the death of a worker.
    """

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Check signals and the run's time; Ray Tune calls this several times a second."""
        self._coordinator.interrupts.check()
        # A trainable that checks the time itself has left its epoch by then.
        if self._coordinator.seconds_left < -_GRACE_SECONDS:
            self._coordinator.stop("time")
            raise _TimeUp

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Report a dead worker; Ray Tune gives the trial another one."""
        self._coordinator.lost(trial.config["trial"], _reason(trial))

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Report a trial that has lost too many workers."""
        reason = f"its worker died {trial.num_failures} times, at last: {_reason(trial)}"
        self._coordinator.failed(trial.config["trial"], "error", reason)


class _TimeUp(BaseException):
    """Leaves Ray Tune's loop, which catches every `Exception` but nothing else."""


class _SilentReporter(tune.ProgressReporter):
    """Reports nothing: the run's observers report. Ray Tune would print in notebooks at any verbosity."""

    def should_report(self, trials: list[Trial], done: bool = False) -> bool:
        """Report never."""
        return False

    def report(self, trials: list[Trial], done: bool, *sys_info: str) -> None:
        """Report nothing."""


class RayExecutor:
    """Runs trials as Ray Tune's actors, on this machine or on a cluster.

    What trials share (`trainables.protocol.Sharing`) is read here, and put once into Ray's object store.

    Args:
        job: what every trial runs.
        space: of the architectures.
        workers: trials at a time, -1 for all that fit.
        resources: of one trial.
        address: of a running cluster, "auto" for that of this machine; None starts Ray here.

    Raises:
        ConfigError: the job is too large to ship to workers.
        InfeasibleError: on entering: no cluster answers, or not one trial fits it. An error of the trainable that
            reads the shared data is raised there too.
    """

    clock = None

    def __init__(
        self, job: Job, space: Space, workers: int, resources: TrialResources, address: str | None = None
    ) -> None:
        self._job, self._parcel = job, Parcel.of(job, space)
        self._asked_workers, self._resources = workers, resources
        self._cluster = cluster(address, workers, resources)
        self._workers = 0
        self._shared: ray.ObjectRef[object] | None = None

    def __enter__(self) -> Self:
        # Before Ray starts: an error here leaves no cluster to shut down.
        shared = self._job.load_shared()
        self._workers = self._cluster.__enter__()
        self._shared = None if shared is None else ray.put(shared)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shared = None
        self._cluster.__exit__(kind, error, trace)
        # This also removes what an earlier driver left that was killed.
        shutil.rmtree(self._job.run_folder / _SCRATCH, ignore_errors=True)

    def run(self, coordinator: Coordinator) -> None:
        """Run trials until the coordinator has no more.

        Args:
            coordinator: assigns the trials and takes their reports.
        """
        if self._workers < self._asked_workers:
            coordinator.note(f"{self._asked_workers} workers were asked for, {self._workers} fit the cluster")
        # All workers start at once. By default Ray Tune gives the trial of a worker that starts late to a free worker,
        # and where trials are shorter than a start, the late worker is never used.
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(self._workers)
        scheduler = _CoordinatorScheduler(coordinator)
        tuner = self._tuner(coordinator, scheduler)
        # An exception out of a signal handler becomes a SystemError in Ray's compiled core.
        with coordinator.interrupts.shield(), suppress(_TimeUp):
            try:
                tuner.fit()
            except BaseException:
                # Ray Tune cleans up after an `Exception` only. Where Ray stays up, the next search would wait for ever.
                scheduler.end_workers()
                raise

    def _tuner(self, coordinator: Coordinator, scheduler: _CoordinatorScheduler) -> tune.Tuner:
        shared = {} if self._shared is None else {"shared": self._shared}
        trainable = tune.with_parameters(RayTrial, parcel=self._parcel, **shared)
        needs = {"cpu": self._resources.cpus, "gpu": self._resources.gpus}
        return tune.Tuner(
            tune.with_resources(trainable, needs),
            tune_config=tune.TuneConfig(
                search_alg=_CoordinatorSearcher(coordinator, self._workers),
                scheduler=scheduler,
                num_samples=-1,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name=_SCRATCH,
                storage_path=str(self._job.run_folder),
                failure_config=tune.FailureConfig(max_failures=coordinator.budget.max_retries),
                # Trials keep their own checkpoints in the run folder.
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
                callbacks=[_CoordinatorCallback(coordinator)],
                progress_reporter=_SilentReporter(),
                verbose=0,
            ),
        )


def _reason(trial: Trial) -> str:
    lines = str(trial.get_error() or "the worker is gone").strip().splitlines()
    return lines[0][:300]
