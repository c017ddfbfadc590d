"""Finds the supernets that are to be judged: checkpoints, or the trials of runs. Checks of trust come first."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nas_tune.config.names import check_local
from nas_tune.config.supernet_search import trained_network
from nas_tune.coordination.registrations import FOR_TRAINING, register_missing
from nas_tune.errors import ConfigError
from nas_tune.executors.job import trial_folder
from nas_tune.ledger.places import ledger_path
from nas_tune.results import Run
from nas_tune.session.saved_supernets import saved_supernet
from nas_tune.session.trust import check_code, check_names, named_by_settings
from trainables.settings.groups import flat_settings
from trainables.supernet.builder import SearchBuilder
from trainables.supernet.methods import METHODS
from trainables.supernet.saved import SavedSupernet
from trainables.tasks.learner_settings import LearnerSettings

__all__ = ["Found", "found_in"]

_UNNEEDED = ("strategy", "scheduler", "self-search")


@dataclass(frozen=True)
class Found:
    """A trained supernet that is not loaded yet.

    Attributes:
        label: what the rows of results call it, unlike that of any other.
        folder: of its checkpoint, or of its trial's checkpoints.
        saved: its checkpoint.
        builder: builds it.
        training: settings with which the run trains single networks; empty for a checkpoint.
    """

    label: str
    folder: Path
    saved: SavedSupernet
    builder: SearchBuilder
    training: Mapping[str, Any] = field(default_factory=dict)


def found_in(
    given: Sequence[Run | str | os.PathLike[str]], trial: int | None = None, *, allow_code: bool = False
) -> list[Found]:
    """Find the supernets of runs and checkpoints. Nothing is loaded on a device, and no data are read.

    Args:
        given: runs, their folders, or the folders of checkpoints.
        trial: the number of the trial of each run; None for every trial that has a checkpoint.
        allow_code: import the code that a run or a checkpoint names.

    Returns:
        The supernets in the given order, of one space.

    Raises:
        ForeignCodeError: a run comes from elsewhere and names code, or a checkpoint does; nothing of it was imported.
        ConfigError: there is none, one is given twice, or two are of different spaces.
        CheckpointError: a checkpoint is damaged.
    """
    found: list[Found] = []
    for one in given:
        if isinstance(one, Run):
            found += _of_run(one, trial, allow_code)
            continue
        check_local(one, "supernets")
        folder = Path(one).expanduser()
        if os.path.isfile(ledger_path(folder)):
            found += _of_run(Run.of(folder), trial, allow_code)
        else:
            found.append(_of_checkpoint(folder, str(one), trial, allow_code))
    for other in found[1:]:
        _check_alike(found[0], other)
    places = [one.folder.resolve() for one in found]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise ConfigError(f"{place} is given twice, and would count twice in the mean; give it once")
    labels = [one.label for one in found]
    return [replace(one, label=str(one.folder)) if labels.count(one.label) > 1 else one for one in found]


def _of_run(run: Run, trial: int | None, allow_code: bool) -> list[Found]:
    name = run.config.strategy.name
    if name not in METHODS:
        raise ConfigError(
            f"{run.path} was searched by {name}, which trains no supernet; give a run of {', '.join(METHODS.names())}, "
            "or the folder of a supernet's checkpoint"
        )
    check_code(run.meta, run.path, allow_code=allow_code, given=_UNNEEDED)
    register_missing(run.meta.get("registered", {}), kinds=FOR_TRAINING)
    trials = [int(number) for number in run.trials()["trial"]]
    if trial is not None and trial not in trials:
        raise ConfigError(f"there is no trial {trial} in {run.path}; it has {len(trials)}, counted from 0")
    wanted = trials if trial is None else [trial]
    kept = [number for number in wanted if trial_folder(run.path, number).is_dir()]
    if not kept:
        whose = f"none of its {len(trials)} trials" if trial is None else f"trial {trial}"
        raise ConfigError(
            f"{run.path} holds no supernet: {whose} has a checkpoint; take another run or trial, or search with a "
            "larger keep_checkpoints"
        )
    own = flat_settings(LearnerSettings)
    sizes = trained_network(run.config)
    training: dict[str, Any] = {}
    for key, value in run.config.trainable.settings.items():
        if key in own and key != "space" and key not in sizes:
            training[key] = value
    found = []
    for number in kept:
        saved = saved_supernet(run, number, allow_code=allow_code)
        label = run.path.name if len(kept) == 1 else f"{run.path.name} trial {number}"
        found.append(
            Found(label, trial_folder(run.path, number), saved, saved.builder(trained_network=sizes), training)
        )
    return found


def _of_checkpoint(folder: Path, typed: str, trial: int | None, allow_code: bool) -> Found:
    if trial is not None:
        raise ConfigError(f"trial is {trial}, and {typed} is a checkpoint, which has no trials; leave it out")
    if not os.path.isdir(folder):
        raise ConfigError(f"{typed} does not exist; give a run of {', '.join(METHODS.names())}, or a checkpoint")
    if not (folder / "search.json").is_file() and not any(folder.glob("epoch-*")):
        raise ConfigError(
            f"{typed} is neither a run nor the checkpoint of a supernet (it has no search.json); give a run of "
            f"{', '.join(METHODS.names())}, or what `python -m trainables darts --checkpoint-dir ..` wrote"
        )
    saved = SavedSupernet.read(folder)
    check_names(named_by_settings(saved.settings), folder, allow_code=allow_code)
    return Found(typed, folder, saved, saved.builder())


def _check_alike(first: Found, other: Found) -> None:
    """Refuse two supernets that cannot score the same architectures, as far as settings say it."""
    one, two = first.builder, other.builder
    same = one.space_name == two.space_name
    if same and one.space is not None and two.space is not None:
        same = one.space.fingerprint == two.space.fingerprint
    if not same:
        raise ConfigError(
            f"{first.label} and {other.label} are supernets of different spaces, {one.space_name} and "
            f"{two.space_name} with other options, so that no sample is of both; judge them one at a time"
        )
    if one.task.primary != two.task.primary:
        raise ConfigError(
            f"{first.label} and {other.label} have the primary metrics {one.task.primary} and {two.task.primary}, of "
            "which there is no mean; judge them one at a time"
        )
