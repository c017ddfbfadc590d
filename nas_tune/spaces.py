"""Spaces made of what other packages have: `timm`, the image models of PyTorch Image Models.

    space = nas_tune.spaces.timm("resnet*", drop_rate=real(0.0, 0.3))
    run = nas_tune.search(space, data="photos/")

The package is needed where networks are built, and is not a requirement of this one: `pip install timm`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from nas_tune.errors import ConfigError
from search_spaces import Space, choice, const
from search_spaces.names import did_you_mean

__all__ = ["timm"]

NAME = "timm"


def timm(
    models: str | Sequence[str] = "*", *, pretrained: bool = False, name: str = NAME, **arguments: object
) -> Space:
    """Make the space of timm's models of some names; their networks are registered under the name of the space.

    Each network gets the number of classes and of channels from the data, and the size of the images where the model
    has a fixed one.

    Args:
        models: a pattern such as "resnet*", the name of a model, or a list of them.
        pretrained: whether training starts from timm's weights, which are downloaded; then only models that have some
            are in the space.
        name: of the space.
        arguments: further arguments of `timm.create_model`, such as `drop_rate`: a decision, as in `real(0.0, 0.3)`, or
            one value for all. A model that does not take one fails its trial.

    Returns:
        The space, with the decision `model` and those of `arguments`.

    Raises:
        ConfigError: timm is not installed, or no model has such a name.
    """
    try:
        library: Any = importlib.import_module("timm")
    except ImportError as error:
        raise ConfigError(f"spaces.timm: timm cannot be imported ({error}); pip install timm") from error
    from trainables import networks
    from trainables.networks.timm_models import FAMILY

    patterns = [models] if isinstance(models, str) else list(models)
    found = [name for pattern in patterns for name in _of_pattern(library, pattern, pretrained=pretrained)]
    networks.register(name, FAMILY, replace=True)
    fixed = {"pretrained": const(True)} if pretrained else {}
    return Space({"model": choice(*dict.fromkeys(found)), **fixed, **arguments}, name=name)


def _of_pattern(library: Any, pattern: str, *, pretrained: bool) -> list[str]:
    found: list[str] = library.list_models(pattern, pretrained=pretrained)
    if not found:
        with_weights = " with weights" if pretrained else ""
        hint = did_you_mean(pattern, library.list_models()) or "; timm.list_models() lists the names"
        raise ConfigError(f"spaces.timm: timm has no model{with_weights} whose name matches {pattern!r}{hint}")
    return found
