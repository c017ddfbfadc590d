"""The settings of a table: which rows, what is predicted, how columns are read, and how the rows are split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trainables.data.split_settings import SplitSettings
from trainables.errors import TrainableError
from trainables.settings import check_flag, check_name, check_number, check_text
from trainables.settings.groups import flat_name

__all__ = ["KINDS", "NUMBER_SCALES", "TableSettings"]

KINDS = ("classification", "regression")
NUMBER_SCALES = ("standard", "log", "quantile", "piecewise")
_LISTS = ("numeric", "categorical", "drop", "missing")


@dataclass(frozen=True, kw_only=True)
class TableSettings(SplitSettings):
    """Which rows, what is predicted, how columns are read, and how the rows are split."""

    data: Any = None
    """The path of a Parquet or CSV file, or of a folder of them, below `data_root` or not; or a pandas DataFrame."""
    target: str | Sequence[str] | None = None
    """The column that is predicted; its cells may be lists of the classes of a row. A list names several columns: of 0
    and 1 for each class, of which a row may have several, or of numbers.
    """
    root: str | None = field(default=None, metadata=flat_name("data_root"))
    """The folder of relative paths. The default is the environment variable NAS_TUNE_DATA."""
    kind: str | None = None
    """"classification" or "regression". None decides by the target: numbers are a regression, unless they are whole,
    have at most 20 different values, and at least 5 training rows for each on average.
    """
    numeric: Sequence[str] = ()
    """Columns that are numbers. Without it types decide: texts, truth values, and whole numbers of at most 10 different
    values, with at least 10 training rows for each on average, are categories; all else are numbers.
    """
    categorical: Sequence[str] = ()
    """Columns that are categories."""
    drop: Sequence[str] = ()
    """Columns that are left out."""
    missing: Sequence[str] = ()
    """Texts that stand for a missing value, such as "?", beside empty cells, NaN and the usual words of CSV files."""
    numbers: str = "standard"
    """How numbers are scaled: "standard" (mean 0, deviation 1), "log" (the same of their signed logarithm), "quantile"
    (as a normal distribution by their ranks), or "piecewise" (up to 48 inputs of one number, each the share of a bin
    below it: Gorishniy et al. 2022, 2203.05556).
    """
    log_target: bool = False
    """Whether the loss of a regression is that of the logarithm of the target, which must be above 0."""
    validation_groups: str | None = None
    """A column whose values are groups, such as patients: all rows of a group are in the same part."""
    stream: bool | None = None
    """Whether rows stay on the disk, and are read from there while the network trains. None does so where they would
    take more than a quarter of the free memory.
    """
    loaders: int = 2
    """The number of threads that read streamed rows ahead of the training."""

    def __post_init__(self) -> None:
        self.check_split()
        if self.stream is not None:
            check_flag("stream", self.stream)
        check_number("loaders", self.loaders, 1, 256, whole=True)
        check_flag("log_target", self.log_target)
        check_text("data_root", self.root, optional=True)
        object.__setattr__(self, "target", _target(self.target))
        check_name("numbers", self.numbers, NUMBER_SCALES)
        if self.kind is not None:
            check_name("kind", self.kind, KINDS)
        if self.kind == "classification" and self.log_target:
            raise TrainableError("log_target is true, and kind is 'classification'; a class has no logarithm: drop one")
        for name in _LISTS:
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        both = sorted({*self.numeric} & {*self.categorical})
        if both:
            raise TrainableError(f"column {both[0]!r} is in numeric and in categorical; leave it in one of them")

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are predicted; none where the target is not known."""
        if self.target is None:
            return ()
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)


def _target(given: object) -> str | tuple[str, ...] | None:
    if given is None or (isinstance(given, str) and given):
        return given
    names = given if isinstance(given, list | tuple) else ()
    if not names or len({*map(str, names)}) < len(names) or not all(isinstance(one, str) and one for one in names):
        raise TrainableError(f"target is {given!r}; it must be the name of a column, or a list of different names")
    return names[0] if len(names) == 1 else tuple(names)


def _names(name: str, given: object) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        raise TrainableError(f'{name} is {given!r}; it must be a list of texts, such as ["age"]')
    return tuple(given)
