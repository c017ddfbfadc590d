"""The fast path for the cells of DARTS: the same sums as the plain path, computed for many edges at once.

It replaces the nodes of a cell if a method weighs all options (`darts`, `snas`, `drnas`, `fairdarts`, ..) and the
network trains on a CPU; otherwise, and within `unfused()`, the nodes run one by one. The modules keep their weights,
names and running statistics; the fast path reads them in every forward. Outputs, gradients of weights and architecture
and running statistics equal those of the plain path up to rounding.

It is fast for these reasons. All edges from one state share its ReLU, its pooling with normalisation, and the inputs of
their kernels' gradients. Identities and poolings are added to all nodes by one matrix product. `none` is not computed.
`fused_affine` and `fused_depthwise` describe the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import cast

import torch
from torch import Tensor, nn

from search_spaces.nn import ChoiceModule, InputChoice, LayerChoice
from trainables.networks.cell_network import Cell
from trainables.supernet.fused_affine import image_of
from trainables.supernet.fused_edges import Fan
from trainables.supernet.mixing import InputMixer, LayerMixer, Mix

__all__ = ["FusedNodes", "fuse", "unfused"]

_INPUTS = 2
"""The number of inputs of a cell."""
_allowed: ContextVar[bool] = ContextVar("_allowed", default=True)


@contextmanager
def unfused() -> Iterator[None]:
    """Let all cells run node by node for the duration of a block, so that their results can be differentiated twice.

    Yields:
        Nothing.
    """
    token = _allowed.set(False)
    try:
        yield
    finally:
        _allowed.reset(token)


def fuse(module: nn.Module) -> int:
    """Install the fast path in all cells of a relaxed module that it supports.

    Args:
        module: a module whose choices are relaxed.

    Returns:
        The number of these cells.
    """
    count = 0
    for cell in module.modules():
        if isinstance(cell, Cell):
            cell.together = FusedNodes.of(cell)
            count += cell.together is not None
    return count


class FusedNodes:
    """Computes the values of all nodes of one cell; it is called in their place.

    A copy of the cell has none, because the choices of a copy are not those of the supernet.

    Args:
        nodes: the nodes of the cell.
        fans: for each value that nodes take, its edges.
    """

    def __init__(self, nodes: list[InputChoice], fans: list[Fan]) -> None:
        self.nodes, self.fans = nodes, fans

    def __deepcopy__(self, memo: object) -> None:
        return None

    @classmethod
    def of(cls, cell: Cell) -> FusedNodes | None:
        """Read the nodes of a cell.

        Args:
            cell: a cell whose choices are relaxed.

        Returns:
            The fast path of the cell; None unless every node adds up all values before it, each through a
            `LayerChoice`, and
            all edges can be fused.
        """
        nodes: list[InputChoice] = []
        for node in cell.nodes:
            if not isinstance(node, InputChoice) or not _adds_all_before(node, _INPUTS + len(nodes)):
                return None
            nodes.append(node)
        fans = []
        for source in range(_INPUTS + len(nodes) - 1):
            fan = Fan.of([_edges(node)[source] for node in _after(nodes, source)])
            if fan is None:
                return None
            fans.append(fan)
        return cls(nodes, fans) if fans else None

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        if self._applies(inputs[0]):
            return self._fused(inputs)
        values = list(inputs)
        for node in self.nodes:
            values.append(node(values))
        return values

    def _applies(self, x: Tensor) -> bool:
        """Return whether all edges are taken and weigh all their options, in training on a CPU."""
        usual = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu") and _allowed.get()
        if not usual or not all(fan.normalises_by_batch for fan in self.fans):
            return False
        nodes = [_mix(node) for node in self.nodes]
        if any(len(mix.indices) < node.n_candidates for mix, node in zip(nodes, self.nodes, strict=True)):
            return False
        if len({mix.weights is None for mix in nodes}) > 1:
            return False
        for fan in self.fans:
            for mix in map(_mix, fan.edges):
                if mix.weights is None or mix.skip_dropout or not fan.computed <= set(mix.indices):
                    return False
        return True

    def _fused(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute all values of the cell: each value is added to the rows of all nodes after it at once."""
        values = [x.contiguous(memory_format=torch.channels_last) for x in inputs]
        shape, total = self.fans[0].shape_of(values[0]), None
        for source, fan in enumerate(self.fans):
            if total is not None and source >= _INPUTS:
                value, total = torch.split(total, [1, len(total) - 1])
                values.append(image_of(value[0], shape))
            total = fan.add(values[source], self._weights(source), total)
        return values if total is None else [*values, image_of(total[0], shape)]

    def _weights(self, source: int) -> Tensor:
        """Return the weights (k, options) of the edges from one value, times their weights in the nodes after it."""
        edges, nodes = self.fans[source].edges, _after(self.nodes, source)
        weights = torch.stack([_mix(edge).weights for edge in edges])  # type: ignore[misc]
        shares = [_mix(node).weights for node in nodes]
        if shares[0] is None:
            return weights
        return weights * torch.stack([share[source] for share in shares if share is not None]).unsqueeze(1)


def _after(nodes: list[InputChoice], source: int) -> list[InputChoice]:
    """Return the nodes that take the value number `source`; the inputs of the cell come first."""
    return nodes[max(0, source + 1 - _INPUTS) :]


def _edges(node: InputChoice) -> list[LayerChoice]:
    return cast("list[LayerChoice]", list(node.layers or ()))


def _adds_all_before(node: InputChoice, n_candidates: int) -> bool:
    """Return whether a relaxed node adds up all values before it, each through a relaxed `LayerChoice`."""
    edges = _edges(node)
    are_mixed = isinstance(node.relaxed, InputMixer) and all(isinstance(edge.relaxed, LayerMixer) for edge in edges)
    are_layer_choices = len(edges) == n_candidates and all(type(edge) is LayerChoice for edge in edges)
    return node.reduction == "sum" and are_mixed and are_layer_choices


def _mix(choice: ChoiceModule) -> Mix:
    """Return the mix of a relaxed choice in the current forward."""
    mixer = cast("LayerMixer", choice.relaxed)
    return mixer.mixes[mixer.name]
