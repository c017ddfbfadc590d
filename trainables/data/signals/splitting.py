"""The split of signals: as given, else by whole groups, or so that each class keeps its share, or at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from trainables.data.folding import Fold, fold_of, folds_of, refuse_given_validation
from trainables.data.grouped import drawn_groups
from trainables.data.parts import PARTS, PartName
from trainables.data.signals.recordings import Clips, Recordings
from trainables.data.signals.settings import SignalSettings
from trainables.data.split import random_split, stratified
from trainables.errors import DataError

__all__ = ["split_fold", "split_recordings"]


def split_recordings(
    recordings: Recordings, settings: SignalSettings, notes: list[str], *, by_class: bool
) -> dict[PartName, Clips]:
    """Make the parts that signals do not have. The same seed gives the same parts on every machine.

    Parts that share a group are given up where `validation_groups` asks for groups: all parts are drawn again.

    Args:
        recordings: the signals in the parts that they have.
        settings: the shares, the seed, the groups, and whether to train on the validation signals too.
        notes: gets a line where given parts are given up.
        by_class: whether each class keeps its share.

    Returns:
        The signals for training and for the test, and for validation unless `whole` is set. With folds those for
        validation are among those for training, see `split_fold`.

    Raises:
        DataError: a class, the groups or all signals are too few to be split.
    """
    parts = dict(recordings.parts)
    shared = _shared_group(parts) if settings.validation_groups is not None else None
    if shared is not None:
        notes.append(
            f"warning: the given parts share groups, such as {shared!r} of {settings.validation_groups}; these parts "
            "are not used, and new ones are drawn by group"
        )
        parts = {"train": _joined([parts[part] for part in PARTS if part in parts])}
    wanted: list[tuple[PartName, float, int]] = []
    if "test" not in parts:
        wanted.append(("test", settings.test_share, settings.seed))
    fold = fold_of(settings)
    if fold is not None and "validation" in parts:
        refuse_given_validation(fold, recordings.name)
    if "validation" not in parts and not settings.whole and fold is None:
        wanted.append(("validation", settings.validation_share, settings.seed + 1))
    for part, share, seed in wanted:
        clips = parts["train"]
        chosen = _chosen(clips, settings, f"{recordings.name}, {part}", share, seed, by_class=by_class)
        parts["train"], parts[part] = _taken(clips, ~chosen), _taken(clips, chosen)
    if settings.whole and "validation" in parts:
        parts["train"] = _joined([parts["train"], parts.pop("validation")])
    return {part: parts[part] for part in PARTS if part in parts}


def split_fold(
    clips: Clips, settings: SignalSettings, fold: Fold, title: str, *, by_class: bool
) -> dict[PartName, tuple[Clips, np.ndarray[Any, Any]]]:
    """Part the signals outside the test by a fold.

    Args:
        clips: these signals, n.
        settings: the seed and the groups.
        fold: the fold that is for validation.
        title: names the data in messages.
        by_class: whether each class keeps its share.

    Returns:
        The signals for training and for validation, and their numbers among the n, ascending.

    Raises:
        DataError: there are fewer signals, signals of a class, or groups than folds.
    """
    chosen = _fold(clips, settings, fold, title, by_class=by_class)
    return {
        "train": (_taken(clips, ~chosen), np.flatnonzero(~chosen)),
        "validation": (_taken(clips, chosen), np.flatnonzero(chosen)),
    }


def _chosen(
    clips: Clips, settings: SignalSettings, title: str, share: float, seed: int, *, by_class: bool
) -> np.ndarray[Any, Any]:
    """Which signals are drawn, (n,), bool."""
    count = len(clips.targets)
    if settings.validation_groups is not None:
        codes = np.unique(clips.groups, return_inverse=True)[1]
        return drawn_groups(codes, share, seed, settings.validation_groups)
    labels = torch.from_numpy(np.unique([str(one) for one in clips.targets], return_inverse=True)[1])
    part = stratified if by_class else random_split
    _, rows = part(labels, torch.arange(count), share, seed, title)
    chosen = np.zeros(count, dtype=bool)
    chosen[rows.numpy()] = True
    return chosen


def _fold(clips: Clips, settings: SignalSettings, fold: Fold, title: str, *, by_class: bool) -> np.ndarray[Any, Any]:
    """Which signals are for validation, (n,), bool."""
    names, labels = np.unique([str(one) for one in clips.targets], return_inverse=True)
    is_grouped = settings.validation_groups is not None
    return folds_of(
        fold,
        settings.seed + 1,
        title,
        count=len(clips.targets),
        classes=labels if by_class else None,
        names=names.tolist(),
        groups=np.unique(clips.groups, return_inverse=True)[1] if is_grouped else None,
    )


def _shared_group(parts: dict[PartName, Clips]) -> str | None:
    """A group that has signals in two parts."""
    seen: dict[str, PartName] = {}
    for part, clips in parts.items():
        if len(clips.groups) != len(clips.waves):
            raise DataError(
                f"the part for {part} has {len(clips.groups)} groups and {len(clips.waves)} signals; give one for each"
            )
        for group in clips.groups:
            if seen.setdefault(group, part) != part:
                return group
    return None


def _taken(clips: Clips, rows: np.ndarray[Any, Any]) -> Clips:
    places = np.flatnonzero(rows).tolist()
    groups = [clips.groups[place] for place in places] if clips.groups else []
    return Clips([clips.waves[place] for place in places], [clips.targets[place] for place in places], groups)


def _joined(some: Sequence[Clips]) -> Clips:
    whole = Clips()
    for clips in some:
        whole.waves.extend(clips.waves)
        whole.targets.extend(clips.targets)
        whole.groups.extend(clips.groups)
    return whole
