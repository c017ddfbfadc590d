"""The layers of torch.nn with undecided values for arguments.

A call of `nn.Conv2d` makes a plain `torch.nn.Conv2d`. With a `ValueChoice` (or a derived value) among the arguments,
the layer is built with every choice at its largest, and keeps an attribute `arguments`, from which `freeze` builds the
decided layer. A subclass of `nn.Conv2d` is a subclass of `torch.nn.Conv2d`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from torch.nn import Module

from search_spaces.errors import SpaceError
from search_spaces.nn.values import Valuation, Value

__all__ = ["Arguments", "LayerType", "layer_type", "recorded_arguments", "values_of"]

CONTAINERS = ("Container", "Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential")
"""Classes of torch.nn without numbers for arguments: they stay unchanged."""


class Arguments:
    """The arguments of a layer, of which some are undecided.

    Arguments that the layer's signature does not name are called `args_0`, `args_1`, ..

    Args:
        layer: the class of the layer.
        args: the positional arguments.
        kwargs: the keyword arguments.
    """

    def __init__(self, layer: type[Module], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.layer = layer
        bound = inspect.signature(layer).bind(*args, **kwargs)
        self._unnamed = tuple(bound.arguments.pop("args", ()))
        self._named = {**bound.arguments.pop("kwargs", {}), **bound.arguments}

    @property
    def values(self) -> dict[str, Any]:
        """The arguments by name."""
        return {f"args_{index}": value for index, value in enumerate(self._unnamed)} | self._named

    def build(self, valuation: Valuation, place: str = "", **placed: Any) -> Module:
        """Build the layer with decided arguments.

        Args:
            valuation: gives the decided candidate of every choice.
            place: the path of the layer in the module, for errors.
            placed: arguments that replace the given ones.

        Returns:
            The layer.

        Raises:
            SpaceError: the layer refuses the arguments.
        """
        unnamed = [_decided(value, valuation) for value in self._unnamed]
        named = {name: _decided(value, valuation) for name, value in self._named.items()}
        try:
            return self.layer(*unnamed, **{**named, **placed})
        except (TypeError, ValueError, RuntimeError) as error:
            said = ", ".join([*map(repr, unnamed), *(f"{name}={value!r}" for name, value in named.items())])
            remedy = "change the candidates, or .map() them to what fits"
            where = f"{place}: " if place else ""
            raise SpaceError(f"{where}{self.layer.__name__}({said}) cannot be built: {error}; {remedy}") from error


class LayerType(type):
    """The type of the layers of `search_spaces.nn`: a call makes a layer of torch.nn, a subclass a subclass of it.

    `isinstance`, `issubclass`, `==` and `hash` give the same results as for the layer of torch.nn.
    """

    plain: type[Module]

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **settings: Any) -> Any:
        plain = tuple(base.plain if isinstance(base, LayerType) else base for base in bases)
        if any(isinstance(base, LayerType) for base in bases):
            return type(plain[0])(name, plain, namespace, **settings)
        return super().__new__(mcs, name, bases, namespace)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not any(True for value in (*args, *kwargs.values()) for _ in values_of(value)):
            return cls.plain(*args, **kwargs)
        arguments = Arguments(cls.plain, args, kwargs)
        made = arguments.build(lambda choice: choice.largest)
        made.__dict__["arguments"] = arguments
        return made

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.plain)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.plain)

    def __eq__(cls, other: object) -> bool:
        return other is cls.plain or other is cls

    def __hash__(cls) -> int:
        return hash(cls.plain)


def layer_type(plain: Any) -> Any:
    """Make the counterpart of a layer of torch.nn that takes choices.

    Args:
        plain: an attribute of torch.nn.

    Returns:
        The counterpart; anything but a layer is returned unchanged.
    """
    if not (isinstance(plain, type) and issubclass(plain, Module)) or plain.__name__ in CONTAINERS:
        return plain
    namespace = {"plain": plain, "__doc__": plain.__doc__, "__module__": "search_spaces.nn"}
    return type.__new__(LayerType, plain.__name__, (plain,), namespace)


def recorded_arguments(module: Module) -> Arguments | None:
    """Look up the arguments of a layer.

    Args:
        module: any module.

    Returns:
        The arguments; None for a module that was built without a value.
    """
    found = module.__dict__.get("arguments")
    return found if isinstance(found, Arguments) else None


def values_of(held: object) -> Iterator[tuple[str, Value]]:
    """Find the values in an attribute or argument, also inside lists, tuples and dicts.

    Args:
        held: the attribute or argument.

    Yields:
        The suffix of its place, such as "_0", and the value.
    """
    if isinstance(held, Value):
        yield "", held
    elif type(held) in (list, tuple):
        for index, item in enumerate(held):  # type: ignore[arg-type, var-annotated]
            yield from ((f"_{index}{place}", value) for place, value in values_of(item))
    elif type(held) is dict:
        for key, item in held.items():
            yield from ((f"_{key}{place}", value) for place, value in values_of(item))


def _decided(held: Any, valuation: Valuation) -> Any:
    if isinstance(held, Value):
        return held.at(valuation)
    if type(held) in (list, tuple):
        return type(held)(_decided(item, valuation) for item in held)
    return held
