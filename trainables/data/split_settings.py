"""The settings of every kind of data whose examples can be drawn: how they are split into parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from trainables.data.folding import check_folds
from trainables.settings import check_flag, check_number, check_text
from trainables.settings.groups import flat_name

__all__ = ["SplitSettings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitSettings:
    """How examples are split into parts for training, validation and the test."""

    validation_groups: str | None = None
    """The name of the groups of the examples, such as patients: all examples of a group are in the same part."""
    validation_share: float = 0.2
    """The share of the examples, above 0 and at most 0.9, for validation, where the data have no such part."""
    test_share: float = 0.2
    """The share of the examples, above 0 and at most 0.9, for the test, where the data have no such part."""
    folds: int | None = None
    """Cross-validation: the examples outside the test part are split into so many folds, and each architecture is
    trained once for each, which is then the part for validation.
    """
    fold: int | None = None
    """The only fold to train on, from 0. None trains on each in turn."""
    seed: int = field(default=0, metadata=flat_name("data_seed"))
    """Decides the parts."""
    whole: bool = False
    """Train on the validation examples too. Then there are none to validate on."""

    def check_split(self) -> None:
        """Check these settings; the class that inherits them calls this when it is made.

        Raises:
            TrainableError: a value cannot be; the message names it and the rule.
        """
        for name in ("validation_share", "test_share"):
            check_number(name, getattr(self, name), 0, 0.9, open_low=True)
        check_number("data_seed", self.seed, 0, 2**32, whole=True)
        check_flag("whole", self.whole)
        check_folds(self)
        check_text("validation_groups", self.validation_groups, optional=True)
