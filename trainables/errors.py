"""The errors of data, trainables and checkpoints, and the signal that a training has ended.

    NasTuneError
    |-- DataError (ValueError)          exit 2   images or labels that are missing, damaged or too few
    |-- TrainableError (ValueError)     exit 2   a trainable or a setting of it that cannot be used
    |   `-- DeviceError                 exit 6   a device that this machine lacks
    |-- CheckpointError (ValueError)    exit 2   a checkpoint that is missing, damaged or from another training
    |-- NotTheSameError                 exit 1   an exported file whose outputs differ from the network's
    |-- DivergedError                   exit 1   a training whose loss is no longer a finite number
    |-- GroupLostError                  exit 1   one of the processes that train together has ended
    `-- InfeasibleArchitectureError     exit 1   a network that breaks a limit of the task

`EndOfTraining` is no error: a trainable raises it where a generator would return. Nor is `OutOfTime`, which ends an
epoch when the time of the run is up. A message names the value, the rule that it breaks, and the remedy.
"""

from __future__ import annotations

import re

from search_spaces.errors import NasTuneError

__all__ = [
    "CheckpointError",
    "DataError",
    "DeviceError",
    "DivergedError",
    "EndOfTraining",
    "GroupLostError",
    "InfeasibleArchitectureError",
    "NotTheSameError",
    "OutOfTime",
    "TrainableError",
    "first_line",
]


class DataError(NasTuneError, ValueError):
    """A data set that is missing, truncated, wrong in shape or too small for its splits."""

    exit_code = 2


class TrainableError(NasTuneError, ValueError):
    """A trainable that breaks the protocol, or a setting that it does not take."""

    exit_code = 2


class DeviceError(TrainableError):
    """A device that this machine lacks, or that torch does not see."""

    exit_code = 6


class CheckpointError(NasTuneError, ValueError):
    """A checkpoint that cannot be read, or that belongs to another network."""

    exit_code = 2


class NotTheSameError(NasTuneError):
    """An exported file that cannot be loaded without this project, or whose outputs differ from the network's."""


class DivergedError(NasTuneError):
    """A loss or a metric became NaN or infinite; raise it in `step` to end the trial as diverged."""


class GroupLostError(NasTuneError):
    """Processes that train one network together cannot continue: one has ended, or is at another point of the training.

    This is not a failure of the training: all processes restart from the last checkpoint.
    """


class InfeasibleArchitectureError(NasTuneError):
    """A network that breaks a limit of the task: too large, too slow; raise it in `setup` or `step` to end the trial.

    A limit that the architecture alone decides belongs in the `valid` rule of the space, which costs no trial.
    """


class EndOfTraining(Exception):
    """Raised by `Trainable.step` when there is no further epoch; not a failure."""


class OutOfTime(Exception):
    """Raised in an epoch that would end after the deadline (`trainables.trial.deadline`); the epoch does not count."""


def first_line(error: BaseException) -> str:
    """Shorten the error of another library, to quote it in a message.

    Args:
        error: any exception.

    Returns:
        Its first line, at most 200 characters, without the codes that colour it on a terminal; empty where it has no
        text.
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    return (plain.strip().splitlines() or [""])[0][:200]
