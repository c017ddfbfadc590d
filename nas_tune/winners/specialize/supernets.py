"""The supernet of a trial, loaded from its checkpoint, and the scores of its architectures.

The supernet is built from the settings that the ledger keeps, which are checked before their code is imported; of the
checkpoint only the numbers are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nas_tune.config.supernet_search import trained_network
from nas_tune.errors import ConfigError
from nas_tune.executors.job import trial_folder
from nas_tune.results import Run
from search_spaces import Architecture
from trainables.errors import CheckpointError
from trainables.supernet.estimator import Scorer
from trainables.supernet.methods import METHODS
from trainables.supernet.trainable import DartsTrainable
from trainables.trial.snapshots import newest

if TYPE_CHECKING:
    import torch

    from trainables.supernet.supernet import Supernet
    from trainables.tasks.learner import Learner

__all__ = ["Scored", "supernet_of"]

_CALIBRATION = 256
"""Training examples to which normalisations are fitted before an architecture is scored."""


class Scored:
    """A trained supernet with what it has scored.

    Args:
        trained: the search that trained it, as it was after its last epoch.
    """

    def __init__(self, trained: DartsTrainable) -> None:
        self._criterion = trained.search.criterion
        self._scorer = Scorer(trained.search, _CALIBRATION)
        self.costing: Learner = trained.costing
        self.primary = trained.task.primary
        self.is_max = any(one.name == self.primary and one.mode == "max" for one in trained.task.metrics)
        self.metrics: dict[str, Mapping[str, float]] = {}
        """Of every architecture that was scored, by its id."""
        self.architectures: dict[str, Architecture] = {}
        """The same architectures."""

    @property
    def supernet(self) -> Supernet:
        """The supernet."""
        return self._scorer.supernet

    @property
    def method(self) -> Any:
        """The method of the supernet, which is one of paths."""
        return self._scorer.supernet.method

    @property
    def device(self) -> torch.device:
        """The device of the data."""
        return self._scorer.data.device

    def score(self, architecture: Architecture) -> float:
        """Score an architecture on the validation examples, once.

        Args:
            architecture: of the space.

        Returns:
            The primary metric of the task; greater is better.
        """
        key = architecture.id
        if key not in self.metrics:
            self.metrics[key] = self._scorer.score(architecture, self._scorer.data.validation)
            self.architectures[key] = architecture
        return self._criterion.score(self.metrics[key])


def supernet_of(run: Run, trial: int) -> Scored:
    """Load the supernet of a trial. The check of trust comes first.

    Args:
        run: a search by paths.
        trial: the number of the trial.

    Returns:
        The supernet.

    Raises:
        ConfigError: the trials of the run are no searches by paths.
        CheckpointError: the checkpoint is missing or damaged, or of another search.
    """
    name = run.config.strategy.name
    if name not in METHODS or not METHODS[name].finds_by_score:
        by_score = ", ".join(one for one in METHODS.names() if METHODS[one].finds_by_score)
        raise ConfigError(
            f"{run.path} was searched by {name}, which leaves no supernet whose paths can be scored; give a run of "
            f"{by_score}"
        )
    folder = trial_folder(run.path, trial)
    if not folder.is_dir():
        raise CheckpointError(
            f"trial {trial} of {run.path} has no checkpoint, which holds the supernet; take a trial that has one "
            "(--trial), or search with a larger keep_checkpoints"
        )
    settings = dict(run.meta["trainable"]["settings"])
    trained = DartsTrainable(**{**settings, "trained_network": trained_network(run.config)})
    table = run.trials().set_index("trial")
    trained.setup(Architecture({}), seed=int(table["seed"].loc[trial]), max_epochs=run.config.max_epochs)
    trained.load(newest(folder))
    return Scored(trained)
