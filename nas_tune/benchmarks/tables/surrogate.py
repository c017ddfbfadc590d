"""A surrogate of a table: a network that predicts the result of a training from its architecture and epoch.

It reads the ONNX surrogates of YAHPO Gym (Pfisterer et al. 2022, arXiv 2109.03670) for NAS-Bench-301 (Siems et al.
2020, arXiv 2008.09777), with their encoding.json, input_order.json and config_space.json beside them: members of
`darts`, epochs 1 to 98, the validation accuracy in percent and the seconds of the training. Its seconds for the first
epochs are too high (epoch 1 would take longer than epoch 3), so only those of the full training are used: each epoch
gets an equal part of them.

Two trees of one architecture, whose nodes have other numbers, may get different answers.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from nas_tune.benchmarks.tables.benchmark import Curve
from nas_tune.errors import ConfigError
from search_spaces import Architecture, ArchitectureError, Space
from search_spaces.catalogue.darts import DartsSpace

__all__ = ["SurrogateBenchmark"]

_PREFIX = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
_ABSENT = "#na#"
_ENDS = (8, 27)
"""The places of the curve where batches of predicted epochs end: most trials are stopped early."""
_REMEMBERED = 10_000


class SurrogateBenchmark:
    """Answers from an ONNX file: some 140 whole curves a second on one busy core, and 460 of eight epochs.

    Args:
        file: the ONNX file, with the files that describe its inputs beside it.
        space: `darts`.
        epochs: the fidelities in epochs, rising; empty for all that the surrogate has.

    Raises:
        ConfigError: a file is missing or is another kind of model, the space is not `darts`, the surrogate does not
            know an epoch, or onnx and onnxruntime are not installed.
    """

    def __init__(self, file: Path, space: Space, epochs: Sequence[int] = ()) -> None:
        self._space = DartsSpace()
        if space.fingerprint != self._space.fingerprint:
            raise ConfigError(f"table {file} answers about the space 'darts', not {space.name!r}")
        self._order = _beside(file, "input_order.json")
        self._codes: dict[str, dict[str, int]] = _beside(file, "encoding.json")
        self.epochs = tuple(epochs) or _known(file)
        if list(self.epochs) != sorted(set(self.epochs)) or not set(self.epochs) <= set(_known(file)):
            raise ConfigError(
                f"fidelities {self.epochs}: give epochs in increasing order, between 1 and {_known(file)[-1]}"
            )
        self._last = _known(file)[-1]
        self._session = _session(file)
        self._remembered = functools.lru_cache(_REMEMBERED)(self._looked_up)

    def curve(self, architecture: Architecture, seed: int) -> Curve:
        """Return the curve, which is the same for every seed."""
        return self._remembered(architecture)

    def test(self, architecture: Architecture) -> float | None:
        """Return None: the surrogate has no test score."""
        return None

    def costs(self, architecture: Architecture) -> Mapping[str, float]:
        """Return nothing: the surrogate predicts no costs."""
        return {}

    def best(self, mode: Literal["max", "min"], judged_by: Literal["test", "validation"]) -> float | None:
        """Return None: the space is too large to predict all architectures."""
        return None

    def predict(self, codes: NDArray[np.int32], epochs: Sequence[int]) -> NDArray[np.float64]:
        """Predict a learning curve.

        Args:
            codes: of an architecture, shape (n,), from `codes`.
            epochs: e numbers of epochs.

        Returns:
            Shape (e, 2): the accuracy in percent, and the surrogate's seconds until that epoch.
        """
        inputs = {
            "x_cat": np.tile(codes, (len(epochs), 1)),
            "x_cont": np.asarray(epochs, np.float32)[:, None],
        }
        return np.asarray(self._session.run(None, inputs)[0], np.float64)

    def codes(self, architecture: Architecture) -> NDArray[np.int32]:
        """Encode an architecture for the surrogate.

        Args:
            architecture: of `darts`.

        Returns:
            Integers, shape (n,), for the n inputs of the surrogate.

        Raises:
            ArchitectureError: it is not a member of the space.
        """
        tree: Any = architecture._tree
        try:
            named = {**self._named("normal", tree["normal"]), **self._named("reduce", tree["reduce"])}
            return np.array([self._codes[name][named.get(name, _ABSENT)] for name in self._order], np.int32)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ArchitectureError("", f"{architecture.to_json()} is not a member of darts: {error!r}") from error

    def _named(self, kind: str, cell: Any) -> dict[str, str]:
        """The surrogate's names for a cell. Edges are counted node by node; the first node has no choice of inputs."""
        named, first = {}, 0
        for node, edges in enumerate(self._space.cell_of(cell), 2):
            for operation, source in edges:
                named[f"{_PREFIX}edge_{kind}_{first + source}"] = operation
            if node > 2:
                sources = sorted(source for _, source in edges)
                named[f"{_PREFIX}inputs_node_{kind}_{node}"] = "_".join(map(str, sources))
            first += node
        return named

    def _looked_up(self, architecture: Architecture) -> Curve:
        answers = _Answers(self, self.codes(architecture), self._last)
        share = answers.full_seconds / self._last
        return Curve(answers, tuple(share * epoch for epoch in self.epochs))


class _Answers(Sequence[float]):
    """The values of a curve, which the surrogate predicts when they are read."""

    def __init__(self, surrogate: SurrogateBenchmark, codes: NDArray[np.int32], last: int) -> None:
        self._surrogate, self._codes = surrogate, codes
        # The first batch has the last epoch too, for the seconds of the full training.
        first = surrogate.predict(codes, [*surrogate.epochs[: _ENDS[0]], last])
        self.full_seconds = float(first[-1, 1])
        self._values: list[float] = first[:-1, 0].tolist()

    def __len__(self) -> int:
        return len(self._surrogate.epochs)

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        place = range(len(self))[index]
        while place >= len(self._values):
            known = len(self._values)
            end = next((end for end in _ENDS if end > known), len(self))
            self._values += self._surrogate.predict(self._codes, self._surrogate.epochs[known:end])[:, 0].tolist()
        return self._values[place]


def _beside(file: Path, name: str) -> Any:
    try:
        return json.loads((file.parent / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"table {file} is read with the {name} beside it, which cannot be read: {error}") from error


@functools.lru_cache(maxsize=4)
def _known(file: Path) -> tuple[int, ...]:
    epochs = [one for one in _beside(file, "config_space.json")["hyperparameters"] if one["name"] == "epoch"]
    if not epochs:
        raise ConfigError(f"table {file}: its config_space.json has no epoch, so it is not a surrogate of trainings")
    return tuple(range(int(epochs[0]["lower"]), int(epochs[0]["upper"]) + 1))


def _session(file: Path) -> Any:
    """The model, changed to take any number of epochs at a time; on one thread, since races use all cores."""
    try:
        import onnx
        import onnxruntime
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise ConfigError(f"table {file} needs {error.name}: pip install 'nas-tune[surrogate]'") from error
    try:
        model = onnx.load(file)
    except (OSError, DecodeError) as error:
        raise ConfigError(f"table {file} cannot be read: {error}") from error
    if {given.name for given in model.graph.input} != {"x_cat", "x_cont"}:
        raise ConfigError(f"table {file} is not a surrogate of YAHPO Gym: its inputs are not x_cat and x_cont")
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
