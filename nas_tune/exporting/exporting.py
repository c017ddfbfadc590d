"""`nas_tune.export`: the network of a trial, as its kept checkpoint left it, in the formats of `trainables.export`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from nas_tune.api import trained
from nas_tune.errors import ConfigError, RunFolderError
from nas_tune.executors.job import trial_folder
from nas_tune.exporting.card import CARD, card, facts_of, heading
from nas_tune.exporting.facts import Facts, Source, gathered
from nas_tune.ledger import Ledger, replay
from nas_tune.results import Run
from nas_tune.results.frames import written_aside
from nas_tune.retraining import Retrained
from nas_tune.supernet_runs import is_supernet_run
from trainables.export import FORMATS, Deployed, Exported, check_deployed, check_formats, export_network
from trainables.export.exporting import FILES, Progress
from trainables.protocol import Deployable, Trainable
from trainables.registry import Target
from trainables.snapshots import Snapshots

__all__ = ["Export", "export"]


@dataclass(frozen=True, slots=True)
class Export:
    """What an export came to.

    Attributes:
        folder: where the files are.
        trial: of which trial.
        formats: what became of each format that was asked for.
        card: the model card.
    """

    folder: Path
    trial: int
    formats: tuple[Exported, ...]
    card: Path

    @property
    def complete(self) -> bool:
        """Whether every format is there."""
        return all(one.files for one in self.formats)


def export(
    run: Run | str | Path,
    trial: int | None = None,
    *,
    formats: Iterable[str] = FORMATS,
    folder: str | Path | None = None,
    trainable: Target | None = None,
    retrained: bool | None = None,
    progress: Progress = lambda what, step, steps: None,
) -> Export:
    """Write the network of a finished trial (the best, if `trial` is None), each format checked in a fresh interpreter.

    Args:
        formats: of "safetensors", "py", "pt2" and "onnx".
        folder: where to; by default `export/trial-<number>` in the run folder. An earlier export of the same weights
            there is replaced, format by format.
        trainable: where the run was started with one that cannot be imported by name.
        retrained: whether the weights are those of `retrain` (of its first seed, whatever others came to) or those of
            the search; None takes retrained ones where there are any.
        progress: told what is done, as the how-manieth of how many steps.

    Raises:
        ConfigError: there is no such trial, or its network was not kept (the message says which were); every trial
            is a search in a supernet; or the folder holds files that are no export.
        TrainableError: an unknown format, a package that is missing, or a trainable without `deployed()`.
        RunFolderError: the folder cannot be written.
    """
    run = run if isinstance(run, Run) else Run(run)
    wanted = check_formats(formats)
    number = _chosen(run, trial)
    source = _source(run, number, trainable, retrained)
    deployed = _deployed(source.held)
    target = Path(folder).expanduser() if folder is not None else run.path / "export" / f"trial-{number:06d}"
    _check_folder(target)
    facts = gathered(run, number, deployed, source)
    _check_same(target, heading(facts))
    try:
        results = export_network(
            deployed, target, wanted, identifier=facts.identifier, facts=facts_of(facts), progress=progress
        )
    except OSError as error:
        raise RunFolderError(f"cannot export to {target}: {error}; name a place that can be written (--out)") from error
    return Export(target, number, tuple(results), _write_card(target, facts, results))


def _write_card(target: Path, facts: Facts, results: list[Exported]) -> Path:
    path = target / CARD
    with written_aside(path) as draft:
        draft.write_text(card(facts, results), encoding="utf-8")
    return path


def _chosen(run: Run, trial: int | None) -> int:
    """The trial that is asked for."""
    if trial is not None:
        run.tree(trial)  # refuses a trial that is not there
        return trial
    best = run.best(1)
    if best.empty:
        raise ConfigError(f"{run.path} has no trial with a value yet")
    return int(best["trial"].iloc[0])


def _source(run: Run, number: int, target: Target | None, retrained: bool | None) -> Source:
    """Where the weights come from: a training from scratch if there is one, else the trial's own checkpoint."""
    found = None if retrained is False else _retrained(run, number, target)
    if found is not None:
        return found
    if retrained:
        raise ConfigError(
            f"trial {number} was not retrained; do it first: nas-tune retrain {run.path} --trial {number}"
        )
    return Source(
        _kept(run, number, target), run, (number,), "the weights of the search, from its last checkpoint", False
    )


def _retrained(run: Run, number: int, target: Target | None) -> Source | None:
    """The first whole training from scratch of what the trial stands for, beside its others; None without one."""
    retraining = Retrained.of(run)
    if retraining is None:
        return None
    places = [place for place, one in enumerate(retraining.candidates) if one.trial == number]
    trials = retraining.run.trials()
    whole = trials[(trials["state"] == "complete") & trials["arch.chosen"].isin(places)].sort_values("arch.repeat")
    if whole.empty:
        return None
    first = whole.iloc[0]
    held = retraining.trained(int(first["arch.chosen"]), int(first["arch.repeat"]), trainable=target)
    origin = "trained from scratch (nas-tune retrain), the first of its seeds"
    return Source(held, retraining.run, tuple(int(trial) for trial in whole["trial"]), origin, True)


def _kept(run: Run, number: int, target: Target | None) -> Trainable:
    """The trainable of the trial; where nothing was kept of it, a refusal that says of which something was."""
    if is_supernet_run(run.config):
        raise ConfigError(
            f"{run.path}: its trials are searches by {run.config.strategy.name}; the weights of a supernet are shared "
            "by all options and were never trained for what was found, so there is no network to export: train one "
            f"first: nas-tune retrain {run.path} --trial {number}"
        )
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        trials = replay(ledger.events()).trials
    kept = [n for n in trials if any(True for _ in Snapshots(trial_folder(run.path, n)).newest_first([]))]
    if number in kept:
        return trained(run, number, trainable=target)
    record = trials[number]
    why = f"failed ({record.failure})" if record.state == "failed" else f"is {record.state} and no checkpoint is kept"
    have = f"these can: {', '.join(map(str, kept))}" if kept else "no trial of this run can"
    raise ConfigError(f"trial {number} {why}, so it cannot be exported; {have} (keep_checkpoints decides how many)")


def _deployed(held: Trainable) -> Deployed:
    if not isinstance(held, Deployable):
        raise ConfigError(
            f"{type(held).__name__} does not say how its network is used; give its class a method deployed() that "
            "returns a trainables.export.Deployed with the network and three examples of its input"
        )
    return check_deployed(held.deployed(), held)


def _check_same(target: Path, beginning: str) -> None:
    """What lies in one folder is of one network: its files would be mixed with those of another."""
    path = target / CARD
    if os.path.isfile(path) and not path.read_text(encoding="utf-8", errors="replace").startswith(beginning + "\n"):
        raise ConfigError(f"{target} holds the export of another network (see its {CARD}); name another folder (--out)")


def _check_folder(target: Path) -> None:
    """An export replaces an export, and nothing else."""
    if os.path.lexists(target) and not os.path.isdir(target):
        raise ConfigError(f"{target} is a file; name a folder (--out)")
    files = {file for names in FILES.values() for file in names}
    there = sorted(name for name in files if os.path.lexists(target / name))
    if there and not os.path.lexists(target / CARD):
        raise ConfigError(
            f"{target} holds {', '.join(there)}, and no {CARD}: it is no earlier export; name another folder (--out)"
        )
