"""`nas_tune.load`: a trained network that takes raw inputs, from an exported folder or from a run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from nas_tune.config.names import check_local
from nas_tune.config.references import with_local_modules
from nas_tune.errors import ConfigError
from nas_tune.ledger.places import ledger_path
from nas_tune.results import Run
from nas_tune.session.arguments import check_flags
from nas_tune.session.trust import Named, check_names
from nas_tune.winners.export.sources import chosen, source_of
from nas_tune.winners.retrain import Retrained
from trainables.export.task_file import TASK_FILE, read_task_file
from trainables.export.weights import ARCHITECTURE
from trainables.protocol import Trainable
from trainables.registry import TrainableTarget
from trainables.tasks.learner import Learner
from trainables.tasks.predictor import Predictor, folder_predictor, learner_predictor

__all__ = ["load"]


def load(
    source: Run | str | Path,
    trial: int | None = None,
    *,
    retrained: bool | None = None,
    trainable: TrainableTarget | None = None,
    task: object = None,
    allow_code: bool = False,
) -> Predictor:
    """Load a trained network for predictions from raw inputs.

    An exported folder is read as data: weights, ONNX and JSON. It needs neither the run nor the data of the training.

    Args:
        source: an exported folder; or a run, its folder, or the folder of a retraining.
        trial: of a run, the number of the trial; None for the best.
        retrained: of a run, whether to take the weights of `retrain` or those of the search; None takes retrained ones
            if there are any.
        trainable: of a run, its trainable, if that cannot be imported by name.
        task: of an exported folder, its task or the class of it, if that is not registered.
        allow_code: import the code that the run or folder names, although it is of neither this package nor an
            installed plug-in; of a folder that has nothing else, read `program.pt2`, which can run code.

    Returns:
        The predictor, with `predict`, `predict_proba`, `classes`, `task` and `network`.

    Raises:
        ForeignCodeError: the folder names code from elsewhere.
        ConfigError: it is neither a run nor an exported folder, or there is no such trial, or no weights were kept.
        CheckpointError: the exported folder is damaged.
        TrainableError: no file of the exported folder can be used; the message has the reasons.
    """
    check_flags(allow_code=allow_code, **({} if retrained is None else {"retrained": retrained}))
    if not isinstance(source, Run):
        check_local(str(source), "source")
        folder = Path(source).expanduser()
        if os.path.isfile(folder / TASK_FILE):
            if trial is not None or retrained is not None or trainable is not None:
                raise ConfigError(
                    f"{folder} is an exported folder, which holds one network; leave out trial=.., retrained=.. and "
                    "trainable=.., which are for runs"
                )
            return _of_folder(folder, task, allow_code)
        if not os.path.isfile(ledger_path(folder)):
            raise ConfigError(
                f"{folder} is neither a run nor an exported folder (it has no {TASK_FILE}); give what nas-tune export "
                "wrote, and export again what an older version wrote"
            )
    if task is not None:
        raise ConfigError("task=.. is for an exported folder; a run knows its task, or takes trainable=..")
    return _of_run(Run.of(source), trial, retrained, trainable, allow_code)


def _of_folder(folder: Path, task: object, allow_code: bool) -> Predictor:
    named = []
    if task is None and ":" in (reference := read_task_file(folder).task):
        named.append(Named("task", reference))
    if ":" in (space := _space_of(folder)):
        named.append(Named("space", space))
    check_names(named, folder, allow_code=allow_code, remedy="give task=.. yourself where it is the task, or ")
    if allow_code:
        with_local_modules()
    return folder_predictor(folder, task, allow_code=allow_code)


def _space_of(folder: Path) -> str:
    """The space that the weights of a folder are of; empty where there is none."""
    try:
        return str(json.loads((folder / ARCHITECTURE).read_bytes())["space"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _of_run(
    run: Run, trial: int | None, retrained: bool | None, trainable: TrainableTarget | None, allow_code: bool
) -> Predictor:
    if "candidates" in run.meta["trainable"]["settings"]:
        held: Trainable = Retrained(run.path).trained(trial or 0, trainable=trainable, allow_code=allow_code)
    else:
        number = chosen(run, trial)
        held = source_of(run, number, trainable, retrained, what="used", allow_code=allow_code).held
    if not isinstance(held, Learner):
        raise ConfigError(
            f"{type(held).__name__} has no task, so it is not known how inputs are read and outputs translated; train "
            "by the learner with a task, or use nas_tune.trained(run) and its network"
        )
    return learner_predictor(held)
