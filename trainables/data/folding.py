"""The folds of a cross-validation: each example outside the test part is in one, which once is that for validation.

Where there are classes, each fold has nearly the same share of each. All examples of a group are in one fold.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch

from trainables.errors import DataError, TrainableError
from trainables.settings import check_number

__all__ = ["Fold", "FoldCache", "check_folds", "fold_of", "folds_of", "refuse_given_validation"]

Array = np.ndarray[Any, Any]
S = TypeVar("S")
T = TypeVar("T")


class _Settings(Protocol):
    @property
    def folds(self) -> int | None: ...

    @property
    def fold(self) -> int | None: ...

    @property
    def whole(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Fold:
    """The fold that is for validation.

    Attributes:
        number: of the fold, from 0.
        count: the number of folds.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"fold {self.number + 1} of {self.count}"


def check_folds(settings: _Settings) -> None:
    """Check the settings `folds` and `fold`.

    Args:
        settings: of data.

    Raises:
        TrainableError: there are fewer than two folds, no such fold, or nothing is for validation.
    """
    if settings.folds is None:
        if settings.fold is not None:
            raise TrainableError(f"fold is {settings.fold!r}, and folds is not given; say how many there are, as folds")
        return
    check_number("folds", settings.folds, 2, whole=True)
    if settings.fold is not None:
        check_number("fold", settings.fold, 0, settings.folds - 1, whole=True)
    if settings.whole:
        raise TrainableError(
            f"folds is {settings.folds} and whole is true, which leaves no example for validation; leave one of them "
            "out"
        )


def fold_of(settings: _Settings) -> Fold | None:
    """Choose the fold for validation.

    Args:
        settings: of data. Without a `fold` it is the first, for whatever needs the parts of one training.

    Returns:
        The fold; None without folds.
    """
    return None if settings.folds is None else Fold(settings.fold or 0, settings.folds)


def refuse_given_validation(fold: Fold, name: str) -> None:
    """Refuse folds of data that have a part for validation.

    Args:
        fold: that was asked for.
        name: names the data in the message.

    Raises:
        DataError: always.
    """
    raise DataError(
        f"folds is {fold.count}, and {name} comes with a part for validation; leave folds out, or give the data "
        "without that part"
    )


def folds_of(
    fold: Fold,
    seed: int,
    title: str,
    *,
    count: int,
    classes: Array | None = None,
    names: Sequence[str] = (),
    groups: Array | None = None,
) -> Array:
    """Choose the examples that are for validation. The same seed gives the same folds on every machine.

    Args:
        fold: the fold that is for validation.
        seed: decides the folds.
        title: names the data in messages.
        count: the number of examples, n.
        classes: (n,), the number of the class of each example; None where there are no classes.
        names: the names of the classes by their numbers.
        groups: (n,), the number of the group of each example; None where there are no groups.

    Returns:
        (n,), bool: which examples are for validation.

    Raises:
        DataError: there are fewer examples, examples of a class, or groups than folds.
    """
    generator = torch.Generator().manual_seed(seed)
    kinds = np.zeros(count, dtype=np.int64) if classes is None else classes
    if groups is not None:
        return np.asarray(_folds_of_groups(fold, generator, title, kinds, groups) == fold.number)
    _check_enough(fold, title, kinds, None if classes is None else names)
    mixed = torch.randperm(count, generator=generator).numpy()
    # Class by class, dealt out in turn: neither a class nor all examples differ by more than one between folds.
    order = mixed[np.argsort(kinds[mixed], kind="stable")]
    chosen = np.zeros(count, dtype=bool)
    chosen[order[fold.number :: fold.count]] = True
    return chosen


def _check_enough(fold: Fold, title: str, kinds: Array, names: Sequence[str] | None) -> None:
    sizes = {int(kind): int(size) for kind, size in enumerate(np.bincount(kinds)) if size}
    fewest = min(sizes, key=lambda kind: sizes[kind], default=0)
    least = sizes.get(fewest, 0)
    if least >= fold.count:
        return
    what = "the data have" if names is None else f"class {names[fewest]!r} has"
    remedy = f"give folds = {least} at most" if least > 1 else "give more"
    if names is not None:
        remedy += ", or leave that class out"
    raise DataError(
        f"{title}: folds is {fold.count}, and {what} {least} example{'' if least == 1 else 's'} outside the test part; "
        f"each fold needs one: {remedy}"
    )


def _folds_of_groups(fold: Fold, generator: torch.Generator, title: str, kinds: Array, groups: Array) -> Array:
    """The fold of each example: the largest groups first, each where its classes are rarest."""
    sizes = np.bincount(groups)
    present = np.flatnonzero(sizes)
    if len(present) < fold.count:
        raise DataError(
            f"{title}: folds is {fold.count}, and there are {len(present)} groups (validation_groups) outside the test "
            "part; each fold needs one: lower folds, or give examples of more groups"
        )
    mixed = present[torch.randperm(len(present), generator=generator).numpy()]
    order = mixed[np.argsort(-sizes[mixed], kind="stable")]
    counts = np.zeros((len(sizes), int(kinds.max()) + 1))
    np.add.at(counts, (groups, kinds), 1)
    weights = 1 / np.maximum(counts.sum(0), 1) ** 2
    loads = np.zeros((fold.count, counts.shape[1]))
    chosen = np.zeros(len(sizes), dtype=np.int64)
    for group in order:
        # An empty fold comes first; else the sum of squared shares grows least there.
        worth = [(row.sum() > 0, float((weights * counts[group] * row).sum()), row.sum()) for row in loads]
        chosen[group] = min(range(fold.count), key=lambda number: worth[number])
        loads[chosen[group]] += counts[group]
    return chosen[groups]


class FoldCache(Generic[S, T]):
    """Keeps the folds of one data set in memory, which a cross-validation needs in turn, and what all of them share."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._shared: S | None = None
        self._found: dict[int, T] = {}

    def get(self, key: Hashable, fold: Fold, shared: Callable[[], S], part: Callable[[S], T]) -> T:
        """Look a fold up, or make it.

        Args:
            key: of the data, whatever the fold; another one than that of the last call empties the cache.
            fold: the fold that is for validation.
            shared: loads what all folds share; called once for a key.
            part: makes the data with that fold of it.

        Returns:
            The data.
        """
        if key != self._key or self._shared is None:
            self._key, self._found = None, {}
            self._shared = shared()
            self._key = key
        if fold.number not in self._found:
            self._found[fold.number] = part(self._shared)
        return self._found[fold.number]
