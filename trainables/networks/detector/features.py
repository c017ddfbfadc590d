"""A network of another space as a backbone: its features of strides 8, 16 and 32 instead of its logits."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn

from trainables.errors import TrainableError
from trainables.networks.base import DropPath, GlobalAverage, Subsample, conv_bn, kaiming
from trainables.networks.layers import measuring

__all__ = ["Features", "backbones", "check_backbone"]

_STRIDES = (8, 16, 32)
_STEM = 16
_ENOUGH = 16
"""The stride that a network reaches to need no stem before it."""
_UNFOLLOWED = {"vit": "its networks look at patches of one size"}
"""Spaces of images whose networks are no backbones, and why."""
_ERRORS = (TypeError, ValueError, RuntimeError, AttributeError, fx.proxy.TraceError)

Shape = tuple[int, int, int]
Found = dict[int, tuple[fx.Node, Shape]]
"""For each stride the last value that has it, and its channels, height and width."""


def backbones() -> list[str]:
    """List the spaces whose networks can be backbones.

    Returns:
        The names of those of this package.
    """
    from trainables.networks import NETWORKS, takes_images  # the registry names this module

    return [name for name in NETWORKS.built_in() if takes_images(name) and name not in _UNFOLLOWED]


def check_backbone(of: str) -> None:
    """Check that the networks of a space can be backbones.

    Args:
        of: the name of the space.

    Raises:
        TrainableError: they take no images, or have no features of several sizes.
    """
    known = backbones()
    if of not in known:
        reason = _UNFOLLOWED.get(of, "its networks take no images of two sides")
        raise TrainableError(f"{of} is no backbone of a detector: {reason}; give one of {', '.join(known)}")


class Features(nn.Module):
    """Images (n, in_channels, h, w) to a tuple of features of strides 8, 16 and 32.

    The network is followed from its input on, and its last value of each size is a feature. Before a network that does
    not divide images by 16, a stem divides them by four. Where a network has no value of stride 8, 16 or 32, a
    convolution of stride 2 makes one of the value before.

    Args:
        of: the name of the space of the network.
        architecture: its tree.
        in_channels: channels of the images.
        image: height and width of the images.
        settings: settings of the builder, such as `channels`.

    Raises:
        TrainableError: the network cannot be followed, or has larger strides alone.
    """

    shapes: list[Shape]
    """Channels, height and width of each feature."""

    def __init__(
        self, of: str, architecture: Any, in_channels: int, image: tuple[int, int], settings: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.before: nn.Module = nn.Identity()
        network, found = _followed(of, architecture, in_channels, image, settings)
        if max(found) < _ENOUGH:
            stem = [*conv_bn(in_channels, _STEM, 3, 2), nn.ReLU(), *conv_bn(_STEM, 2 * _STEM, 3, 2), nn.ReLU()]
            self.before = nn.Sequential(*stem)
            kaiming(self.before)
            small = (-(-image[0] // 4), -(-image[1] // 4))
            network, found = _followed(of, architecture, 2 * _STEM, small, settings)
            found = {4 * stride: one for stride, one in found.items()}
        start = max((stride for stride in found if stride <= _STRIDES[0]), default=0)
        if not start or (start < _STRIDES[0] and start != max(found)):
            known = ", ".join(map(str, sorted(found)))
            raise TrainableError(
                f"a network of {of} has features of the strides {known}, and a detector looks at 8, 16 and 32; "
                "take another space as the backbone, or none"
            )
        there = [start]
        for stride in _STRIDES[1:]:
            there += [stride] if 2 * there[-1] == stride and stride in found else []
        self.network = _cut(network, [found[stride][0] for stride in there])
        self.shapes = [found[stride][1] for stride in there]
        self.reaching = nn.Sequential()
        while start < _STRIDES[0]:
            self.reaching.append(_halving(self.shapes[0][0]))
            self.shapes[0], start = _half(self.shapes[0]), 2 * start
        self.further = nn.ModuleList()
        for _ in _STRIDES[len(there) :]:
            self.further.append(_halving(self.shapes[-1][0]))
            self.shapes.append(_half(self.shapes[-1]))
        kaiming(self.reaching)
        kaiming(self.further)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        found = list(self.network(self.before(x)))
        found[0] = self.reaching(found[0])
        for further in self.further:
            found.append(further(found[-1]))
        return tuple(found)


def _halving(channels: int) -> nn.Module:
    return nn.Sequential(*conv_bn(channels, channels, 3, 2), nn.ReLU())


def _half(shape: Shape) -> Shape:
    channels, high, wide = shape
    return channels, -(-high // 2), -(-wide // 2)


class _Following(fx.Tracer):
    """Follows a network down to layers of torch. Drop path stays a layer, since it differs in training, and so do those
    that depend on the number of sides.
    """

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Tell whether a module is not followed inside."""
        return isinstance(m, DropPath | GlobalAverage | Subsample) or super().is_leaf_module(m, module_qualified_name)


class _Made:
    """Makes every layer itself, because a stand-in cannot be followed."""

    def stand_in(self, key: Hashable, make: Callable[[], nn.Module]) -> nn.Module:
        return make()


def _followed(
    of: str, architecture: Any, in_channels: int, image: tuple[int, int], settings: Mapping[str, Any]
) -> tuple[fx.GraphModule, Found]:
    """Build a network, and find the last value of each stride."""
    from trainables.networks import build, builder_of, sized_network  # the registry names this module

    check_backbone(of)
    sized = sized_network(of, settings)
    if "resize" in inspect.signature(builder_of(of)).parameters:
        sized.setdefault("resize", False)
    task: dict[str, Any] = {"num_classes": 2, "in_channels": in_channels, "image_size": image}
    try:
        with measuring(_Made()):
            network = build(of, architecture, **{**task, **sized})
        graph = _Following().trace(network)
        followed = fx.GraphModule(network, graph)
        found = _strides(followed, in_channels, image)
    except _ERRORS as error:
        raise TrainableError(
            f"a network of {of} cannot be followed to its features: {error}; take another space as the backbone"
        ) from error
    return followed, found


class _Seen(fx.Interpreter):
    """Runs a network and notes the shape of every value."""

    shapes: dict[fx.Node, tuple[int, ...]]

    def run_node(self, n: fx.Node) -> Any:
        """Run one node."""
        value = super().run_node(n)
        if isinstance(value, Tensor):
            self.shapes[n] = tuple(value.shape)
        return value


def _strides(network: fx.GraphModule, in_channels: int, image: tuple[int, int]) -> Found:
    """Run a copy of a network without values, and note the last value of each stride."""
    seen = _Seen(copy.deepcopy(network).to("meta").eval())
    seen.shapes = {}
    with torch.no_grad():
        seen.run(torch.empty((2, in_channels, *image), device="meta"))
    named = {node.name: node for node in network.graph.nodes}
    found: Found = {}
    for node, shape in seen.shapes.items():
        for stride in (1, 2, 4, *_STRIDES):
            if len(shape) == 4 and shape[2:] == (-(-image[0] // stride), -(-image[1] // stride)):
                found[stride] = (named[node.name], (shape[1], shape[2], shape[3]))
    return found


def _cut(network: fx.GraphModule, nodes: list[fx.Node]) -> fx.GraphModule:
    """Let a network return some of its values, and drop what only others need."""
    graph = network.graph
    (last,) = (node for node in graph.nodes if node.op == "output")
    graph.erase_node(last)
    graph.output(tuple(nodes))
    graph.eliminate_dead_code()
    network.delete_all_unused_submodules()
    network.recompile()
    return network
