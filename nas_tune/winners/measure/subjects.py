"""What is measured, by name: networks, ONNX files, architectures of a space, or the best members of a run."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.results import Run
from nas_tune.winners.export.sources import deployed_by
from nas_tune.winners.retrain.candidates import Candidate, chosen_of
from nas_tune.winners.retrain.origin import Origin, origin_of
from search_spaces import Architecture, Space
from trainables.hardware.device import Device
from trainables.hardware.engines import Subject
from trainables.networks import build, example
from trainables.protocol import Building
from trainables.registry import TrainableTarget, adapt
from trainables.training.batches import Batch
from trainables.trial.repeated import one_of

__all__ = ["Chosen", "NamedSubject", "subjects_of"]

FILE = ".onnx"


@dataclass(frozen=True)
class NamedSubject:
    """A network or a file that is to be measured.

    Attributes:
        name: its name in tables.
        subject: makes the network with an example of its input, or is an ONNX file.
        architecture: its canonical id; None for a network or file without one.
        trial: the number of its trial; None where it is of no run.
        device: the device of its run; None where it has none.
    """

    name: str
    subject: Subject
    architecture: str | None = None
    trial: int | None = None
    device: Device | None = None


@dataclass(frozen=True)
class Chosen:
    """How the subjects are found in what a caller gives.

    Attributes:
        inputs: an example of the input of networks that are given as modules, (n, ...).
        space: the space of architectures: its name, or a `Space`.
        settings: of the networks of that space, as for `trainables.build`.
        k: how many of the best members of a run.
        trial: the number of a trial of a run, instead of the best.
        trainable: the trainable of a run, if it cannot be imported by name.
        allow_code: import the code that a run from elsewhere names.
        reaches: the keys of a run's configuration that are used and lead out of this machine, such as "device".
    """

    inputs: Batch = None
    space: str | Space | None = None
    settings: Mapping[str, Any] | None = None
    k: int = 5
    trial: int | None = None
    trainable: TrainableTarget | None = None
    allow_code: bool = False
    reaches: Collection[str] = ()


def subjects_of(given: object, chosen: Chosen) -> list[NamedSubject]:
    """Find the subjects in what a caller gives.

    Args:
        given: a run or its folder, the path of an ONNX file, a module, or an architecture or its tree where a space is
            given; a list of these, or without a space a mapping of modules and paths by name.
        chosen: the other arguments of the call.

    Returns:
        The subjects, each with a name of its own.

    Raises:
        ForeignCodeError: a run comes from elsewhere, and names code.
        ConfigError: it is none of these; or something that it needs is missing.
    """
    if isinstance(given, Mapping) and chosen.space is None and not isinstance(given, Architecture):
        found = [one for name, value in given.items() for one in _found(value, chosen, str(name))]
    else:
        several = given if isinstance(given, list | tuple) else [given]
        found = [one for value in several for one in _found(value, chosen, None)]
    if not found:
        raise ConfigError("nothing is given to measure; give a run, a network, an ONNX file or architectures")
    names = [one.name for one in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"{twice} is given twice; give each once, or a mapping with another name for each")
    return found


def _found(value: object, chosen: Chosen, name: str | None) -> Iterator[NamedSubject]:
    if isinstance(value, nn.Module):
        yield NamedSubject(name or type(value).__name__, _module(value, chosen.inputs))
    elif isinstance(value, str | os.PathLike) and Path(value).suffix.lower() == FILE:
        yield NamedSubject(name or os.fspath(value), _file(Path(value)))
    elif chosen.space is not None:
        yield _architecture(value, chosen, name)
    elif isinstance(value, Run | str | os.PathLike):
        yield from _members(Run.of(value if isinstance(value, Run) else Path(value)), chosen, name)
    elif isinstance(value, Architecture):
        raise ConfigError("an architecture alone builds no network; give its space too: space='nb201'")
    else:
        raise ConfigError(
            f"got {value!r:.100}, which cannot be measured; give a run, a network (with inputs=...), the path of an "
            "ONNX file, or architectures (with space=...)"
        )


def _module(network: nn.Module, inputs: Batch) -> Subject:
    if inputs is None:
        raise ConfigError(
            f"{type(network).__name__}: a network alone has no input; give an example: inputs=torch.randn(1, 3, 32, 32)"
        )
    return lambda: (network, inputs)


def _file(path: Path) -> Path:
    if not path.expanduser().is_file():
        raise ConfigError(f"there is no file {path}; give the path of an ONNX file")
    return path.expanduser()


def _architecture(value: object, chosen: Chosen, name: str | None) -> NamedSubject:
    space = chosen.space if isinstance(chosen.space, Space) else search_spaces.get(str(chosen.space))
    member, settings = space.validate(value), dict(chosen.settings or {})

    def made() -> tuple[nn.Module, Batch]:
        return build(space, member, **settings), example(space, batch=1, **settings)

    return NamedSubject(name or member.id, made, member.id)


def _members(run: Run, chosen: Chosen, name: str | None) -> Iterator[NamedSubject]:
    """The best members of a run, by the trainable that would train them; their weights do not matter."""
    origin = origin_of(run, chosen.trainable, allow_code=chosen.allow_code, reaches=chosen.reaches)
    for one in chosen_of(run, chosen.trial, chosen.k, run.metric):
        identifier = origin.space.validate(one.tree).id
        label = one.label if name is None else f"{name}, {one.label}"
        yield NamedSubject(label, _trained_by(origin, one), identifier, one.trial, run.config.device)


def _trained_by(origin: Origin, candidate: Candidate) -> Subject:
    def made() -> tuple[nn.Module, Batch]:
        trainable, member = one_of(adapt(origin.target, origin.settings)), origin.space.validate(candidate.tree)
        if isinstance(trainable, Building):
            return trainable.untrained(member)
        trainable.setup(member, seed=0, max_epochs=1)
        deployed = deployed_by(trainable)
        return deployed.network, deployed.inputs

    return made
