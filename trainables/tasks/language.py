"""The task `language`: the next token of a text, such as the next character."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainables.controls import Control
from trainables.data.texts import (
    TextData,
    TextPart,
    TextSettings,
    Vocabulary,
    described_text,
    load_text,
    text_checksum,
    unit_of,
)
from trainables.data.texts.reading import read_text_parts
from trainables.errors import DataError, TrainableError
from trainables.metrics import CROSS_ENTROPY, Metric
from trainables.networks import NETWORKS, space_name
from trainables.networks.examples import tokens
from trainables.networks.recurrent import texts
from trainables.settings.groups import flat_settings, group
from trainables.tasks.language_control import ngrams
from trainables.tasks.meters import Means
from trainables.tasks.reading import arrays_like
from trainables.tasks.task import Task
from trainables.training.parallel import Group

__all__ = ["Language"]

_LOGITS = 2**26
"""The most logits of a batch of an evaluation, so that a large vocabulary fits into memory."""
_MOST_PIECES = 64
"""The most pieces into which an evaluation cuts a part where the state is carried; each begins without a state."""
_EXAMPLES_A_PIECE = 16
"""The least examples of such a piece, where there is more than one."""
_MOST_NATS = 700.0
"""The loss whose perplexity is the greatest that a number can hold."""
_NO_FOLDS = (
    "the parts of a text follow each other, so that no example for training stands between examples for validation; "
    "leave folds out, or train with several seeds (repeats = 3 in [trainable])"
)


@dataclass(frozen=True, kw_only=True)
class Language(Task):
    """The next token of a text, after all tokens of the example before it; recurrent networks carry their state.

    Metrics are means over all tokens of the examples that fill the part; at most `context` tokens at its end are left
    out.
    """

    name: ClassVar[str] = "language"
    primary: ClassVar[str] = "loss"

    fixed_settings: ClassVar[Collection[str]] = frozenset(flat_settings(TextSettings)) - {"context"}
    refuses: ClassVar[Mapping[str, str]] = MappingProxyType({"folds": _NO_FOLDS})
    """Why the task does not have a setting that others have, by its name."""

    data: TextSettings = field(default_factory=TextSettings, metadata=group(TextSettings))
    """Which text, what its tokens are, how it is cut into parts and examples, and how long an epoch is."""

    @property
    def metrics(self) -> Sequence[Metric]:
        """The loss in nats, the same in bits, its exponential, and the share of tokens that are most likely."""
        return (
            CROSS_ENTROPY,
            Metric(self._bits, "min", "bits", low=0.0),
            Metric("perplexity", "min", low=1.0),
            Metric("accuracy", "max", low=0.0, high=1.0),
        )

    @property
    def _bits(self) -> str:
        return {"characters": "bits_per_character", "bytes": "bits_per_byte", "ids": "bits_per_token"}[
            unit_of(self.data)
        ]

    def load(self, device: torch.device) -> TextData:
        """Load the text; later calls with equal settings take it from memory."""
        return load_text(self.data, device)

    def loss(self, outputs: Tensor, targets: Tensor, data: TextData) -> Tensor:
        """Compute the mean cross-entropy of a token in nats."""
        return functional.cross_entropy(*self.for_loss(outputs, targets, data))

    def for_loss(self, outputs: Tensor, targets: Tensor, data: TextData) -> tuple[Tensor, Tensor]:
        """Put the tokens of all examples into one row: (tokens, vocabulary) and (tokens,)."""
        return outputs.flatten(0, 1).float(), targets.flatten()

    def for_metrics(self, outputs: Tensor, targets: Tensor, data: TextData) -> tuple[Tensor, Tensor]:
        """Do the same; a mean is then over tokens."""
        return self.for_loss(outputs, targets, data)

    def meter(self, data: TextData, names: Sequence[str]) -> _Meter:
        """Measure means over tokens."""
        return _Meter(names, self._values)

    def order(self, data: TextData, generator: torch.Generator) -> Tensor:
        """Draw examples that do not overlap: they cut the text at a random place, and come in random order."""
        part, context = data.train, data.context
        count = (len(part.tokens) - 1) // context
        room = len(part) - (count - 1) * context
        first = torch.randint(room, (1,), generator=generator, device=data.device)
        drawn = torch.randperm(count, generator=generator, device=data.device) * context + first
        return drawn[: max(1, data.epoch_tokens // context)]

    def batches(
        self, data: TextData, part: TextPart, size: int, *, carried: bool, generator: torch.Generator | None = None
    ) -> Sequence[Tensor]:
        """Order examples. Where the state is carried, the text is cut into as many pieces as a batch has rows.

        Args:
            data: what `load` returned.
            part: a part of the data.
            size: the most examples of a batch.
            carried: whether row j of a batch goes on where row j of the batch before ends.
            generator: random numbers for a training epoch, which begins at a random place of the pieces. None asks for
                all examples of an evaluation, which cuts a part into the same pieces whatever the `size`.

        Returns:
            The numbers of the examples of each batch.
        """
        step = data.context // part.stride
        count = (len(part) - 1) // step + 1
        if generator is not None:
            lanes = min(size, count)
            length = count // lanes
            steps = min(length, max(1, data.epoch_tokens // (data.context * lanes)))
            room = len(part) - (lanes * length - 1) * step
            first, begin = (
                int(torch.randint(most, (1,), generator=generator, device=data.device))
                for most in (room, length - steps + 1)
            )
            starts = torch.arange(lanes, device=data.device) * length * step + first
            return [starts + (begin + index) * step for index in range(steps)]
        if not carried:
            most = max(1, min(size, _LOGITS // (data.context * data.vocabulary.size)))
            starts = torch.arange(count, device=data.device) * step
            return [starts[first : first + most] for first in range(0, count, most)]
        lanes = min(_MOST_PIECES, max(1, count // _EXAMPLES_A_PIECE))
        lengths = torch.tensor([count // lanes + (lane < count % lanes) for lane in range(lanes)], device=data.device)
        starts = lengths.cumsum(0) - lengths
        return [(starts[lengths > index] + index) * step for index in range(int(lengths[0]))]

    def decode(self, outputs: Tensor, data: TextData) -> list[str] | list[list[int]]:
        """Write the most likely token after each token of an example, as a text; of ids a list of them."""
        rows: Any = [data.vocabulary.decode(row) for row in outputs.argmax(-1).cpu().numpy()]
        return list(rows)

    def exported(self, data: TextData) -> dict[str, Any]:
        """Return the vocabulary, and what the inputs are."""
        unit = data.vocabulary.unit
        return {
            "meanings": {"input": f"numbers of {unit}, by the vocabulary in `reading`"},
            "reading": {"vocabulary": data.vocabulary.to_dict(), "context": data.context},
            "pipeline": "text-generation",
        }

    def restored(self, reading: Mapping[str, Any], classes: Sequence[str], *, finished: bool) -> TextData:
        """Make a text without tokens."""
        none = TextPart(torch.zeros(0, dtype=torch.int32), int(reading["context"]), 1)
        return TextData("", none, none, none, Vocabulary.from_dict(reading["vocabulary"]), 1)

    def read(self, x: Any, like: Tensor, data: TextData) -> tuple[Tensor, Sequence[str]]:
        """Read a text: the path of a file, or a text of several lines, which is cut into examples; a list of texts,
        whose last characters are an example each; or numbers of tokens (n, context).
        """
        texts = x if isinstance(x, list | tuple) and x and all(isinstance(one, str) for one in x) else None
        if texts is None and not isinstance(x, str | Path):
            found: Tensor = arrays_like(x, like)
            if not 0 <= int(found.min()) <= int(found.max()) < data.vocabulary.size:
                raise DataError(f"x has a token beyond the vocabulary of {data.vocabulary.size}; correct it")
            return found, []
        context = data.context
        rows, names = [], []
        for place, text in enumerate(texts if texts is not None else [x]):
            tokens = self._tokens(text, data, f"text {place}" if texts is not None else "x", is_text=texts is not None)
            if len(tokens) < context:
                raise DataError(f"a text has {len(tokens)} tokens, and the network takes {context}; give longer texts")
            starts = [len(tokens) - context]
            if texts is None:
                starts = sorted({*range(0, len(tokens) - context + 1, context), len(tokens) - context})
            rows += [tokens[start : start + context] for start in starts]
            names += [f"text {place}" if texts is not None else f"token {start}" for start in starts]
        return torch.from_numpy(np.stack(rows)), names

    def _tokens(self, text: Any, data: TextData, place: str, *, is_text: bool) -> Any:
        """The numbers of the tokens of a text, or of the files of a path."""
        unit = data.vocabulary.unit
        if is_text and unit == "ids":
            raise DataError("x is a text, and the network takes ids of tokens; give an array of them")
        # A text of several lines is taken for the text itself.
        given = f"{text}\n" if is_text else text
        read = read_text_parts(TextSettings(data=given, tokens=unit, encoding=self.data.encoding))
        points = np.concatenate(list(read.parts.values()))
        return data.vocabulary.encode(points[:-1] if is_text else points, place)

    def recipe(self) -> dict[str, object]:
        """Train by AdamW: with plain gradient descent transformers hardly learn."""
        return {"optimizer": "adamw", "lr": 3e-3, "weight_decay": 0.01, "grad_clip": 1.0}

    def full_recipe(self) -> dict[str, object]:
        """Train the winner on the validation part too."""
        return {"whole": True}

    def check_space(self, space: object) -> None:
        """Check that the networks of a space take tokens."""
        name = space_name(space)
        kinds = (tokens, texts)
        if name in NETWORKS.built_in() and NETWORKS.get(name).example not in kinds:
            known = ", ".join(one for one in NETWORKS.built_in() if NETWORKS.get(one).example in kinds)
            raise TrainableError(f"the networks of {name} take no text; give one of the spaces for language: {known}")

    def about(self) -> list[str]:
        """Describe the parts, the vocabulary, an epoch, and what was noticed."""
        return described_text(self.data)

    def controls(self) -> list[Control]:
        """Count the tokens, pairs and triples of the training part, which takes seconds."""
        reported = [metric.name for metric in self.metrics if metric.name != "accuracy"]
        return ngrams(self.load(torch.device("cpu")), lambda nats: _named(reported, self._values({"loss": nats})))

    def checksum(self) -> str:
        """Compute a checksum of all tokens, however they are cut."""
        return text_checksum(self.data)

    def identity(self) -> dict[str, object]:
        """Return every setting by its dotted name; a text in memory is known by its checksum."""
        values = {f"data.{one.name}": getattr(self.data, one.name) for one in dataclasses.fields(self.data)}
        data = self.data.data
        if isinstance(data, np.ndarray) or "\n" in str(data):
            values["data.data"] = self.checksum()
        del values["data.stream"]  # the numbers are the same
        return {name: value if isinstance(value, int | float | None) else str(value) for name, value in values.items()}

    def _values(self, means: Mapping[str, float]) -> dict[str, float]:
        """The metrics that follow from means over tokens."""
        nats = means["loss"]
        of_loss = {"loss": nats, self._bits: nats / math.log(2), "perplexity": math.exp(min(nats, _MOST_NATS))}
        return {**of_loss, **means}


class _Meter:
    """Measures the loss and accuracy of tokens, and what follows from them.

    Args:
        names: the metrics to measure.
        values: the metrics by name, of the means by name.
    """

    def __init__(self, names: Sequence[str], values: Any) -> None:
        self._names, self._values = names, values
        sums = {"loss": _nats, "accuracy": _right}
        self._means = Means(sums if "accuracy" in names else {"loss": _nats} if names else {})

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch.

        Args:
            outputs: logits (n, t, vocabulary), detached.
            targets: the tokens (n, t).
        """
        self._means.add(outputs, targets)

    def merge(self, group: Group, device: torch.device) -> None:
        """Make this the meter of all batches of all processes.

        Args:
            group: the processes that evaluate together.
            device: the device on which the processes communicate.
        """
        self._means.merge(group, device)

    def result(self) -> dict[str, float]:
        """Compute the metrics; waits for the device.

        Returns:
            The values by name; nothing where no example was added.
        """
        means = self._means.result()
        return _named(self._names, self._values(means)) if means else {}


def _named(names: Sequence[str], values: Mapping[str, float]) -> dict[str, float]:
    return {name: values[name] for name in values if name in names}


def _nats(outputs: Tensor, targets: Tensor) -> Tensor:
    """The sum over examples of the mean loss of their tokens."""
    logits = outputs.flatten(0, 1).float()
    return functional.cross_entropy(logits, targets.flatten(), reduction="sum") / targets.shape[1]


def _right(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs.argmax(-1) == targets).float().mean(1).sum()
