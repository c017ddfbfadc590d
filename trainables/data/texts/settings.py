"""The settings of a text: what its tokens are, how it is cut into parts and examples, and how long an epoch is."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import Any

from trainables.errors import TrainableError
from trainables.settings import check_flag, check_name, check_number, check_text
from trainables.settings.groups import flat_name

__all__ = ["UNITS", "TextSettings"]

UNITS = ("characters", "bytes", "ids")


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """What the tokens of a text are, how it is cut into parts and examples, and how long an epoch is."""

    data: Any = None
    """The path of a text file, of a NumPy file (.npy) of token ids, or of a folder of such files, below `data_root` or
    not; or a one-dimensional array of token ids. A text of several lines is taken for the text itself.
    """
    root: str | None = field(default=None, metadata=flat_name("data_root"))
    """The folder of relative paths. The default is the environment variable NAS_TUNE_DATA."""
    tokens: str | None = None
    """What a token is: "characters", "bytes" or "ids". None takes characters of texts and ids of NumPy files."""
    encoding: str = "utf-8"
    """The encoding of the characters of a text file."""
    vocabulary: int | None = None
    """The number of different ids. None takes the greatest id of the training part plus one."""
    context: int = 64
    """The number of tokens of an example."""
    epoch_tokens: int | None = None
    """The tokens that an epoch trains on, at most those of the training part. None takes the training part once."""
    validation_share: float = 0.1
    """The share of the text for validation, behind that for training, where the data have no such part."""
    test_share: float = 0.1
    """The share of the text for the test, at its end, where the data have no such part."""
    stream: bool | None = None
    """Whether the tokens of files stay on the disk, and examples are read from there while the network trains. None
    does so where they would take more than a quarter of the free memory.
    """
    whole: bool = False
    """Train on the validation part too. Then there is none to validate on."""

    def __post_init__(self) -> None:
        for name in ("validation_share", "test_share"):
            check_number(name, getattr(self, name), 0, 0.9, open_low=True)
        if self.validation_share + self.test_share > 0.95:
            raise TrainableError(
                f"validation_share is {self.validation_share:g} and test_share {self.test_share:g}; at least 0.05 of "
                "the text is left for training, so lower one of them"
            )
        check_number("context", self.context, 1, whole=True)
        for name in ("vocabulary", "epoch_tokens"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 1, whole=True)
        check_flag("whole", self.whole)
        if self.stream is not None:
            check_flag("stream", self.stream)
        check_text("data_root", self.root, optional=True)
        check_text("encoding", self.encoding)
        if self.tokens is not None:
            check_name("tokens", self.tokens, UNITS)
        if self.vocabulary is not None and self.tokens in ("characters", "bytes"):
            raise TrainableError(
                f"vocabulary is {self.vocabulary}, and tokens is {self.tokens!r}; it is a setting of ids alone: drop it"
            )
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            raise TrainableError(
                f'encoding is {self.encoding!r}, which Python does not know; give one such as "utf-8" or "latin-1", or '
                'tokens = "bytes"'
            ) from error
