"""What can go wrong with a search, with the exit code that the command line ends with.

search_spaces.errors.NasTuneError  1   the root of them all
|-- ConfigError (ValueError)       2   a setting that cannot be: refused before a trial starts
|   `-- ForeignCodeError           2   a run from elsewhere names code that nobody has allowed
|-- NoUsableTrialError             3   the search ended and not one trial gave a value
|-- RunFolderError                 4   the run folder cannot be read or written
|   |-- RunLockedError             4   another driver holds the run
|   |-- LedgerDamagedError         4   the ledger is torn, missing or not one
|   `-- NewerFormatError           4   written by a newer nas_tune
|-- ResumeRefusedError             5   the run was started with something else
|-- InfeasibleError                6   resources that the machine or cluster does not have
`-- StrategyError                  1   a strategy that cannot propose
"""

from __future__ import annotations

from search_spaces.errors import NasTuneError

__all__ = [
    "FAILURES",
    "ConfigError",
    "ForeignCodeError",
    "InfeasibleError",
    "LedgerDamagedError",
    "NasTuneError",
    "NewerFormatError",
    "NoUsableTrialError",
    "ResumeRefusedError",
    "RunFolderError",
    "RunLockedError",
    "StrategyError",
]


FAILURES = ("error", "diverged", "constraint", "oom", "timeout", "bad_result", "storage")
"""The kinds of failure of a trial."""


class ConfigError(NasTuneError, ValueError):
    """A setting of the search that breaks a rule; raised before any trial starts."""

    exit_code = 2


class ForeignCodeError(ConfigError):
    """A run that did not begin here names code; the message lists it, and nothing of it was imported."""


class NoUsableTrialError(NasTuneError):
    """The search ended without a single trial that has a value; the message holds the first cause."""

    exit_code = 3


class RunFolderError(NasTuneError):
    """A run folder that is missing, taken, not writable, or full."""

    exit_code = 4


class RunLockedError(RunFolderError):
    """Another driver is writing this run; the message names its host and process."""


class LedgerDamagedError(RunFolderError):
    """The ledger cannot be read whole; the message names the latest backup, nothing is changed."""


class NewerFormatError(RunFolderError):
    """The ledger was written by a newer version."""


class ResumeRefusedError(NasTuneError):
    """The run was started with another space, trainable, metric or mode; the message is the difference."""

    exit_code = 5


class InfeasibleError(NasTuneError):
    """Resources were asked for that the machine or the cluster does not have."""

    exit_code = 6


class StrategyError(NasTuneError):
    """A strategy failed to propose an architecture several times in a row."""
