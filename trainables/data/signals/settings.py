"""The settings of signals: which, what is predicted, how long they are, and how they are split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trainables.data.split_settings import SplitSettings
from trainables.errors import TrainableError
from trainables.settings import check_flag, check_name, check_number, check_text
from trainables.settings.groups import flat_name

__all__ = ["KINDS", "SignalSettings"]

KINDS = ("classification", "regression")


@dataclass(frozen=True, kw_only=True)
class SignalSettings(SplitSettings):
    """Which signals, what is predicted, how long they are, and how they are split."""

    data: Any = None
    """The path of an `.npz` or Parquet file, or of a folder of WAV files with one sub-folder per class; for forecasts
    also that of a `.npy` or CSV file. Below `data_root` or not.
    """
    target: str | None = None
    """The column or array of what is predicted; for forecasts the column of the series that is. Recognised by its name
    where it is not given.
    """
    root: str | None = field(default=None, metadata=flat_name("data_root"))
    """The folder of relative paths. The default is the environment variable NAS_TUNE_DATA."""
    signal_column: str | None = None
    """The column of Parquet files with the signals: lists of numbers, or the bytes of WAV files or 16-bit samples."""
    kind: str | None = None
    """"classification" or "regression". None decides by the target: numbers with fractions are a regression."""
    sample_rate: int | None = None
    """Samples a second, which spectrograms need. None takes that of WAV files."""
    length: int | None = None
    """The samples of an example: longer signals lose their end, shorter ones are padded with zeros there. None takes
    the length of all, or one that is enough for 95 % of those of training.
    """
    window: int | None = None
    """For forecasts of one long series: the steps that a network sees."""
    horizon: int = 1
    """The steps behind a window that are predicted."""
    step: int = 1
    """The steps from one window to the next."""
    validation_groups: str | None = None
    """A column or array whose values are groups, such as speakers: all signals of a group are in the same part."""

    stream: bool | None = None
    """Whether signals stay on the disk, and are read from there while the network trains. None does so where they would
    take more than a quarter of the free memory. The series of a forecast is always in memory.
    """
    loaders: int = 2
    """The number of threads that read streamed signals ahead of the training."""

    def __post_init__(self) -> None:
        self.check_split()
        if self.stream is not None:
            check_flag("stream", self.stream)
        check_number("loaders", self.loaders, 1, 256, whole=True)
        for name in ("sample_rate", "length", "window"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 1, whole=True)
        for name in ("horizon", "step"):
            check_number(name, getattr(self, name), 1, whole=True)
        for name in ("target", "signal_column"):
            check_text(name, getattr(self, name), optional=True)
        check_text("data_root", self.root, optional=True)
        if self.kind is not None:
            check_name("kind", self.kind, KINDS)
        if self.window is not None:
            self._check_forecast()

    def _check_forecast(self) -> None:
        if self.kind == "classification":
            raise TrainableError("window is set, which forecasts numbers, and kind is 'classification'; drop one")
        if self.folds is not None:
            raise TrainableError(
                f"folds is {self.folds} and window is set: the parts of a series follow each other in time, so that no "
                "window of training looks ahead; leave folds out, or take several seeds (repeats = 3 in [trainable])"
            )
        for name in ("length", "validation_groups", "signal_column"):
            if getattr(self, name) is not None:
                raise TrainableError(
                    f"window is set, which cuts one long series, and {name} is a setting of many signals; drop one"
                )
        if self.validation_share + self.test_share > 0.95:
            raise TrainableError(
                f"validation_share is {self.validation_share:g} and test_share {self.test_share:g}; at least 0.05 of "
                "the series is left for training, so lower one of them"
            )
