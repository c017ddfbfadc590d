"""Weight sharing as an estimator: a trained supernet scores architectures, many a second.

    shared = SharedWeights(checkpoint="runs/spos/checkpoint")   # written by DartsTrainable.save
    shared.setup(architecture, seed=0, max_epochs=1)
    print(shared.step()["accuracy"])

A score is the primary metric of the task on the validation examples, such as the accuracy, with the shared weights;
batch normalisations are fitted to the architecture on some training examples before. Nothing is trained, nothing is
random: one architecture has one score. Scores are there to put architectures in order; they are not the values that
these reach when they are trained themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from search_spaces.nn import freeze
from trainables.errors import CheckpointError, EndOfTraining, TrainableError
from trainables.metrics import Metric
from trainables.networks import space_name
from trainables.settings import check_flag, check_number
from trainables.supernet.builder import SearchBuilder
from trainables.supernet.saved import SavedSupernet
from trainables.supernet.search import Search
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.decisions import DecidedSettings
from trainables.tasks.measured_task import class_of
from trainables.tasks.task import Part
from trainables.training.batches import Batch, called, laid_out
from trainables.training.devices import device_of
from trainables.training.fetching import batches_of
from trainables.training.loop import Metrics, judged
from trainables.trial.checkpoint import read_tensors
from trainables.trial.snapshots import newest

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from search_spaces.space import Space

__all__ = ["Chosen", "Scorer", "SharedWeights", "spread_rows"]


class SharedWeights:
    """Scores the architectures of `space` by the weights of a supernet.

    The task, its data and their parts are those of the supernet.

    Args:
        checkpoint: the folder that `DartsTrainable.save` wrote, or that of a training's checkpoints: the newest counts.
        space: name of the space, or a `Space`, whose architectures will come; default: that of the supernet. One of
            another name is refused.
        calibration: training examples to which normalisations are fitted, before an architecture is scored.
        refit_head: whether an architecture is scored with a head of its own, fitted by ridge regression to the examples
            of the calibration; None takes what the search in the supernet did.
        images: the number of validation examples that score, always the same; None for all.
        data_root: where the data are now, if elsewhere than when the supernet was trained.
        device: see `ImageClassifier`.
    """

    checkpoints = False
    trains_networks: ClassVar[bool] = False

    def __init__(
        self,
        *,
        checkpoint: str,
        space: str | Space | None = None,
        calibration: int = 256,
        refit_head: bool | None = None,
        images: int | None = None,
        data_root: str | None = None,
        device: str = "auto",
    ) -> None:
        if not isinstance(checkpoint, str | Path) or not str(checkpoint):
            raise TrainableError(f"checkpoint is {checkpoint!r}; it must be the folder of a trained supernet")
        check_number("calibration", calibration, 2, whole=True)
        if images is not None:
            check_number("images", images, 1, whole=True)
        if refit_head is not None:
            check_flag("refit_head", refit_head)
        self._refit_head = refit_head
        self._folder, self._space, self._calibration, self._images = Path(checkpoint), space, calibration, images
        moved = {} if data_root is None else {"data_root": data_root}
        self._placed = {"device": device, **moved}
        self._shared: Any = None
        self._scorer: Scorer | None = None
        self._architecture: Architecture | None = None
        self._is_scored = False

    @classmethod
    def metrics_of(cls, settings: Mapping[str, object]) -> list[Metric]:
        """Declare the metrics, which are those of the task of the supernet.

        Args:
            settings: of the class.

        Returns:
            The metrics of the task, the primary one first.

        Raises:
            CheckpointError: there is no supernet.
        """
        task = cls(**settings)._builder_of_state().task  # type: ignore[arg-type]
        return sorted(task.metrics, key=lambda metric: metric.name != task.primary)

    def check(self) -> None:
        """`CheckpointError` where there is no supernet, or one of another space; `DataError` without its data."""
        device_of(str(self._placed["device"]))
        if self._scorer is None:
            self._builder_of_state().task.check()

    def decided_by(self, space: Space) -> list[str]:
        """List the settings of a training that a space decides.

        Args:
            space: of the architectures.

        Returns:
            Their names.
        """
        builder = self._builder_of_state()
        task = builder.task
        settings = DecidedSettings(
            builder.space_name, class_of(task), lambda: task.load(torch.device("cpu")).arguments()
        )
        return settings.names(space.declared)

    def check_decisions(self, space: Space) -> None:
        """Refuse a space that decides settings of a training: a score does not depend on them.

        Args:
            space: of the architectures.

        Raises:
            TrainableError: the space decides one.
        """
        for name in self.decided_by(space):
            raise TrainableError(
                f"{name} is decided by the space, and shared weights are not trained again for an architecture, whose "
                f"score does not depend on it; leave {name} out of the space, or take a trainable that trains (learner)"
            )

    def about(self) -> list[str]:
        """Which data were found, and how they are parted; reads them."""
        return self._builder_of_state().task.about() if self._scorer is None else []

    def load_shared(self) -> object:
        """The supernet's checkpoint, as tensors, numbers and text."""
        return self._state()

    def take_shared(self, shared: object) -> None:
        """Score by the supernet that `load_shared` of an equal one has read; the checkpoint's folder is not needed."""
        self._shared, self._scorer = shared, None

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Load the supernet and its data, once; `ArchitectureError` for what is not a member of its space."""
        self._architecture, self._is_scored = self.scorer.supernet.space.validate(architecture), False

    def step(self) -> dict[str, float]:
        """The only report: the metrics of the task on the validation examples, or on `images` of them."""
        if self._is_scored:
            raise EndOfTraining("shared weights score an architecture once")
        validation = self.scorer.data.validation
        if self._images is not None:
            rows = spread_rows(validation, self._images, self.scorer.data.device)
            scored = self._scored(Chosen(validation, rows))
        else:
            scored = self._scored(validation)
        self._is_scored = True
        return scored

    def evaluate(self, split: str) -> dict[str, float]:
        """The metrics of the task on a whole split of the data."""
        return self._scored(self.scorer.data.split(split))

    def _scored(self, part: Part) -> dict[str, float]:
        return self.scorer.score(self._decided(), part)

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""

    def load(self, folder: Path) -> None:
        """There is nothing to go on from."""

    @property
    def network(self) -> nn.Module:
        """A network of the architecture with the shared weights, its normalisations fitted: all its own."""
        return self.scorer.network(self._decided())

    @property
    def scorer(self) -> Scorer:
        """What scores, with the trained supernet; loaded where it is not yet."""
        if self._scorer is None:
            saved = self._saved()
            search = saved.search(self._builder(saved))
            self._scorer = Scorer(search, self._calibration, refit_head=self._refit_head)
            self._shared = None
        return self._scorer

    def _decided(self) -> Architecture:
        if self._architecture is None:
            raise TrainableError("the shared weights were used before setup(); call setup() first")
        return self._architecture

    def _state(self) -> Any:
        return read_tensors(newest(self._folder), DartsTrainable.file) if self._shared is None else self._shared

    def _saved(self) -> SavedSupernet:
        return SavedSupernet(self._folder, self._state())

    def _builder_of_state(self) -> SearchBuilder:
        return self._builder(self._saved())

    def _builder(self, saved: SavedSupernet) -> SearchBuilder:
        """How the supernet was trained, and on what: its settings are in the checkpoint."""
        wanted = None if self._space is None else space_name(self._space)
        if wanted is not None and wanted != saved.settings["space"]:
            raise CheckpointError(
                f"{self._folder} is a supernet of the space {saved.settings['space']}, and the architectures are of "
                f"{wanted}; train a supernet of that space, or search in this one's"
            )
        return saved.builder(**self._placed)


class Scorer:
    """Scores members of the space of a trained supernet, which may serve nothing else from then on.

    Args:
        search: the search that trained the supernet, with its data.
        calibration: how many training examples normalise the networks; they pass in one batch, whose statistics count.
        refit_head: whether a head is fitted to what an architecture computes for these examples; None does as the
            search did.
    """

    def __init__(self, search: Search, calibration: int, *, refit_head: bool | None = None) -> None:
        self.supernet, self.task, self.data = search.supernet.eval(), search.task, search.data
        refit = search.refits_head if refit_head is None else refit_head
        self._head = search.head if refit else None
        inputs, self._targets = self.data.train.rows(spread_rows(self.data.train, calibration, self.data.device))
        self._inputs = laid_out(self.data.normalize(inputs), torch.channels_last)
        self._norms = [part for part in self.supernet.modules() if isinstance(part, _BatchNorm)]
        for norm in self._norms:
            norm.momentum = 1.0  # so that statistics are those of the last batch

    def score(self, architecture: object, part: Part) -> Metrics:
        """On all examples of a part of the data.

        Args:
            architecture: a member of the supernet's space.
            part: a part of the data of the search.

        Returns:
            Every metric of the task.
        """
        with self._fitted(architecture):
            return judged(self.supernet, self.task, self.data, part)

    def network(self, architecture: object) -> nn.Module:
        """That architecture alone, with copies of its weights, in evaluation mode.

        Args:
            architecture: a member of the supernet's space.

        Returns:
            Its network with copies of the shared weights, in evaluation mode.
        """
        with self._fitted(architecture):
            return freeze(self.supernet.module, architecture).eval()

    @contextmanager
    def _fitted(self, architecture: object) -> Iterator[None]:
        with self.supernet.deciding(architecture):
            self._train_norms(True)
            try:
                with torch.no_grad(), nullcontext() if self._head is None else self._head.reading():
                    called(self.supernet, self._inputs)
            finally:
                self._train_norms(False)
            with nullcontext() if self._head is None else self._head.fitted(self._targets):
                yield

    def _train_norms(self, training: bool) -> None:
        for norm in self._norms:
            norm.training = training


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some examples of a part of the data, as a part.

    Attributes:
        part: the part.
        numbers: (n,), int64, the numbers of its examples.
    """

    part: Part
    numbers: Tensor

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, index: Tensor) -> tuple[Batch, Batch]:
        """Take some of the examples.

        Args:
            index: (k,), int64, on the device of the data.

        Returns:
            Their inputs and targets.
        """
        return self.part.rows(self.numbers[index])

    def fetched(self, batches: Iterable[Tensor]) -> Iterator[tuple[Batch, Batch]]:
        """Take batches in order; the part may prepare them ahead.

        Args:
            batches: for each, the numbers of its examples, as for `rows`.

        Yields:
            The inputs and targets of each.
        """
        yield from batches_of(self.part, (self.numbers[index] for index in batches))


def spread_rows(part: Part, count: int, device: torch.device) -> Tensor:
    """Choose examples at even distances, so that each class keeps its share where a part is in the order of classes.

    Args:
        part: the examples to choose from.
        count: how many; all are chosen where there are fewer.
        device: the device of the data.

    Returns:
        (n,), int64, their numbers, always the same.
    """
    count = min(count, len(part))
    return torch.arange(count, device=device) * len(part) // count
