"""Networks of your own: a module with choices of `search_spaces.nn`, or a builder of your own, as a family.

    own_family(Net)                         # a class: every network is built from a new Net()
    own_family(partial(Net, hidden=64))     # the same with arguments
    own_family(Net(hidden=64))              # an instance, which is a template: its weights are drawn again
    own_family(build)                       # a function of an architecture and what the data decide

A constructor or a function gets those of the arguments that the data decide that its signature has, such as
`num_classes`. The networks of a module are plain: `freeze` leaves no choice in them.
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from search_spaces.names import is_identifier
from search_spaces.nn import freeze, space_of
from search_spaces.nn.choices import ChoiceModule
from search_spaces.space import Space
from trainables.errors import TrainableError
from trainables.networks.family import Family

__all__ = ["OwnModule", "is_own", "module_space", "own_family", "own_name"]

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_PLAIN = (bool, int, float, str, type(None))


class OwnModule:
    """A builder: the networks of a module with choices.

    Args:
        source: the class of the module, a partial of it, or an instance, of which this builder keeps a copy.
    """

    def __init__(self, source: Callable[..., nn.Module] | nn.Module) -> None:
        self.source = copy.deepcopy(source) if isinstance(source, nn.Module) else source
        own = [] if isinstance(source, nn.Module) else list(inspect.signature(source).parameters.values())
        named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own if one.kind in _NAMED]
        first = inspect.Parameter("architecture", inspect.Parameter.POSITIONAL_ONLY)
        self.__signature__ = inspect.Signature([first, *named])

    def __call__(self, architecture: object, /, **arguments: object) -> nn.Module:
        """Build the network of an architecture.

        Args:
            architecture: a member of the space of the module, or its tree; None for the undecided module.
            arguments: of the constructor.

        Returns:
            The network; its weights are drawn from torch's random state.
        """
        module = self.undecided(arguments)
        return module if architecture is None else freeze(module, architecture)

    def undecided(self, arguments: Mapping[str, object]) -> nn.Module:
        """Make the module with its choices.

        Args:
            arguments: of the constructor.

        Returns:
            A new module on the default device of torch.
        """
        if not isinstance(self.source, nn.Module):
            return self.source(**arguments)
        made = copy.deepcopy(self.source).to(torch.get_default_device())
        for module in made.modules():
            reset = getattr(module, "reset_parameters", getattr(module, "_reset_parameters", None))
            if callable(reset):
                reset()
        return made


def is_own(given: object) -> bool:
    """Check whether an object is a module of one's own: a class or an instance of `torch.nn.Module`, or a partial.

    Args:
        given: any object.

    Returns:
        True if so.
    """
    found = given.func if isinstance(given, partial) else given
    return isinstance(found, nn.Module) or (isinstance(found, type) and issubclass(found, nn.Module))


def own_family(given: object, reference: str | None = None) -> Family:
    """Make the family of a module or of a builder.

    Args:
        given: a class or an instance of `torch.nn.Module` with choices, a partial of a class, or a function of an
            architecture. A class whose constructor begins with `architecture` is such a function, too.
        reference: the "module:attribute" from which other processes import it, where its own name does not say that.

    Returns:
        The family. An instance that its class makes again without arguments is in it by its class.

    Raises:
        TrainableError: it is none of these.
    """
    if not is_own(given) or _takes_architecture(given):
        if not callable(given):
            raise TrainableError(
                f"{given!r:.80} builds no network; give a function of an architecture, or a torch.nn.Module with "
                "choices of search_spaces.nn"
            )
        return Family(given, reference=reference)
    source: Any = given
    small: Mapping[str, object] = {}
    if isinstance(given, partial) and not given.args and _is_plain(given.keywords):
        # Plain arguments travel as settings of the network, so that the class is all that has to be imported.
        source, small, reference = given.func, dict(given.keywords), None
    if isinstance(source, nn.Module) and reference is None and _is_made_by_class(source):
        source = type(source)
    builder = OwnModule(source)
    return Family(builder, undecided=True, small=small, source=source, reference=reference)


def _takes_architecture(given: object) -> bool:
    """Whether a class of modules is a builder: its constructor begins with an argument that is called so."""
    if not isinstance(given, type):
        return False
    return next(iter(inspect.signature(given).parameters), "") == "architecture"


def module_space(family: Family, arguments: Mapping[str, object], name: str) -> Space:
    """Read the space of the networks of a module.

    Args:
        family: of a module.
        arguments: what the data decide, by name; those that the constructor takes are passed.
        name: of the space.

    Returns:
        The space.

    Raises:
        TrainableError: the constructor needs an argument that is not known, or raises.
        SpaceError: the module has no choices, or they contradict one another.
    """
    builder = family.builder
    if not isinstance(builder, OwnModule):
        raise TrainableError(f"{name} is built by a function, which has no choices to read; give (Space, function)")
    label = _label(builder.source)
    parameters = list(inspect.signature(builder).parameters.values())[1:]
    known = {**arguments, **family.small}
    taken = {parameter.name: known[parameter.name] for parameter in parameters if parameter.name in known}
    lacking = []
    for one in parameters:
        if one.default is one.empty and one.name not in taken:
            lacking.append(one.name)
    if lacking:
        raise TrainableError(
            f"{label} needs the argument {', '.join(map(repr, lacking))}, which the data do not decide (they decide "
            f"{', '.join(arguments)}); give an instance, {label}({lacking[0]}=..), or functools.partial({label}, "
            f"{lacking[0]}=..), or set network = {{ {lacking[0]} = .. }} for the trainable"
        )
    try:
        with torch.random.fork_rng(devices=[]), torch.device("cpu"):
            module = builder.undecided(taken)
    except Exception as error:  # a user's constructor may raise anything
        given = ", ".join(f"{key}={value!r}" for key, value in taken.items())
        raise TrainableError(
            f"{label}({given}) raised {type(error).__name__}: {error}; repair it, or give an instance"
        ) from error
    space = space_of(module)
    return Space(space, name=name, canonical=space.canonical)


def own_name(family: Family, taken: Callable[[str], bool], named: str | None = None) -> str:
    """Choose the name of a space and its networks, the same in every process.

    Args:
        family: of a module or a builder.
        taken: whether a name stands for something else.
        named: the name that the user gave; None for one that is made of the name of the class or function.

    Returns:
        The name in snake case. It ends in a digest where it would be taken, or where arguments distinguish several
        networks of one class.
    """
    source = family.origin
    name = named if named and is_identifier(named) else _snake(_label(source))
    told = _digested(family.small) if family.small else ""
    if isinstance(source, nn.Module) and family.reference is None:
        told = _digested(_description(source))
    if told:
        name = f"{name[:57]}_{told}"
    if not taken(name):
        return name
    return f"{name[:57]}_{_digested(family.named or _label(source))}"


def _label(source: object) -> str:
    kind = type(source) if isinstance(source, nn.Module) else source.func if isinstance(source, partial) else source
    return str(getattr(kind, "__name__", type(kind).__name__))


def _snake(label: str) -> str:
    """`TwoInputs` as `two_inputs`, `MyCNN` as `my_cnn`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", label)
    name = re.sub(r"[^A-Za-z0-9_]", "", parted).lower().strip("_")[:64]
    return name if is_identifier(name) and name != "lambda" else "own_network"


def _digested(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:6]


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return type(value) in _PLAIN


def _is_made_by_class(module: nn.Module) -> bool:
    """Whether its class makes an equal module without arguments; weights are not compared."""
    try:
        with torch.random.fork_rng(devices=[]):
            made = type(module)()
        is_equal = _description(made) == _description(module)
    except Exception:  # noqa: BLE001 -- a user's constructor may raise anything; then it is not made by its class
        return False
    return is_equal and _buffers(made) == _buffers(module)


def _description(module: nn.Module) -> list[object]:
    """What distinguishes a module from others of its class, except its weights."""
    told: list[object] = []
    for path, inner in module.named_modules():
        plain = {}
        for key, value in vars(inner).items():
            if key != "training" and _is_plain(value):
                plain[key] = value
        told.append([path, _label(inner), inner.extra_repr(), plain])
        if isinstance(inner, ChoiceModule):
            told.append([path, repr(vars(inner).get("depth")), repr(vars(inner).get("label"))])
    told += [[name, list(tensor.shape)] for name, tensor in module.state_dict().items()]
    return [*told, space_of(module).to_spec()["tree"]]


def _buffers(module: nn.Module) -> list[tuple[str, list[Any]]]:
    return [(name, buffer.flatten().tolist()) for name, buffer in module.named_buffers()]
