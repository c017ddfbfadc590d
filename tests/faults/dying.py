"""A classifier whose second process is killed, or fails, in the middle of a training that two of them share."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from trainables.tasks.image_classifier import ImageClassifier
from trainables.training.parallel import Group

__all__ = ["Dying"]


class Dying(ImageClassifier):
    """Process 1 of several meets its fault at its second epoch.

    `fault` is "kill", of its process and once, for which it leaves a file in the folder `log`, or "error".
    """

    def __init__(self, log: str = "", fault: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self._log, self._fault, self._rank, self._epochs = log, fault, 0, 0

    def join(self, group: Group) -> None:
        super().join(group)
        self._rank = group.rank

    def setup(self, *arguments: Any, **more: Any) -> None:
        super().setup(*arguments, **more)
        self._epochs = 0

    def step(self) -> dict[str, float | int]:
        self._epochs += 1
        if self._rank == 1 and self._epochs == 2:
            self._meet_the_fault()
        return super().step()

    def _meet_the_fault(self) -> None:
        if self._fault == "error":
            raise RuntimeError("the second one stumbled")
        marker = Path(self._log) / "killed"
        if self._fault == "kill" and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
