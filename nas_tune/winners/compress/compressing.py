"""`nas_tune.compress`: compresses the network of a trial, and writes its files to a folder that appears complete."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from nas_tune.errors import ConfigError, RunFolderError
from nas_tune.results import Run
from nas_tune.session.versions import versions
from nas_tune.winners.compress.compression import CompressedTrial, Compression
from nas_tune.winners.export.facts import Source, machine, supernet_parameters
from nas_tune.winners.export.sources import chosen, deployed_by, source_of
from trainables.compression import CompressionSettings, compress_network
from trainables.drafts import draft_folder, remove_abandoned
from trainables.export.exporting import ProgressCallback
from trainables.protocol import Compressible, Trainable
from trainables.registry import TrainableTarget

__all__ = ["compress"]

_SHARE = 3
_FEWEST = 3
"""A third of the epochs of the training, and no less than three."""


def compress(
    run: Run | str | Path,
    trial: int | None = None,
    *,
    prune: float | None = None,
    quantize: str | None = None,
    method: str = "structured",
    epochs: int | None = None,
    calibration: int = 256,
    retrained: bool | None = None,
    seed: int | None = None,
    threads: int = 1,
    normalization: bool = True,
    folder: str | Path | None = None,
    trainable: TrainableTarget | None = None,
    allow_code: bool = False,
    progress: ProgressCallback = lambda what, step, steps: None,
) -> Compression:
    """Prune the network of a finished trial, train it further, and quantize it.

    Either of `prune` and `quantize` may be left out. The training after pruning uses the data and the recipe of the
    training before it. The test split, which no training has seen, judges the network.

    Args:
        run: an open run, or the folder of one.
        trial: its number; None for the best.
        prune: the share of channels (structured) or of weights (magnitude) to remove, above 0 and at most 0.99.
        quantize: "int8", or None to keep floats.
        method: "structured" makes the network smaller and needs torch-pruning; "magnitude" sets weights to zero.
        epochs: of the training after pruning; by default a third of those before it, and at least three.
        calibration: the number of training inputs that set the ranges for int8.
        retrained: whether to take the weights of `retrain` (of its first seed) or those of the search; None takes
            retrained ones if there are any.
        seed: of the training after pruning; by default that of the training before it.
        threads: the number of threads for latencies.
        normalization: whether "model.py" and the ONNX files take raw inputs, with the values of the data set, and
            standardize them; otherwise they expect `(raw - mean) / std`.
        folder: a new one; by default `compress/trial-<number>` in the run folder, or that with -2, -3, ...
        trainable: the trainable of the run, if it cannot be imported by name.
        allow_code: import the code that the run names, although it was not begun by this user on this machine.
        progress: called before each step with its text, its number and the number of steps.

    Returns:
        The compressed network, with its files and measurements.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
        ConfigError: there is no such trial, its network was not kept, its trainable cannot be compressed, or the
            folder is taken.
        TrainableError: a setting is wrong, a package is missing, or the network cannot be compressed by this method.
        DivergedError: the training after pruning diverged.
        NotTheSameError: a file does not compute the same outputs as the network.
        RunFolderError: the folder cannot be written.
    """
    run = Run.of(run)
    plan = CompressionSettings(
        prune,
        method,
        quantize,
        epochs=_FEWEST if epochs is None else epochs,
        calibration=calibration,
        seed=seed or 0,
        threads=threads,
        normalization=normalization,
    )
    plan.check()
    if epochs is not None and prune is None:
        raise ConfigError(
            f"epochs is {epochs}, and only a pruned network is trained further; give prune too, or leave epochs out"
        )
    target = None if folder is None else _free(Path(folder).expanduser().absolute())
    number = chosen(run, trial)
    source = source_of(run, number, trainable, retrained, what="compressed", allow_code=allow_code)
    plan = _completed(plan, source, epochs=epochs, seed=seed)
    deployed, tuning = deployed_by(source.held), _compressible(source.held).tuning()
    trials = run.trials()
    identifier = str(trials.loc[trials["trial"] == number, "architecture_id"].iloc[0])
    with _appearing(target or _next(_swept(run.path / "compress") / f"trial-{number:06d}")) as (draft, final):
        result = compress_network(deployed, tuning, draft, plan, identifier=identifier, progress=progress)
        origin = (source.origin, source.retrained)
        made = CompressedTrial(run.path.name, number, *origin, deployed, identifier, supernet_parameters(run, number))
        placed = replace(result, files=tuple(final / file.name for file in result.files))
        compression = Compression(final, made, plan, placed, machine(), dict(versions()))
        _write(draft, compression)
    return compression


def _completed(
    plan: CompressionSettings, source: Source, *, epochs: int | None, seed: int | None
) -> CompressionSettings:
    """The settings, with the defaults that follow from the training of the weights: epochs and seed."""
    trials = source.run.trials()
    row = trials[trials["trial"] == source.trials[0]].iloc[0]
    return replace(
        plan,
        epochs=max(_FEWEST, round(int(row["epochs"]) / _SHARE)) if epochs is None else epochs,
        seed=int(row["seed"]) if seed is None else seed,
    )


def _compressible(held: Trainable) -> Compressible:
    if not isinstance(held, Compressible):
        raise ConfigError(
            f"{type(held).__name__} does not say how a changed network of it is trained and judged; give its class a "
            "method tuning() that returns an object with examples, judge and train (trainables.compression.Tuning)"
        )
    return held


def _write(draft: Path, compression: Compression) -> None:
    document = json.dumps(compression.to_dict(), indent=2, ensure_ascii=False)
    (draft / "compression.json").write_text(f"{document}\n", encoding="utf-8")
    (draft / "compression.md").write_text(compression.text(), encoding="utf-8")


def _free(folder: Path) -> Path:
    """The requested folder; raises if there is something in its place."""
    if os.path.lexists(folder) and not (os.path.isdir(folder) and not os.listdir(folder)):
        raise ConfigError(f"{folder} exists already and is not overwritten; name a new folder (--out)")
    return folder


def _next(folder: Path) -> Path:
    """The folder, or the first with a number after its name that does not exist."""
    beside = (folder.with_name(f"{folder.name}-{number}") for number in range(2, 10_000))
    return next(one for one in (folder, *beside) if not os.path.lexists(one))


@contextmanager
def _appearing(target: Path) -> Iterator[tuple[Path, Path]]:
    """A draft folder to fill, which takes its name at the end of the block; `RunFolderError` where it cannot."""
    try:
        with draft_folder(target.parent, target.name) as draft:
            yield draft, target
            os.replace(draft, target)
    except OSError as error:
        raise RunFolderError(
            f"cannot compress to {target}: {error}; name a place that can be written (--out)"
        ) from error


def _swept(folder: Path) -> Path:
    """The folder of a run's compressions, after the drafts that killed compressions of any trial left are removed."""
    for name in {draft.name[1:].partition(".")[0] for draft in folder.glob(".trial-*.*")}:
        remove_abandoned(folder, name)
    return folder
