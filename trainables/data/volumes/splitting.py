"""The split of scans: as given, else by whole groups such as patients, or at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from trainables.data.folding import Fold, fold_of, folds_of, refuse_given_validation
from trainables.data.grouped import drawn_groups
from trainables.data.parts import PARTS, PartName
from trainables.data.split import random_split
from trainables.data.volumes.cases import Cases, Scans
from trainables.data.volumes.settings import VolumeSettings
from trainables.errors import DataError

__all__ = ["split_cases", "split_fold"]

Chosen = np.ndarray[Any, Any]
_LEAST = 2


def split_cases(scans: Scans, settings: VolumeSettings) -> dict[PartName, Cases]:
    """Make the parts that scans do not have. The same seed gives the same parts on every machine.

    Args:
        scans: in the parts that they have; where these have groups, no group is in two of them.
        settings: the shares, the seed, and whether to train on the validation scans too.

    Returns:
        The scans for training and for the test, and for validation unless `whole` is set. With folds those for
        validation are among those for training, see `split_fold`.

    Raises:
        DataError: there are too few scans or groups.
    """
    parts = dict(scans.parts)
    wanted: list[tuple[PartName, float, int]] = []
    if "test" not in parts:
        wanted.append(("test", settings.test_share, settings.seed))
    fold = fold_of(settings)
    if fold is not None and "validation" in parts:
        refuse_given_validation(fold, scans.name)
    if "validation" not in parts and not settings.whole and fold is None:
        wanted.append(("validation", settings.validation_share, settings.seed + 1))
    for part, share, seed in wanted:
        cases = parts["train"]
        chosen = _chosen(cases, f"{scans.name}, {part}", share, seed, scans.groups)
        parts["train"], parts[part] = _taken(cases, ~chosen), _taken(cases, chosen)
    if settings.whole and "validation" in parts:
        parts["train"] = _joined([parts["train"], parts.pop("validation")])
    return {part: parts[part] for part in PARTS if part in parts}


def split_fold(cases: Cases, settings: VolumeSettings, fold: Fold, title: str) -> dict[PartName, tuple[Cases, Chosen]]:
    """Part the scans outside the test by a fold.

    Args:
        cases: these scans, n.
        settings: the seed.
        fold: the fold that is for validation.
        title: names the data in messages.

    Returns:
        The scans for training and for validation, and their numbers among the n, ascending.

    Raises:
        DataError: there are fewer scans or groups than folds.
    """
    groups = np.unique(cases.groups, return_inverse=True)[1] if cases.groups else None
    chosen = folds_of(fold, settings.seed + 1, title, count=len(cases), groups=groups)
    return {
        "train": (_taken(cases, ~chosen), np.flatnonzero(~chosen)),
        "validation": (_taken(cases, chosen), np.flatnonzero(chosen)),
    }


def _chosen(cases: Cases, title: str, share: float, seed: int, groups: str) -> Chosen:
    """Which scans are drawn, (n,), bool."""
    if groups:
        return drawn_groups(np.unique(cases.groups, return_inverse=True)[1], share, seed, title)
    count = len(cases)
    if count < _LEAST:
        raise DataError(f"{title}: {count} scan is left, and each part needs one; add scans, or lower the other shares")
    _, rows = random_split(torch.zeros(count, dtype=torch.int64), torch.arange(count), share, seed, title)
    chosen = np.zeros(count, dtype=bool)
    chosen[rows.numpy()] = True
    return chosen


def _taken(cases: Cases, rows: Chosen) -> Cases:
    places = np.flatnonzero(rows).tolist()
    return Cases(
        [cases.images[place] for place in places],
        [cases.masks[place] for place in places],
        [cases.names[place] for place in places],
        [cases.groups[place] for place in places] if cases.groups else [],
    )


def _joined(some: Sequence[Cases]) -> Cases:
    whole = Cases()
    for cases in some:
        whole.images.extend(cases.images)
        whole.masks.extend(cases.masks)
        whole.names.extend(cases.names)
        whole.groups.extend(cases.groups)
    return whole
