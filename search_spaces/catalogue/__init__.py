"""The registry of spaces: those of this package (one file a family), those that a program registers, and plug-ins.

`get("nasnet")` makes the space of the paper. Settings of its factory make another size: `get("nasnet", blocks=3)`.

A target of the registry is a factory, a function that returns a `Space` and can be called without arguments, or the
`Space` itself. A plug-in names it in its entry points of the group `nas_tune.spaces`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from search_spaces.errors import SpaceError
from search_spaces.names import did_you_mean
from search_spaces.registry import Registry
from search_spaces.space import Space

__all__ = ["SPACES", "get", "names", "register"]

_made: dict[str, tuple[Callable[..., Space], Space]] = {}


def _factory(name: str, target: object) -> Callable[..., Space]:
    if isinstance(target, Space):
        return lambda: target
    if callable(target):
        return target
    raise SpaceError(
        f"space {name!r} is a {type(target).__name__}; it must be a Space, or a function that makes and returns one"
    )


SPACES: Registry[Callable[..., Space]] = Registry(
    "space",
    "spaces",
    {
        "amoebanet": "search_spaces.catalogue.amoebanet:space",
        "chain": "search_spaces.catalogue.chain:space",
        "chain1d": "search_spaces.catalogue.chain1d:space",
        "chain3d": "search_spaces.catalogue.chain3d:space",
        "darts": "search_spaces.catalogue.darts:space",
        "detector": "search_spaces.catalogue.detector:space",
        "detnas": "search_spaces.catalogue.detnas:space",
        "dints": "search_spaces.catalogue.dints:space",
        "enas_macro": "search_spaces.catalogue.enas_macro:space",
        "enas_micro": "search_spaces.catalogue.enas_micro:space",
        "enas_recurrent": "search_spaces.catalogue.enas_recurrent:space",
        "ft_transformer": "search_spaces.catalogue.ft_transformer:space",
        "mlp": "search_spaces.catalogue.mlp:space",
        "mobilenetv3": "search_spaces.catalogue.mobilenetv3:space",
        "nasnet": "search_spaces.catalogue.nasnet:space",
        "nb101": "search_spaces.catalogue.nb101:space",
        "nb201": "search_spaces.catalogue.nb201:space",
        "pnas": "search_spaces.catalogue.pnas:space",
        "proxylessnas": "search_spaces.catalogue.proxylessnas:space",
        "recurrent": "search_spaces.catalogue.recurrent:space",
        "resnet": "search_spaces.catalogue.resnet:space",
        "resnet_mlp": "search_spaces.catalogue.resnet_mlp:space",
        "spectrogram": "search_spaces.catalogue.spectrogram:space",
        "transformer_lm": "search_spaces.catalogue.transformer_lm:space",
        "unet2d": "search_spaces.catalogue.unet2d:space",
        "unet3d": "search_spaces.catalogue.unet3d:space",
        "vgg": "search_spaces.catalogue.vgg:space",
        "vit": "search_spaces.catalogue.vit:space",
    },
    check=_factory,
    error=SpaceError,
)
"""The spaces by name. The networks of a built-in space have the same name in `trainables.networks`."""


def register(name: str, factory: Callable[..., Space] | Space | str, *, replace: bool = False) -> None:
    """Register a space by name. `get(name)` makes the space once and keeps it.

    Args:
        name: the name of the space.
        factory: a function that makes the space and can be called without arguments; its keyword arguments are the
            settings of `get`. Also a `Space`, or a reference "module:attribute" to either.
        replace: whether to replace an entry of the same name.

    Raises:
        SpaceError: the name is not valid or is taken, or `factory` is of another kind.
    """
    SPACES.register(name, factory, replace=replace)


def names() -> list[str]:
    """List the names of all spaces, without those of broken plug-ins (see `SPACES.broken`).

    Returns:
        The names, sorted.
    """
    return SPACES.names()


def get(name: str, **settings: object) -> Space:
    """Make a space by name. Without settings it is made once.

    Args:
        name: the name of a built-in or registered space, or of a plug-in.
        settings: keyword arguments of its factory.

    Returns:
        The space.

    Raises:
        UnknownNameError: no space has the name; the message has a close one.
        SpaceError: the plug-in is broken, or the factory refuses a setting or makes no `Space`.
    """
    factory = SPACES.get(name)
    if settings:
        _check_settings(name, factory, settings)
        return _checked(name, factory(**settings))
    kept = _made.get(name)
    if kept is None or kept[0] is not factory:
        kept = _made[name] = (factory, _checked(name, factory()))
    return kept[1]


def _check_settings(name: str, factory: Callable[..., Space], settings: dict[str, object]) -> None:
    known = list(inspect.signature(factory).parameters)
    unknown = next((key for key in settings if key not in known), None)
    if unknown is not None:
        takes = f"its settings: {', '.join(known)}" if known else "it takes no settings"
        raise SpaceError(f"space {name!r} has no setting {unknown!r}{did_you_mean(unknown, known)}; {takes}")


def _checked(name: str, made: object) -> Space:
    if not isinstance(made, Space):
        raise SpaceError(f"space {name!r}: its factory made a {type(made).__name__}; it must return a Space")
    return made
