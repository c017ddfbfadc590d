"""The supernet that a trial of a run has left on the disk, checked before anything of it is imported.

It is built from the settings in its checkpoint. These are not signed, as the ledger of a run is, so they may name no
code that the ledger does not name.
"""

from __future__ import annotations

from nas_tune.executors.job import trial_folder
from nas_tune.results import Run
from nas_tune.session.trust import check_names, named_by_settings
from trainables.errors import CheckpointError
from trainables.supernet.saved import SavedSupernet

__all__ = ["saved_supernet"]

_OF_SUPERNET = ("space", "method", "channels", "cells", "layers")


def saved_supernet(run: Run, trial: int, *, allow_code: bool = False) -> SavedSupernet:
    """Read the supernet of a trial. The check of the run's trust comes first.

    Args:
        run: a search in supernets.
        trial: the number of the trial.
        allow_code: import the code that the checkpoint names, where the ledger does not.

    Returns:
        The supernet, which is not built yet.

    Raises:
        ForeignCodeError: the checkpoint names code that the ledger does not name; nothing of it was imported.
        CheckpointError: the checkpoint is missing or damaged, or of another supernet.
    """
    folder = trial_folder(run.path, trial)
    if not folder.is_dir():
        raise CheckpointError(
            f"trial {trial} of {run.path} has no checkpoint, which holds the supernet; take a trial that has one "
            "(--trial), or search with a larger keep_checkpoints"
        )
    saved = SavedSupernet.read(folder)
    asked = run.meta["trainable"]["settings"]
    for key in _OF_SUPERNET:
        if asked.get(key) is not None and saved.settings.get(key) != asked[key]:
            raise CheckpointError(
                f"{folder} is of another supernet: its {key} is {saved.settings.get(key)!r}, the run's {asked[key]!r}; "
                "put the checkpoint of the run back"
            )
    known = set(named_by_settings(asked))
    check_names(set(named_by_settings(saved.settings)) - known, folder, allow_code=allow_code)
    return saved
