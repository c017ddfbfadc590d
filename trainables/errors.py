"""What can be wrong with data, trainables and checkpoints, and the signal that a training has ended.

    NasTuneError
    |-- DataError (ValueError)          exit 2   images or labels that are missing, damaged or too few
    |-- TrainableError (ValueError)     exit 2   a trainable or a setting of it that cannot be used
    |   `-- DeviceError                 exit 6   a device that this machine has not
    |-- CheckpointError (ValueError)    exit 2   a checkpoint that is missing, damaged or of something else
    |-- NotTheSameError                 exit 1   an exported file that does not compute what its network does
    |-- DivergedError                   exit 1   a training whose loss is no longer a finite number
    |-- GroupLostError                  exit 1   another of the processes that train together is gone
    `-- InfeasibleArchitectureError     exit 1   a network that breaks a limit of the task

`EndOfTraining` is no error: a trainable raises it where a generator would return. Nor is `OutOfTime`, which leaves an
epoch where the time of the run is up. A message says the value, the rule that it broke, and the remedy.
"""

from __future__ import annotations

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
    """A device that this machine has not, or that torch does not see."""

    exit_code = 6


class CheckpointError(NasTuneError, ValueError):
    """A checkpoint that cannot be read, or that belongs to another network."""

    exit_code = 2


class NotTheSameError(NasTuneError):
    """An exported file that cannot be loaded alone, or whose outputs are not the network's."""


class DivergedError(NasTuneError):
    """A loss or a metric became NaN or infinite; raise it in `step` to end the trial as diverged."""


class GroupLostError(NasTuneError):
    """Processes that train one network together cannot go on, for one of them is gone or stands elsewhere.

    It is no failure of the training: all of them start again from the last checkpoint.
    """


class InfeasibleArchitectureError(NasTuneError):
    """A network that breaks a limit of the task: too large, too slow; raise it in `setup` or `step` to end the trial.

    What can be told from the architecture alone belongs into the space's `valid` rule, which costs no trial.
    """


class EndOfTraining(Exception):
    """Raised by `Trainable.step` when there is no further epoch; not a failure."""


class OutOfTime(Exception):
    """Raised within an epoch that would end too late (`trainables.trial.deadline`); the epoch does not count."""


def first_line(error: BaseException) -> str:
    """The beginning of what another library says, to be part of a message: at most 200 characters."""
    return (str(error).strip().splitlines() or [""])[0][:200]
