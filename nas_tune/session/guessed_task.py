"""The task of a run whose configuration leaves it to the data: guessed once, when the run begins, and kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_tune.config.task import name_of
from nas_tune.errors import NasTuneError, ResumeRefusedError

__all__ = ["guess_of", "with_guess"]


def guess_of(settings: Mapping[str, Any]) -> tuple[str, str]:
    """Choose the task that the data suggest now.

    Args:
        settings: of the trainable, those of the data among them.

    Returns:
        The name of the task, and a sentence with the reason.
    """
    from trainables.tasks.registry import guessed

    return guessed({key: value for key, value in settings.items() if key != "task"})


def with_guess(trainable: Any, meta: Mapping[str, Any], *, check: bool) -> Any:
    """Put the task that was guessed when a run began into the key `trainable` of its configuration.

    Args:
        trainable: the value of the key.
        meta: of the ledger.
        check: whether to guess again, and to refuse data that suggest another task.

    Returns:
        The value with the task; unchanged where the configuration names one, or where a run of an earlier version has
        kept none.

    Raises:
        ResumeRefusedError: the data suggest another task than when the run began.
    """
    kept = meta["trainable"]["settings"].get("task", "auto")
    if not isinstance(trainable, Mapping) or trainable.get("task") != "auto" or kept == "auto":
        return trainable
    if check:
        settings = {key: value for key, value in trainable.items() if key != "name"}
        _check_guess({"space": name_of(meta["config"].get("space")), **settings}, kept)
    return {**trainable, "task": kept}


def _check_guess(settings: Mapping[str, Any], kept: str) -> None:
    try:
        now, why = guess_of(settings)
    except NasTuneError:
        return  # What is wrong with the data is told by the check of the setup.
    if now != kept:
        raise ResumeRefusedError(
            f"the run began with the task {kept}, which its data suggested, and now {why}: results would not compare; "
            "give the data of that time, or start a new run"
        )
