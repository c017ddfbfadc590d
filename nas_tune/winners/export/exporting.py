"""`nas_tune.export`: writes the network of a trial, from its kept checkpoint, in the formats of `trainables.export`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nas_tune.errors import ConfigError, RunFolderError
from nas_tune.results import Run
from nas_tune.results.frames import written_aside
from nas_tune.session.arguments import check_flags
from nas_tune.winners.export.card import CARD, OLDER_CARD, card, docstring_lines, heading
from nas_tune.winners.export.facts import gather_facts
from nas_tune.winners.export.head import LIBRARY
from nas_tune.winners.export.sources import chosen, deployed_by, source_of
from trainables.export import FORMATS, STANDARD, Exported, check_formats, export_network
from trainables.export.exporting import ProgressCallback
from trainables.registry import TrainableTarget

__all__ = ["Export", "export"]


@dataclass(frozen=True, slots=True)
class Export:
    """The result of an export.

    Attributes:
        folder: of the files.
        trial: the number of the trial.
        formats: the files, or the problem, of each requested format.
        card: the path of the model card.
        origin: where the weights come from, in words.
    """

    folder: Path
    trial: int
    formats: tuple[Exported, ...]
    card: Path
    origin: str

    @property
    def complete(self) -> bool:
        """Whether every format has its files."""
        return all(one.files for one in self.formats)


def export(
    run: Run | str | Path,
    trial: int | None = None,
    *,
    formats: Iterable[str] = STANDARD,
    folder: str | Path | None = None,
    trainable: TrainableTarget | None = None,
    allow_code: bool = False,
    retrained: bool | None = None,
    normalization: bool = True,
    progress: ProgressCallback = lambda what, step, steps: None,
) -> Export:
    """Write the network of a finished trial, and check each format in a fresh interpreter.

    Args:
        run: an open run, or the folder of one.
        trial: its number; None for the best.
        formats: names of `trainables.export.FORMATS`: "safetensors", "py", "pt2", "onnx", registered ones, and those
            of plug-ins.
        folder: of the files; by default `export/trial-<number>` in the run folder. An earlier export of the same
            weights there is replaced, format by format.
        trainable: the trainable of the run, if it cannot be imported by name.
        allow_code: import the code that the run names, although it was not begun by this user on this machine.
        retrained: whether to take the weights of `retrain` (of its first seed, also if another seed is better) or those
            of the search; None takes retrained ones if there are any.
        normalization: whether "py", "pt2" and "onnx" take raw inputs, with the values of the data set, and standardize
            them; False leaves that to the user. Weights alone ("safetensors") never do.
        progress: called before each step with its text, its number and the number of steps.

    Returns:
        The folder, the formats and the model card.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
        ConfigError: there is no such trial, or its network was not kept (the message says which were); the trials
            are searches that train no network of what they find; or the folder holds files that are not an export.
        TrainableError: an unknown format, a package that is missing, or a trainable without `deployed()`.
        RunFolderError: the folder cannot be written.
    """
    check_flags(normalization=normalization)
    run = Run.of(run)
    wanted = check_formats(formats)
    number = chosen(run, trial)
    source = source_of(run, number, trainable, retrained, what="exported", allow_code=allow_code)
    deployed = deployed_by(source.held)
    target = Path(folder).expanduser() if folder is not None else run.path / "export" / f"trial-{number:06d}"
    _check_folder(target, wanted)
    facts = gather_facts(run, number, deployed, source)
    _check_same(target, heading(facts))
    try:
        _begin(target, heading(facts))
        results = export_network(
            deployed,
            target,
            wanted,
            identifier=facts.identifier,
            facts=docstring_lines(facts),
            normalization=normalization,
            progress=progress,
        )
    except OSError as error:
        raise RunFolderError(f"cannot export to {target}: {error}; name a place that can be written (--out)") from error
    written = _write_card(target, card(facts, results))
    (target / OLDER_CARD).unlink(missing_ok=True)  # of an earlier export of these weights
    return Export(target, number, tuple(results), written, source.origin)


def _begin(target: Path, beginning: str) -> None:
    """Write the beginning of the card first, so that a stopped export can be made again in the same folder."""
    target.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(target / CARD):
        said = "Not finished: nas-tune export was stopped, or is at work."
        _write_card(target, f"---\nlibrary_name: {LIBRARY}\n---\n\n{beginning}\n\n{said}\n")


def _write_card(target: Path, text: str) -> Path:
    path = target / CARD
    with written_aside(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return path


def _check_same(target: Path, beginning: str) -> None:
    """Refuse a folder with the export of another network: the files of the two would be mixed."""
    for name in (CARD, OLDER_CARD):
        path = target / name
        if not os.path.isfile(path):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if name == CARD and not (text.startswith("---\n") and "\nlibrary_name: " in text):
            raise ConfigError(
                f"{path} was not written by an export, so it is not replaced; name another folder (--out)"
            )
        if f"\n{beginning}\n" not in f"\n{text}":
            raise ConfigError(
                f"{target} holds the export of another network (see its {name}); name another folder (--out)"
            )


def _check_folder(target: Path, formats: Iterable[str]) -> None:
    """Refuse a folder whose files are not those of an export: only an earlier export may be replaced."""
    if os.path.lexists(target) and not os.path.isdir(target):
        raise ConfigError(f"{target} is a file; name a folder (--out)")
    files: set[str] = set()
    for kind in {*STANDARD, *formats}:
        files.update(FORMATS.get(kind).files)
    there = sorted(name for name in files if os.path.lexists(target / name))
    if there and not any(os.path.lexists(target / name) for name in (CARD, OLDER_CARD)):
        raise ConfigError(
            f"{target} holds {', '.join(there)}, and no {CARD}: it is not an earlier export; name another folder "
            "(--out)"
        )
