"""The settings by which a trial trains its architecture several times, and those of each of these trainings.

    repeats = 3     three seeds
    folds = 5       five folds of the data, each of which is once the one for validation; the task takes `fold` as well

Both together train each fold with each seed. See `trainables.trial.repeated` for what such a trial reports.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from trainables.settings import check_number

__all__ = ["FOLD", "FOLDS", "REPEATS", "asks_for_several", "settings_of_each", "settings_of_one"]

REPEATS, FOLDS, FOLD = "repeats", "folds", "fold"


def asks_for_several(settings: Mapping[str, object]) -> bool:
    """Check whether settings may ask for several trainings of an architecture.

    Args:
        settings: of a trainable.

    Returns:
        Whether `repeats` or `folds` is among them.
    """
    return REPEATS in settings or settings.get(FOLDS) is not None


def settings_of_each(settings: Mapping[str, object], takes: Collection[str]) -> tuple[int, list[dict[str, object]]]:
    """Choose the settings of each training of an architecture.

    Args:
        settings: of a trainable, `repeats` and `folds` among them or not.
        takes: the names of the settings that the trainable itself has. A `repeats` among them is its own affair, and
            without `folds` and `fold` there are no folds.

    Returns:
        The number of seeds, and the settings by training: all folds with the first seed come first.

    Raises:
        TrainableError: `repeats` is not a whole number of at least 1, or `folds` none of at least 2.
    """
    wanted, repeats = dict(settings), 1
    if REPEATS in wanted and REPEATS not in takes:
        given = wanted.pop(REPEATS)
        check_number(REPEATS, given, 1, whole=True)
        repeats = cast(int, given)
    if not _has_folds(takes) or wanted.get(FOLDS) is None or wanted.get(FOLD) is not None:
        return repeats, [wanted] * repeats
    check_number(FOLDS, wanted[FOLDS], 2, whole=True)
    of_folds = [{**wanted, FOLD: fold} for fold in range(cast(int, wanted[FOLDS]))]
    return repeats, of_folds * repeats


def settings_of_one(settings: Mapping[str, object], takes: Collection[str]) -> dict[str, object]:
    """Choose the settings of a single training, on the parts that the data have without folds.

    Args:
        settings: as in `settings_of_each`.
        takes: likewise.

    Returns:
        The settings without those that train an architecture several times.
    """
    left_out = {REPEATS} - {*takes} | ({FOLDS, FOLD} if _has_folds(takes) else set())
    return {name: value for name, value in settings.items() if name not in left_out}


def _has_folds(takes: Collection[str]) -> bool:
    return FOLDS in takes and FOLD in takes
