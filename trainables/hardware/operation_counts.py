"""What predicts the cost of a network: how many operations of each kind it has, with their MACs and bytes.

Each is counted at three levels: over all operations, by kind, and by kind, channels and side (as powers of two). The
name of a count tells its level: "macs", "macs|convolution 3x3", "macs|convolution 3x3|16|32". A fit shrinks each level
towards the one above it (`trainables.hardware.scaled_ridge`).

A space that has networks is counted by a trace of the network of each member (`trainables.hardware.operations`); other
spaces by their decisions (`trainables.hardware.decision_counts`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from search_spaces.architecture import Architecture
from search_spaces.errors import NasTuneError
from search_spaces.space import Space
from trainables.costs.liveness import peaks
from trainables.costs.profile import measured_on
from trainables.errors import TrainableError
from trainables.hardware.decision_counts import decision_counts
from trainables.hardware.operations import Operation, OperationTracer
from trainables.networks import NETWORKS, build, builder_of
from trainables.training.batches import Batch

__all__ = [
    "Counts",
    "FloatArray",
    "MemberCounts",
    "OperationCounter",
    "Untrained",
    "counter_of",
    "counts_matrix",
    "group_of",
]

FloatArray = npt.NDArray[np.float64]
Untrained: TypeAlias = Callable[[Architecture], tuple[nn.Module, Batch]]
"""Builds the network of a member, with an example of its inputs."""
_KEPT = 40_000
"""Members after which a counter empties its cache; a member takes about 2 kB."""
_COUNTERS = 4
"""Counters that are kept for later predictors of the same space."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one member.

    Attributes:
        names: of the counts.
        values: the counts, in the order of the names.
    """

    names: tuple[str, ...]
    values: FloatArray


@dataclass(frozen=True, slots=True)
class MemberCounts:
    """The counts of one member, for both ways to run a network.

    Attributes:
        live: what an engine that optimizes graphs runs.
        executed: what an engine that runs the code of the network does, dead operations included.
    """

    live: Counts
    executed: Counts


class OperationCounter:
    """Counts the operations of members of a space; each member is counted once.

    Args:
        space: the space.
        settings: settings of `trainables.build`, such as `channels`.
        untrained: builds the network of a member, with an example of its inputs, instead of `trainables.build`.

    Raises:
        TrainableError: the space has no network and there are settings, or its network does not take them.
    """

    def __init__(self, space: Space, settings: Mapping[str, Any], untrained: Untrained | None = None) -> None:
        self._space, self._settings, self._untrained = space, dict(settings), untrained
        self._known: dict[str, MemberCounts] = {}
        self._peaks: dict[str, tuple[int, int]] = {}
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._tracer: OperationTracer | None = None
        self._example: Batch = None
        if untrained is not None:
            self._tracer = OperationTracer()
        elif has_network(space):
            self._tracer, self._example = OperationTracer(), measured_on(space, **settings)
        elif settings:
            raise TrainableError(
                f"{next(iter(settings))}: {space.name or 'the space'} has no network that takes settings; leave them "
                "out"
            )

    def counts(self, architecture: Architecture) -> MemberCounts:
        """Count the operations of a member.

        Args:
            architecture: a member of the space.

        Returns:
            Its counts.

        Raises:
            TrainableError: its network cannot be built.
        """
        key = architecture.to_json()
        if key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = self._counted(architecture)
        return self._known[key]

    def peaks(self, architecture: Architecture) -> tuple[int, int] | None:
        """Count the peak memory of a member, once.

        Args:
            architecture: a member of the space.

        Returns:
            The bytes for an engine that plans its memory, and for PyTorch; None where the space has no networks.

        Raises:
            TrainableError: its network cannot be built or traced.
        """
        if self._tracer is None:
            return None
        key = architecture.to_json()
        if key not in self._peaks:
            if len(self._peaks) >= _KEPT:
                self._peaks.clear()
            try:
                self._peaks[key] = peaks(*self._made(architecture))
            except NasTuneError:
                raise
            except Exception as error:  # a network of one's own may raise anything
                raise TrainableError(
                    f"the peak memory of {key:.200} cannot be counted: its network raised {type(error).__name__}: "
                    f"{error}"
                ) from error
        return self._peaks[key]

    def _made(self, architecture: Architecture) -> tuple[nn.Module, Batch]:
        with torch.random.fork_rng(devices=[]):
            if self._untrained is not None:
                return self._untrained(architecture)
            with torch.device("meta"):
                return build(self._space, architecture, **self._settings), self._example

    def _counted(self, architecture: Architecture) -> MemberCounts:
        if self._tracer is None:
            live, executed = decision_counts(self._space, architecture)
            return MemberCounts(self._shared(live), self._shared(executed))
        try:
            found = self._operations(self._tracer, architecture)
        except NasTuneError:
            raise
        except Exception as error:  # a network of one's own may raise anything
            raise TrainableError(
                f"the operations of {architecture.to_json():.200} cannot be counted: its network raised "
                f"{type(error).__name__}: {error}"
            ) from error
        return MemberCounts(self._shared(_counts(one for one in found if one.is_live)), self._shared(_counts(found)))

    def _operations(self, tracer: OperationTracer, architecture: Architecture) -> list[Operation]:
        untrained = self._untrained
        if untrained is None:
            return tracer.operations(lambda: (build(self._space, architecture, **self._settings), self._example))
        if self._example is None:
            # What `untrained` keeps from its first call, such as an example of the data, is no tensor without values.
            self._example = untrained(architecture)[1]
        return tracer.operations(lambda: untrained(architecture))

    def _shared(self, counts: Mapping[str, float]) -> Counts:
        """Counts whose names are one object for all members that have the same ones."""
        names = tuple(sorted(counts))
        values = np.array([counts[name] for name in names], dtype=np.float64)
        return Counts(self._names.setdefault(names, names), values)


def has_network(space: Space) -> bool:
    """Tell whether the members of a space can be built as networks.

    Args:
        space: the space.

    Returns:
        True if a builder is registered under its name.
    """
    return isinstance(space.name, str) and space.name in NETWORKS


_counters: dict[str, tuple[object, OperationCounter]] = {}


def counter_of(space: Space, settings: Mapping[str, Any]) -> OperationCounter:
    """Return the counter of a space, the same one where an equal space was counted with equal settings before.

    Args:
        space: the space.
        settings: settings of `trainables.build`.

    Returns:
        The counter.

    Raises:
        TrainableError: the space has no network and there are settings, or its network does not take them.
    """
    key = json.dumps([space.name, space.fingerprint, settings], sort_keys=True, default=repr)
    builder = builder_of(space) if has_network(space) else None
    held = _counters.pop(key, None)
    made = held[1] if held is not None and held[0] is builder else OperationCounter(space, settings)
    _counters[key] = builder, made
    while len(_counters) > _COUNTERS:
        del _counters[next(iter(_counters))]
    return made


def counts_matrix(members: Sequence[Counts], columns: Sequence[str]) -> FloatArray:
    """Arrange counts in a matrix.

    Args:
        members: the counts of some members.
        columns: the names of the counts that are wanted.

    Returns:
        The counts, (members, columns); 0 where a member has no such count.
    """
    place_of = {name: place for place, name in enumerate(columns)}
    matrix = np.zeros((len(members), len(columns)))
    places: dict[int, tuple[list[int], list[int]]] = {}
    for row, counts in enumerate(members):
        if id(counts.names) not in places:
            known = [(place, place_of[name]) for place, name in enumerate(counts.names) if name in place_of]
            places[id(counts.names)] = [place for place, _ in known], [column for _, column in known]
        own, wanted = places[id(counts.names)]
        matrix[row, wanted] = counts.values[own]
    return matrix


def group_of(name: str) -> str:
    """Name the group of a count: the counts that are comparable with each other.

    Args:
        name: of the count.

    Returns:
        Its unit and its level, such as "macs|1" for the MACs of a kind.
    """
    return f"{name.partition('|')[0]}|{name.count('|')}"


def _counts(operations: Iterable[Operation]) -> Counter[str]:
    found: Counter[str] = Counter({"count": 0, "macs": 0, "bytes": 0})
    for one in operations:
        for level in ("", f"|{one.kind}", f"|{one.kind}|{one.channels}|{one.side}"):
            found[f"count{level}"] += 1
            found[f"bytes{level}"] += one.bytes
            if one.macs:
                found[f"macs{level}"] += one.macs
    return found
