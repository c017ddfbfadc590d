"""A supernet on disk: its settings, which can be looked at before anything is built, and the search that trained it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.errors import CheckpointError
from trainables.supernet.builder import SearchBuilder
from trainables.trial.checkpoint import read_tensors
from trainables.trial.snapshots import newest

if TYPE_CHECKING:
    from trainables.supernet.search import Search

__all__ = ["SavedSupernet"]

_FILE = "search"
"""What the files of a checkpoint of a search are called."""


class SavedSupernet:
    """The checkpoint of a search in a supernet.

    Nothing that the settings name is imported before `builder` is called.

    Args:
        folder: where it was found, for messages.
        state: what is in it, as tensors, numbers and text.

    Raises:
        CheckpointError: it is no supernet.
    """

    def __init__(self, folder: Path, state: Any) -> None:
        if not isinstance(state, dict) or not isinstance(state.get("settings"), dict):
            raise CheckpointError(f"{folder} holds no supernet; give a folder that DartsTrainable.save wrote")
        self._folder, self._state = folder, state

    @classmethod
    def read(cls, folder: Path) -> SavedSupernet:
        """Read a checkpoint.

        Args:
            folder: that of a checkpoint, or that of a training's checkpoints: the newest whole one counts.

        Returns:
            The supernet.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        return cls(folder, read_tensors(newest(folder), _FILE))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The flat settings of the search, those of its task among them."""
        settings: Mapping[str, Any] = self._state["settings"]
        return settings

    def builder(self, **changed: object) -> SearchBuilder:
        """Make what builds the supernet; imports the task that the settings name.

        What the search began with is in the checkpoint: the weights before the first epoch are not looked for, and the
        costs of options are not measured again, so that no command of a device is called.

        Args:
            changed: settings that replace those of the checkpoint, such as `device`.

        Returns:
            The builder.

        Raises:
            TrainableError: a setting cannot be.
        """
        method: dict[str, Any] = {}
        for name, value in (self.settings.get("method_settings") or {}).items():
            if name != "measured_on" and not (name == "costs" and isinstance(value, str)):
                method[name] = value
        known = {"start_from": None, "measured_on": None, "method_settings": method}
        return SearchBuilder({**self.settings, **known, **changed})

    def search(self, builder: SearchBuilder) -> Search:
        """Build the supernet, and load its weights and its data.

        Args:
            builder: what `builder` returned.

        Returns:
            The search as it was after its last epoch.

        Raises:
            CheckpointError: the checkpoint is not complete.
        """
        try:
            staged = builder.begin(self._state["of"]["seed"], self._state["of"]["max_epochs"])
            staged.load_state_dict(self._state["search"])
        except (RuntimeError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{self._folder} is not a complete supernet ({error}); use another checkpoint"
            ) from error
        return staged.search
