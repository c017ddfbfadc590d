"""The plan of a retraining, made before any training: the architectures, the settings, the seeds and the folder."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from nas_tune.config import Resources, SearchConfig
from nas_tune.config.references import current_reference, source_fingerprint
from nas_tune.errors import ResumeRefusedError
from nas_tune.ledger import ledger_path
from nas_tune.objectives.limits import Limit, excess, violation
from nas_tune.objectives.objective import Objective
from nas_tune.results import Run
from nas_tune.winners.retrain.candidates import Candidate, Costing, baselines_of, chosen_of
from nas_tune.winners.retrain.full_recipe import recipe_of
from nas_tune.winners.retrain.judging import check_asked, objectives
from nas_tune.winners.retrain.limited import limited_costs
from nas_tune.winners.retrain.options import RetrainingOptions
from nas_tune.winners.retrain.origin import Origin, origin_of
from nas_tune.winners.retrain.trainable import Retraining, reference
from search_spaces import Space, choice
from trainables.costs.quantities import QUANTITIES
from trainables.registry import TrainableTarget, adapt

__all__ = ["EPOCHS_FACTOR", "RETRAINING_FOLDER", "RetrainingPlan", "folders", "plan", "target_class"]

RETRAINING_FOLDER = "retrain"
"""The folder of a retraining in that of its run. Further ones are `retrain-2`, `retrain-3`, .."""
EPOCHS_FACTOR = 4
"""The default length of a retraining, in full trainings of the search."""

_MOST = 10_000


@dataclass(frozen=True)
class RetrainingPlan:
    """The plan of a retraining.

    Attributes:
        config: of the retraining, which is a run.
        candidates: the chosen architectures, best first, then the random ones.
        of: the name of the trainable that trains them.
        settings: of that trainable, the full recipe included.
        notes: for the user.
        target: the class of the retraining's trials.
        is_begun: whether the folder has this same retraining already, to continue or to read.
    """

    config: SearchConfig
    candidates: tuple[Candidate, ...]
    of: str
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    target: TrainableTarget
    is_begun: bool

    @property
    def folder(self) -> Path:
        """The folder of the retraining."""
        return self.config.run_folder

    @property
    def seeds(self) -> int:
        """The number of trainings of each candidate."""
        return (self.config.max_trials or 0) // len(self.candidates)

    @property
    def space(self) -> Space:
        """The space of pairs (repeat, chosen). `chosen` changes fastest, so a stop leaves all trained equally often."""
        pairs = {"repeat": choice(*range(self.seeds)), "chosen": choice(*range(len(self.candidates)))}
        return Space(pairs, name="retraining")

    @property
    def changes(self) -> dict[str, Any]:
        """The keys of place and speed that differ from the session before, with their new values."""
        before, now = Run(self.folder).config.to_dict(), self.config.to_dict()
        return {key: now[key] for key in self.config.keys_that_decide("trials") if now[key] != before[key]}


def plan(run: Run, trial: int | None = None, **asked: Any) -> RetrainingPlan:
    """Plan a retraining. This trains and writes nothing.

    Args:
        run: to retrain.
        trial: the number of the trial whose architecture to train; None for those of the `top` best.
        asked: the other arguments of `retrain` but `observers`; their defaults are those of `RetrainingOptions`.

    Returns:
        The plan.

    Raises:
        ConfigError, TrainableError, DataError: an argument, a setting or the data are wrong.
    """
    options = RetrainingOptions.of(run.config, trial, asked)
    check_asked(run, options.trainable, options.metric, options.mode)
    origin = origin_of(run, options.trainable, allow_code=options.allow_code, said=list(options.given_places))
    judged_by, searched_by = objectives(run, origin, options.metric, options.mode)
    chosen = chosen_of(run, options.trial, options.top, searched_by.metric)
    recipe, notes = recipe_of(origin, options.settings or {})
    seed = run.config.seed if options.seed is None else options.seed
    candidates, more = _with_baselines(origin, recipe, chosen, options.baselines, seed, run.limits)
    places = _places(run.config, options)
    notes += [*more, *_of_early(chosen), *_of_devices(places["resources"]["devices"])]
    facts = {"metric": searched_by.metric, "mode": searched_by.mode, "trials": run.state.trials, "notes": notes}
    trainable = _trainable(origin, recipe, candidates, facts)
    config = _config(run, options, trainable, len(candidates), judged_by, {"seed": seed, **places})
    folder, is_begun = _folder_for(run.path, config, options.new)
    config = config.replace(run_dir=str(folder), name=folder.name)
    target = Retraining if origin.is_named else target_class(origin.target)
    return RetrainingPlan(config, tuple(candidates), origin.name, recipe, tuple(notes), target, is_begun)


def folders(path: Path) -> list[Path]:
    """List the retrainings in the folder of a run.

    Args:
        path: the folder of the run.

    Returns:
        Their folders, the oldest first.
    """
    names = [RETRAINING_FOLDER, *(f"{RETRAINING_FOLDER}-{number}" for number in range(2, _MOST))]
    found: list[Path] = []
    for name in names:
        if not ledger_path(path / name).exists():
            break
        found.append(path / name)
    return found


def _with_baselines(
    origin: Origin,
    recipe: Mapping[str, Any],
    chosen: list[Candidate],
    count: int,
    seed: int,
    limits: Sequence[Limit],
) -> tuple[list[Candidate], list[str]]:
    made = adapt(origin.target, recipe)
    count_of = None if not isinstance(made, Costing) else lambda member: int(made.cost(member).parameters)
    members = [origin.space.validate(candidate.tree) for candidate in chosen]
    if count_of is not None:
        chosen = [replace(one, parameters=count_of(member)) for one, member in zip(chosen, members, strict=True)]
    known, space = [member.id for member in members], origin.space
    costs_of = limited_costs(origin, limits)
    if costs_of is not None:
        chosen = [replace(one, costs=costs_of(member)) for one, member in zip(chosen, members, strict=True)]
        counted = [one for one in limits if one.name in (chosen[0].costs or {})]
        if violation(chosen[0].costs or {}, counted) == 0:
            space = space.within(lambda member: excess(costs_of(member), counted))
    found, notes = baselines_of(space, count, chosen[0], known, count_of, seed, costs_of)
    uncounted = [one.name for one in limits if one.name in QUANTITIES and one.name not in (chosen[0].costs or {})]
    if count and uncounted:
        notes.append(f"the random baseline is chosen without a look at {', '.join(uncounted)}, which is not counted")
    return [*chosen, *found], notes


def _of_early(chosen: list[Candidate]) -> list[str]:
    early = [str(candidate.trial) for candidate in chosen if not candidate.complete]
    if not early:
        return []
    return [f"stopped early in the search, so that their search scores do not compare: trials {', '.join(early)}"]


def _trainable(
    origin: Origin, recipe: Mapping[str, Any], candidates: list[Candidate], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The table `trainable` of the retraining's configuration."""
    return {
        "name": reference if origin.is_named else "retraining",
        "of": origin.name,
        "settings": dict(recipe),
        "space": json.dumps(origin.space.to_spec()),
        "candidates": [candidate.plain() for candidate in candidates],
        "origin": {**facts, "code": source_fingerprint(origin.target) or ""},
    }


def _config(
    run: Run,
    options: RetrainingOptions,
    trainable: dict[str, Any],
    candidates: int,
    judged_by: Objective,
    more: Mapping[str, Any],
) -> SearchConfig:
    trainings = candidates * options.seeds
    return SearchConfig(
        name=RETRAINING_FOLDER,
        run_dir=str(run.path / RETRAINING_FOLDER),
        space="retraining",
        trainable=trainable,
        strategy={"name": "grid", "order": "lexicographic"},
        scheduler="none",
        metric=judged_by.metric,
        mode=judged_by.mode,
        max_trials=trainings,
        max_epochs=options.epochs or EPOCHS_FACTOR * run.config.max_epochs,
        keep_checkpoints=trainings,
        max_retries=run.config.max_retries,
        **more,
    )


def _places(searched: SearchConfig, options: RetrainingOptions) -> dict[str, Any]:
    """The keys of place and speed: the search's, replaced by the caller's and by the needs of several devices."""
    as_searched, of_places = searched.to_dict(), searched.keys_that_decide("trials")
    given = options.given_places
    places = {key: as_searched[key] for key in as_searched if key in of_places} | given
    places["resources"] = resources = _resources(places["resources"], options.devices)
    if resources["devices"] > 1:
        # Networks are trained one after another, each on all devices.
        places |= {"executor": given.get("executor", "ray"), "workers": given.get("workers", 1)}
    if places["executor"] == "simulated":
        # A training takes real time.
        places["executor"] = "inline"
    if places["executor"] == "inline":
        places |= {"workers": given.get("workers", 1), "address": None}
    return places


def _resources(given: object, devices: int | None) -> dict[str, Any]:
    """The given resources with `devices`. With several devices, a share of a GPU becomes a whole one."""
    resources = Resources.model_validate(given).model_dump()
    if devices is None:
        return resources
    gpus = float(math.ceil(resources["gpus"])) if devices > 1 else resources["gpus"]
    return {**resources, "gpus": gpus, "devices": devices}


def _of_devices(devices: int) -> list[str]:
    if devices == 1:
        return []
    return [f"{devices} devices trained each network together: batch norm normalised each device's share by itself"]


def target_class(target: TrainableTarget) -> TrainableTarget:
    """Make a `Retraining` for a trainable without a name that its settings could hold.

    Args:
        target: the trainable.

    Returns:
        A subclass of `Retraining`.
    """
    return type("GivenRetraining", (Retraining,), {"target": staticmethod(target)})


def _folder_for(path: Path, config: SearchConfig, new: bool) -> tuple[Path, bool]:
    """The folder of this same retraining if there is one, else a new one beside the others."""
    there = folders(path)
    for folder in reversed([] if new else there):
        before = Run(folder).config
        if _decisive(before) == _decisive(config):
            _check_code(folder, before, config)
            return folder, True
    number = len(there) + 1
    return path / (RETRAINING_FOLDER if number == 1 else f"{RETRAINING_FOLDER}-{number}"), False


def _decisive(config: SearchConfig) -> dict[str, Any]:
    """All values that decide the results, without the code."""
    values = config.to_dict()
    settings = {key: value for key, value in config.trainable.settings.items() if key != "origin"}
    settings["of"] = current_reference(str(settings["of"]))
    kept = ("metric", "mode", "max_trials", "max_epochs", "seed")
    return {"settings": settings, "devices": config.resources.devices, **{key: values[key] for key in kept}}


def _check_code(folder: Path, before: SearchConfig, now: SearchConfig) -> None:
    origins = [cast("Mapping[str, Any]", config.trainable.settings.get("origin") or {}) for config in (before, now)]
    codes = [origin.get("code", "") for origin in origins]
    if all(codes) and codes[0] != codes[1] and Run(folder).state.finished not in ("done", "exhausted"):
        raise ResumeRefusedError(
            f"the code of the trainable changed since {folder} began (source {codes[0]}, now {codes[1]}): its results "
            "would not compare; take the old code, or retrain anew beside it (new=True, --new)"
        )
