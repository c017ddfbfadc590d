"""A run for its user: the results as dataframes, read from the run's folder, also while the run goes on.

    run = nas_tune.open_run("runs/digits")
    run.best(5)
    run.query("SELECT epoch, max(accuracy) FROM epochs GROUP BY epoch ORDER BY epoch")

Every call reads the events that are new in the ledger at that moment. Reading never writes, never imports or calls what
the run names, and may happen in several threads and processes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas_tune.config.names import as_typed, check_local
from nas_tune.errors import ConfigError
from nas_tune.ledger import RunState, TrialRecord
from nas_tune.objectives.limits import Limit, conditions_of, limits_of, violation
from nas_tune.objectives.objective import Objective
from nas_tune.results.ranking import contending, pareto, ranked
from nas_tune.results.reader import LedgerReader, RunSnapshot
from search_spaces.names import did_you_mean
from search_spaces.whole_numbers import is_whole
from trainables.controls import Control, read_control
from trainables.kept_data import add_place
from trainables.metrics import Metric, declaration_of, read_metrics

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from nas_tune.config import SearchConfig
    from nas_tune.results.tables import Tables
    from search_spaces import Architecture, Space

__all__ = ["Run"]


class Run:
    """A run, read from its folder.

    Args:
        folder: of the run.
        space: the space that was searched, if its class and rules are needed: a run does not import them.

    Raises:
        LedgerDamagedError, NewerFormatError: the ledger cannot be read.
        ConfigError: `space` is not the run's space.
    """

    def __init__(self, folder: str | Path, space: Space | None = None) -> None:
        check_local(folder, "run")
        self._path = Path(folder).absolute()
        add_place(self._path)
        self.given_space = space
        """The space that the caller gave; None if it gave none."""
        self._reader = LedgerReader(self._path)
        self._made: dict[str, tuple[tuple[int, int], pa.Table]] = {}
        self._builder: tuple[int, Tables] | None = None
        self._check_given()

    def _check_given(self) -> None:
        space, kept = self.given_space, self.meta.get("space_fingerprint")
        if space is not None and kept is not None and space.fingerprint != kept:
            raise ConfigError(
                f"space: {space!r} is another one than {self._path} searched (fingerprint {space.fingerprint}, the "
                f"run's {kept}); give that one, or leave it out"
            )

    @classmethod
    def of(cls, run: Run | str | Path) -> Run:
        """Open a run, unless it is open already.

        Args:
            run: an open run, or the folder of one.

        Returns:
            The open run.

        Raises:
            LedgerDamagedError, NewerFormatError: the ledger cannot be read.
        """
        return run if isinstance(run, Run) else cls(run)

    @property
    def path(self) -> Path:
        """The run folder."""
        return self._path

    @property
    def meta(self) -> Mapping[str, Any]:
        """The facts that the ledger keeps from the start: config, space, parameters, metric, mode, versions, ..."""
        return self._reader.meta

    @property
    def metric(self) -> str:
        """The metric that is optimized; with several objectives that of the leading one."""
        return str(self.meta["metric"])

    @property
    def mode(self) -> str:
        """The mode of the leading objective: "max" or "min"."""
        return str(self.meta["mode"])

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives: metrics and modes, the leading one first."""
        several = self.meta.get("objectives")
        return tuple(Objective(*one) for one in several) if several else (Objective(self.metric, self.meta["mode"]),)

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """The declared metrics of the trainable: mode, unit and interval of each; none in runs of before."""
        return read_metrics(self.meta.get("metrics"))

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The present limits on costs and metrics, those that the last resume may have changed."""
        with self._reader.current() as state:
            return limits_of(state.changes.get("limits", self.meta["config"].get("limits")) or {})

    def unit(self, name: str) -> str:
        """Look up the unit of a metric.

        Args:
            name: the name in reports, such as `accuracy`, `train_accuracy` or `test_accuracy`.

        Returns:
            The unit; empty where none is declared.
        """
        found = declaration_of(name, self.metrics)
        return "" if found is None else found.unit

    @property
    def config(self) -> SearchConfig:
        """The present configuration: that of the start, with the changes of resumes."""
        from nas_tune.config.stored import stored_config

        with self._reader.current() as state:
            return stored_config(self._path, self.meta["config"], state.changes)

    @property
    def state(self) -> RunSnapshot:
        """The run at this moment, in numbers."""
        return self._reader.snapshot()

    @property
    def searches(self) -> bool:
        """Whether its trials are searches, which find their architectures; False while it has no trial."""
        with self._reader.current() as state:
            return any(trial.searches for trial in state.trials.values())

    @cached_property
    def space(self) -> Space:
        """The space that was searched: the one given, else that of the ledger with code of the catalogue alone.

        A class or rules from elsewhere are left out, since a reader does not import them: every tree is then a member.
        `SpaceError` is raised where the ledger's description cannot be read.
        """
        from search_spaces import Space

        return self.given_space or Space.from_spec(self.meta["space"], bare=True)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The references of the space's code that `space` leaves out; empty where it is complete."""
        from search_spaces.algebra.spec import references

        here = set(references(self.space.to_spec()))
        return tuple(name for what, name in references(self.meta["space"]) if (what, name) not in here)

    def trials(self) -> pd.DataFrame:
        """Read the trials, one row each.

        Returns:
            A frame with the same types whether there are trials or not. Its columns are: trial; state (running, paused,
            lost, complete, pruned, failed); failure (its kind); value (the final value of the leading metric, missing
            if the trial failed); epochs; seconds (of training); started, ended (UTC); architecture_id; architecture
            (JSON); seed; lost (how often); message; traceback; then every metric after the last epoch; then
            `arch.<parameter>`, missing where the parameter is inactive. For searches in a supernet the architecture is
            the one that they found, missing before the first epoch. If the trainable searches and the space is one of
            its settings, `found` (JSON) and `found_id` are the architecture that it found. If failed trials were tried
            again, `attempts` counts how often each was begun, and the other columns are those of the last attempt.
            Costs that were counted, predicted or measured before the training follow the metrics, such as `latency`; a
            predicted one is also in `latency_predicted`, and `latency_device` is the device that measured it.
        """
        return _frame(self._table("trials"))

    def epochs(self) -> pd.DataFrame:
        """Read the epochs, one row for each trial and epoch.

        Returns:
            A frame with the same types whether there are epochs or not. Its columns: trial, epoch (from 1), time (UTC),
            seconds, node, state (the present state of the trial); then every metric; then architecture_id and
            `arch.<parameter>`.
        """
        return _frame(self._table("epochs"))

    def refused(self) -> pd.DataFrame:
        """Read what limits refused before a trial, one row an architecture, in order.

        Returns:
            A frame with the same types whether something was refused or not. Its columns: proposal (its number; missing
            for a candidate that the strategy looked at and did not propose); rung (connected, counted, predicted,
            measured); quantity (the cost that breaks a limit; missing where the output ignores the input); value; bound
            (in the units of `trainables.costs.quantities`); more (how many further candidates the same proposal
            refused, which are not listed); architecture_id; architecture (JSON).
        """
        return _frame(self._table("refused"))

    def best(self, k: int = 1, *, where: str | Mapping[str, object] | None = None) -> pd.DataFrame:
        """Choose the best trials.

        Complete trials are ordered by value, for any length of training. A pruned or paused trial comes behind every
        trial that trained longer, and is ordered by value among the others; failed trials have no place. With several
        objectives the fronts replace the value: the Pareto front comes first, then the front of the trials that are
        left, and so on. Within a front, lonely trials come first (crowding distance); the best in the leading objective
        is the very first. Trials that break a limit of the run come last.

        Args:
            k: how many, at least 1.
            where: what the trials must keep besides, such as "latency <= 5ms and parameters <= 200k", or a dict as the
                key `limits` of a configuration; None for nothing.

        Returns:
            The rows of `trials` of the k best, the best first; fewer if fewer have a value.

        Raises:
            ConfigError: k is not a whole number of at least 1, or `where` is no condition on columns of `trials`.
        """
        if not is_whole(k, 1):
            raise ConfigError(f"best({k!r}): the number of architectures must be a whole number of at least 1")
        with self._reader.current() as state:
            return self._rows(ranked(self._where(state, where), self.objectives, k, self.limits))

    def controls(self) -> list[Control]:
        """List the controls: simple models that were fitted on the same data when the search began.

        Returns:
            The controls with their scores by part of the data; empty where the task has none.
        """
        found = [read_control(text) for _, text in self.state.notes]
        return [control for control in found if control is not None]

    def pareto(self) -> pd.DataFrame:
        """Choose the Pareto front: the complete trials that no other one beats in every objective.

        A trial is on it if every other complete one is worse in some objective, or equal in all. A trial that was
        stopped after at least as many epochs as every complete one counts among them.

        Returns:
            The rows of `trials` of the front, the best in the leading objective first; with one objective the best
            trial alone.
        """
        with self._reader.current() as state:
            return self._rows(pareto(state.trials.values(), self.objectives, self.limits))

    def contending(self) -> list[int]:
        """Find the trials whose values compare with those of complete ones.

        These are the complete trials, and those that were stopped after at least as many epochs as any of them.

        Returns:
            Their numbers, ascending.
        """
        with self._reader.current() as state:
            return contending(state.trials.values(), self.objectives, self.limits)

    def within_limits(self) -> list[int]:
        """Find the trials that keep the present limits.

        Returns:
            Their numbers, ascending; all trials without limits. A trial whose limited value is unknown keeps none.
        """
        limits = self.limits
        with self._reader.current() as state:
            return [number for number, trial in state.trials.items() if violation(trial.values, limits) == 0]

    def query(self, sql: str) -> pd.DataFrame:
        """Answer SQL (in DuckDB's dialect) over the tables `trials`, `epochs` and `refused`.

        Names with a point are quoted: `"arch.<parameter>"`. The query cannot reach files, the network or Python.

        Args:
            sql: the query.

        Returns:
            The rows of the answer.

        Raises:
            ConfigError: the query is wrong.
        """
        from nas_tune.results.sql import query

        with self._reader.current():
            found = query(sql, {name: partial(self._table, name) for name in ("trials", "epochs", "refused")})
        return _frame(found)

    def to_parquet(self, folder: str | Path) -> Path:
        """Write trials.parquet and epochs.parquet, both of one moment; `pandas.read_parquet` reads the same frames.

        Args:
            folder: for the two files.

        Returns:
            The folder.

        Raises:
            RunFolderError: a file cannot be written.
        """
        from nas_tune.results.frames import write_parquet

        with self._reader.current():
            trials, epochs = self.trials(), self.epochs()
        write_parquet(trials, Path(folder) / "trials.parquet")
        write_parquet(epochs, Path(folder) / "epochs.parquet")
        return Path(folder)

    def tree(self, trial: int) -> Any:
        """Read the architecture of a trial as a plain JSON tree, which needs no code of the space.

        Args:
            trial: its number.

        Returns:
            The tree; None for a trial that searches for its architecture and has found none yet.

        Raises:
            ConfigError: there is no such trial.
        """
        with self._reader.current() as state:
            if trial not in state.trials:
                known = f"the run has 0 to {max(state.trials)}" if state.trials else "the run has none yet"
                folder = "; a folder to write is given as folder=.." if isinstance(trial, str | Path) else ""
                raise ConfigError(f"there is no trial {trial!r}; {known}{folder}")
            return copy.deepcopy(state.trials[trial].tree)

    def architecture(self, trial: int) -> Architecture:
        """Read the architecture of a trial, bound to `space`, with the id that it has in the ledger.

        Args:
            trial: its number.

        Returns:
            The architecture.

        Raises:
            ConfigError: there is no such trial, or it searches for its architecture and has found none yet.
            ArchitectureError: it is not a member of the space.
        """
        tree = self.tree(trial)
        if tree is None:
            raise ConfigError(f"trial {trial} is a search that has found nothing yet; ask again after its first epoch")
        with self._reader.current() as state:
            kept = state.trials[trial].architecture_id
        made = self.space.validate(tree)
        return made.with_id(kept) if self.left_out and kept is not None else made

    def evaluate(self, trial: int | None = None, split: str = "test", *, allow_code: bool = False) -> dict[str, float]:
        """Evaluate a trial's network, from its checkpoint, on a split of its data. This needs the code that trained it.

        Args:
            trial: its number; None for the best.
            split: "test" or "validation".
            allow_code: whether code of others than this user may run.

        Returns:
            The metrics by name.

        Raises:
            ForeignCodeError: the code is not this user's, and not allowed.
            ConfigError: there is no such trial, no checkpoint of it, or its trainable cannot evaluate.
        """
        import nas_tune  # This package does not depend on the ones that rebuild networks.

        return nas_tune.evaluate(self, trial, split, allow_code=allow_code)

    def _where(self, state: RunState, where: str | Mapping[str, object] | None) -> Iterable[TrialRecord]:
        """The trials that keep a condition."""
        if where is None:
            return state.trials.values()
        conditions = conditions_of(where)
        known = {name for trial in state.trials.values() for name in trial.values}
        for one in conditions:
            if one.name not in known:
                close = did_you_mean(one.name, known)
                raise ConfigError(
                    f"where: no trial has a value of {one.name!r}{close or ';'} it may be {', '.join(sorted(known))}"
                )
        return [trial for trial in state.trials.values() if violation(trial.values, conditions) == 0]

    def _rows(self, trials: list[int]) -> pd.DataFrame:
        """The rows of these trials, in this order."""
        with self._reader.current() as state:
            rows = {number: row for row, number in enumerate(state.trials)}
            return _frame(self._table("trials").take([rows[number] for number in trials] or _no_rows()))

    def _table(self, name: str) -> pa.Table:
        """The present table, built again only when the ledger has grown."""
        with self._reader.current() as state:
            version, made = self._reader.version, self._made.get(name)
            if made is None or made[0] != version:
                build = getattr(self._tables(version[0]), name)
                made = self._made[name] = (version, build(state))
            return made[1]

    def _tables(self, ledger: int) -> Tables:
        from nas_tune.results.tables import Tables

        if self._builder is None or self._builder[0] != ledger:
            meta = self.meta
            self._builder = (
                ledger,
                Tables([one.metric for one in self.objectives], meta["parameters"], meta.get("space")),
            )
        return self._builder[1]

    def __reduce__(self) -> tuple[type[Run], tuple[Path]]:
        return type(self), (self._path,)

    def __repr__(self) -> str:
        now = self.state
        counts = ", ".join(f"{count} {state}" for state, count in now.counts.items() if count)
        with self._reader.current() as state:
            first = ranked(state.trials.values(), self.objectives, 1, self.limits)
            value = state.trials[first[0]].value if first else None
            on_front = len(pareto(state.trials.values(), self.objectives, self.limits))
        best = "" if value is None else f"; best {self.metric} {value:.6g}"
        if len(self.objectives) > 1:
            best += f"; {on_front} on the Pareto front"
        return f"Run({as_typed(self._path)!r}: {now.trials} trials{counts and f' ({counts})'}{best})"


def _frame(table: pa.Table) -> pd.DataFrame:
    from nas_tune.results.frames import pandas_frame

    return pandas_frame(table)


def _no_rows() -> pa.Array:
    import pyarrow as pa

    return pa.array([], pa.int64())
