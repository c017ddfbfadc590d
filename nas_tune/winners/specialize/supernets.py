"""The supernet of a trial, loaded from its checkpoint, and the scores of its architectures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nas_tune.config.supernet_search import trained_network
from nas_tune.errors import ConfigError
from nas_tune.results import Run
from nas_tune.session.saved_supernets import saved_supernet
from search_spaces import Architecture
from trainables.supernet.builder import SearchBuilder
from trainables.supernet.estimator import Scorer
from trainables.supernet.methods import METHODS
from trainables.supernet.search import Search

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
        search: the search that trained it, as it was after its last epoch.
        builder: what built it.
    """

    def __init__(self, search: Search, builder: SearchBuilder) -> None:
        self._criterion = search.criterion
        self._scorer = Scorer(search, _CALIBRATION)
        self.costing: Learner = builder.costing
        self.primary = builder.task.primary
        self.is_max = any(one.name == self.primary and one.mode == "max" for one in builder.task.metrics)
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


def supernet_of(run: Run, trial: int, *, allow_code: bool = False) -> Scored:
    """Load the supernet of a trial. The check of the run's trust comes first.

    Args:
        run: a search by paths.
        trial: the number of the trial.
        allow_code: import the code that the checkpoint names, where the ledger does not.

    Returns:
        The supernet.

    Raises:
        ForeignCodeError: the checkpoint names code that the ledger does not name.
        ConfigError: the trials of the run are no searches by paths.
        CheckpointError: the checkpoint is missing or damaged, or of another search.
    """
    name = run.config.strategy.name
    saved = None
    if name in METHODS and METHODS[name].finds_by_score:
        saved = saved_supernet(run, trial, allow_code=allow_code)
    if saved is None or not METHODS[saved.settings["method"]].finds_by_score:
        by_score = ", ".join(one for one in METHODS.names() if METHODS[one].finds_by_score)
        raise ConfigError(
            f"{run.path} was searched by {name}, which leaves no supernet whose paths can be scored; give a run of "
            f"{by_score}"
        )
    builder = saved.builder(trained_network=trained_network(run.config))
    return Scored(saved.search(builder), builder)
