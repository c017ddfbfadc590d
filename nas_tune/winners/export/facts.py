"""The facts of an exported network, from the ledger and from the network; an unknown fact is None."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch

from nas_tune.config.references import current_reference
from nas_tune.results import Run
from nas_tune.results.space import run_space
from nas_tune.session.versions import versions
from nas_tune.winners.export.limits import limit_lines
from search_spaces.errors import NasTuneError
from search_spaces.notation import writer
from trainables.costs.cost import Cost, cost_of
from trainables.export import Deployed
from trainables.protocol import Evaluating, Trainable
from trainables.tasks.image_task import ImageTask
from trainables.tasks.learner import Learner
from trainables.tasks.task import Metric
from trainables.training.batches import mapped
from trainables.trial.repeated import SPREAD, seed_of

__all__ = ["ChosenTraining", "Facts", "Source", "gather_facts", "machine", "supernet_parameters"]

_TEST_APART = (
    "trainables.tasks.learner:Learner",
    "trainables.tasks.image_classifier:ImageClassifier",
    "trainables.supernet.trainable:DartsTrainable",
)
"""Trainables whose trials are known not to see the test split."""


@dataclass(frozen=True)
class ChosenTraining:
    """The training that was chosen out of those of a trial with several (`repeats`, `folds`).

    Attributes:
        number: of the training, from 0.
        count: the number of trainings of the trial.
        words: what differs between them, such as "3 seeds".
        reported: the numbers that the training reported last, by name.
    """

    number: int
    count: int
    words: str
    reported: Mapping[str, float]


@dataclass(frozen=True)
class Source:
    """The weights of a network, and where they come from.

    Attributes:
        held: the trainable that has them.
        run: the run that trained them: the search itself, or its retraining.
        trials: numbers in that run: the trial of these weights first, then those of the same architecture with other
            seeds.
        origin: where the weights come from, in words.
        retrained: whether that was a training from scratch (`nas-tune retrain`).
        recipe: for such a training, the trainable ("of") and its settings; else empty.
        several: which training of the trial it is, where the trial has several.
    """

    held: Trainable
    run: Run
    trials: tuple[int, ...]
    origin: str
    retrained: bool
    recipe: Mapping[str, Any] = field(default_factory=dict)
    several: ChosenTraining | None = None

    @property
    def is_learner(self) -> bool:
        """Whether `Learner` itself trained and tested: the splits of the data are then known."""
        kind = type(self.held)
        return isinstance(self.held, Learner) and all(
            getattr(kind, name) is getattr(Learner, name) for name in ("setup", "step", "evaluate")
        )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of the task that was learned; empty where no `Learner` trained."""
        return tuple(self.held.task.metrics) if isinstance(self.held, Learner) and self.is_learner else ()


@dataclass(frozen=True)
class Facts:
    """All facts on the model card.

    Attributes:
        run: the name of the searched run.
        trial: the number of its trial.
        state: of the trial with the weights.
        origin: where the weights come from, in words.
        identifier: the canonical id of the architecture.
        written: the architecture as text.
        seed, epochs, seconds: of the training of the weights.
        nodes: the hosts that trained them.
        test: metrics on the test split; None where they cannot be measured.
        test_problem: why not; empty otherwise.
        retrained: whether the weights are those of a training from scratch.
        recipe: for such a training, the trainable ("of") and its settings.
        config: of the search, as plain data.
        counts: the trials of the search by state.
        all_epochs: the number of epochs of the search.
        all_seconds: the training time of the search, in seconds.
        cost: of the network; None where it cannot be counted.
        deployed: the network, with its data and inputs.
        trained_with, exported_with: versions of packages.
        exported_on: this machine, in words.
    """

    run: str
    trial: int
    state: str
    origin: str
    identifier: str
    written: str
    seed: int
    epochs: int
    seconds: float
    nodes: tuple[str, ...]
    reported: Mapping[str, float]
    """Metrics of the last epoch, by the trainable's names; only names show which are of the test split."""
    test: Mapping[str, float] | None
    test_problem: str
    seeds: Mapping[str, tuple[float, float, int]]
    """For a reported metric: mean and standard deviation over all trainings of the architecture, and their number."""
    trainings: int
    """The number of trainings of the architecture."""
    several: str
    """What differs between the trainings of the trial, such as "3 seeds"; empty for one training."""
    examples: str
    """What one example is, in the plural: "images", or "examples" where it is not known."""
    is_learner: bool
    """As `Source.is_learner`."""
    metrics: tuple[Metric, ...]
    """As `Source.metrics`."""
    searched_without_test: bool
    """Whether the trials of the search are known not to see the test split."""
    valued: int
    """The number of trials of the search with a value."""
    retrained: bool
    recipe: Mapping[str, Any]
    spread: Mapping[str, tuple[float, float, int]]
    """For a test metric that is a share of examples: the ends of its 95 % interval, and the number of examples."""
    config: Mapping[str, Any]
    counts: Mapping[str, int]
    all_epochs: int
    all_seconds: float
    cost: Cost | None
    supernet_parameters: int | None
    """The number of parameters of the supernet in which the architecture was found; None without one."""
    deployed: Deployed
    trained_with: Mapping[str, str]
    exported_with: Mapping[str, str]
    exported_on: str
    declared: tuple[Metric, ...] = ()
    """The declared metrics: of the task that was learned, or of the run that trained the weights."""
    limits: tuple[str, ...] = ()
    """The limits of the search, each with the value of this network."""


def gather_facts(run: Run, trial: int, deployed: Deployed, source: Source) -> Facts:
    """Collect the facts of a network, and measure it on the test split if its trainable can.

    Args:
        run: the search.
        trial: the number of its trial.
        deployed: the network, with its data and inputs.
        source: the weights.

    Returns:
        The facts.
    """
    trials, epochs = run.trials(), run.epochs()
    theirs, course = source.run.trials(), source.run.epochs()
    row = theirs[theirs["trial"] == source.trials[0]].iloc[0]
    mine = course[course["trial"] == source.trials[0]]
    test, problem = _tested(source.held)
    examples, reported = deployed.splits.get("test", 0), _metrics(row, source.run, mine)
    seeds, several = _over_seeds(theirs, source.trials, reported), source.several
    if several is not None:
        seeds = _over_trainings(reported, several.count)
        reported = {name: several.reported[name] for name in reported if name in several.reported}
    return Facts(
        run=run.path.name,
        trial=trial,
        state=str(row["state"]),
        origin=source.origin,
        identifier=str(trials.loc[trials["trial"] == trial, "architecture_id"].iloc[0]),
        written=writer(run_space(run))(run.tree(trial)),
        seed=int(row["seed"]) if several is None else seed_of(int(row["seed"]), several.number),
        epochs=int(row["epochs"]),
        seconds=float(row["seconds"]),
        nodes=tuple(sorted({str(node) for node in mine["node"].dropna()})),
        reported=reported,
        seeds=seeds,
        trainings=len(source.trials) if several is None else several.count,
        several="" if several is None else several.words,
        examples="images" if isinstance(getattr(source.held, "task", None), ImageTask) else "examples",
        is_learner=source.is_learner,
        metrics=source.metrics,
        declared=source.metrics or source.run.metrics,
        searched_without_test=_searched_without_test(run, source),
        valued=int(trials["value"].notna().sum()),
        retrained=source.retrained,
        recipe=source.recipe,
        test=test,
        test_problem=problem,
        spread=_spread(test or {}, examples, source.metrics),
        config=run.config.to_dict(),
        counts=run.state.counts,
        all_epochs=len(epochs),
        all_seconds=float(trials["seconds"].sum()),
        cost=_cost(deployed),
        supernet_parameters=supernet_parameters(run, trial),
        deployed=deployed,
        trained_with=dict(source.run.meta.get("versions", {})),
        exported_with=dict(versions()),
        exported_on=machine(),
        limits=limit_lines(run, trial),
    )


def _searched_without_test(run: Run, source: Source) -> bool:
    if not source.retrained:
        return source.is_learner
    return current_reference(run.meta["trainable"]["reference"] or "") in _TEST_APART


def _tested(held: Trainable) -> tuple[Mapping[str, float] | None, str]:
    if not isinstance(held, Evaluating):
        return None, f"{type(held).__name__} has no evaluate(split)"
    try:
        return {name: float(value) for name, value in held.evaluate("test").items()}, ""
    except NasTuneError as error:
        return None, str(error)


def _metrics(row: pd.Series[Any], run: Run, epochs: pd.DataFrame) -> dict[str, float]:
    """The metrics of the last epoch, the objectives first."""
    fixed = {"trial", "epoch", "time", "seconds", "node", "state", "architecture_id"}
    names = [str(name) for name in epochs if name not in fixed and not str(name).startswith("arch.")]
    first = [one.metric for one in run.objectives]
    ordered = [*first, *(name for name in names if name not in first)]
    return {name: float(row[name]) for name in ordered if name in row and pd.notna(row[name])}


def _over_seeds(
    trials: pd.DataFrame, numbers: tuple[int, ...], metrics: Iterable[str]
) -> dict[str, tuple[float, float, int]]:
    """For each metric: mean, deviation and number of the last epochs, with two seeds or more; else nothing."""
    mine = trials[trials["trial"].isin(numbers)]
    if len(mine) < 2:
        return {}
    columns = {name: mine[name].dropna().astype(float) for name in metrics if name in mine}
    return {name: (float(values.mean()), float(values.std()), len(values)) for name, values in columns.items()}


def _over_trainings(reported: Mapping[str, float], count: int) -> dict[str, tuple[float, float, int]]:
    """The same for the trainings of one trial, which reports the means and spreads itself."""
    spreads = {name: reported.get(f"{name}{SPREAD}") for name in reported}
    return {name: (reported[name], spread, count) for name, spread in spreads.items() if spread is not None}


def _spread(test: Mapping[str, float], examples: int, metrics: Iterable[Metric]) -> dict[str, tuple[float, float, int]]:
    """Wilson's interval (1927) of each share of examples: the values that other test examples might have given."""
    found = {}
    for metric in metrics:
        share = test.get(metric.name)
        if not metric.is_share or share is None or not 0 <= share <= 1 or examples < 1:
            continue
        z = 1.96
        middle = (share + z * z / (2 * examples)) / (1 + z * z / examples)
        half = z / (1 + z * z / examples) * math.sqrt(share * (1 - share) / examples + z * z / (4 * examples**2))
        found[metric.name] = (middle - half, middle + half, examples)
    return found


def _cost(deployed: Deployed) -> Cost | None:
    try:
        return cost_of(deployed.network, mapped(lambda one: one[:1], deployed.inputs))
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return None  # The network cannot run on the meta device.


def supernet_parameters(run: Run, trial: int) -> int | None:
    """Look up the size of the supernet in which a trial found its architecture.

    Args:
        run: the search.
        trial: the number of its trial.

    Returns:
        The number of parameters; None for a trial without a supernet.
    """
    trials = run.trials()
    if not run.searches or "supernet_parameters" not in trials:
        return None
    found = trials.loc[trials["trial"] == trial, "supernet_parameters"].dropna()
    return None if found.empty else int(found.iloc[0])


def machine() -> str:
    """Describe this machine.

    Returns:
        Its processor, GPU and system, in words.
    """
    model = ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        model = platform.processor()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{model or platform.machine()}, {os.cpu_count()} processors, {gpu}, {platform.system()} {platform.machine()}"
    )
