"""The fast path for the cells of DARTS: the same sums as the plain one, computed for many edges at once.

It takes the place of a cell's nodes where a method weighs all options (`darts`, `snas`, `drnas`, `fairdarts`, ..) and
the network trains on a CPU; in all other cases, and within `unfused()`, the nodes run one by one. Weights, their
names and the running statistics stay where they are: the fast path reads them anew in every forward. To the last
digits of its numbers everything is equal: outputs, gradients of weights and architecture, running statistics.

What makes it fast: all edges that leave one state share its ReLU, its pooling and the normalisation of that, and what
their kernels' gradients need of it; identities and pools enter all nodes by one matrix product; `none` is not
computed; and what `fused_affine` and `fused_depthwise` say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
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
"""Values that a cell begins with."""
_allowed: ContextVar[bool] = ContextVar("_allowed", default=True)


@contextmanager
def unfused() -> Iterator[None]:
    """Inside, all cells run node by node, so that what they compute can be differentiated twice."""
    token = _allowed.set(False)
    try:
        yield
    finally:
        _allowed.reset(token)


def fuse(module: nn.Module) -> int:
    """Put the fast path into all cells of a relaxed module that it can compute; gives their number."""
    count = 0
    for cell in module.modules():
        if isinstance(cell, Cell):
            cell.together = FusedNodes.of(cell)
            count += cell.together is not None
    return count


class FusedNodes:
    """Runs in the place of the nodes of one cell: from its two inputs to all its values.

    A copy of the cell has none, for the choices of a copy are not those of the supernet.
    """

    def __init__(self, nodes: list[InputChoice], fans: list[Fan]) -> None:
        self.nodes, self.fans = nodes, fans

    def __deepcopy__(self, memo: object) -> None:
        return None

    @classmethod
    def of(cls, cell: Cell) -> FusedNodes | None:
        """None where the cell holds anything but nodes that add up all values before them, each by a LayerChoice."""
        nodes = [node for node in cell.nodes if isinstance(node, InputChoice) and node.reduction == "sum"]
        if len(nodes) != len(cell.nodes) or not all(map(_is_node, range(_INPUTS, _INPUTS + len(nodes)), nodes)):
            return None
        sources = range(_INPUTS + len(nodes) - 1)
        fans = [Fan.of([_edges(node)[source] for node in _after(nodes, source)]) for source in sources]
        known = [fan for fan in fans if fan is not None]
        return cls(nodes, known) if known and len(known) == len(fans) else None

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        return self._fused(inputs) if self._applies(inputs[0]) else self._one_by_one(inputs)

    def _one_by_one(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        values = list(inputs)
        for node in self.nodes:
            values.append(node(values))
        return values

    def _applies(self, x: Tensor) -> bool:
        """Whether all edges are taken and weigh all their options, in training on a CPU."""
        usual = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu") and _allowed.get()
        if not usual or not all(fan.normalises_by_batch for fan in self.fans):
            return False
        nodes = [_mix(node) for node in self.nodes]
        if any(len(mix.indices) < node.n_candidates for mix, node in zip(nodes, self.nodes, strict=True)):
            return False
        if len({mix.weights is None for mix in nodes}) > 1:
            return False
        return all(_weighs(_mix(edge), fan.computed) for fan in self.fans for edge in fan.edges)

    def _fused(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        values = [x.contiguous(memory_format=torch.channels_last) for x in inputs]
        shape, total = self.fans[0].shape_of(values[0]), None
        for source, fan in enumerate(self.fans):
            if total is not None and source >= _INPUTS:
                value, total = torch.split(total, [1, len(total) - 1])
                values.append(image_of(value[0], shape))
            total = fan.add(values[source], self._weights(source), total)
        return values if total is None else [*values, image_of(total[0], shape)]

    def _weights(self, source: int) -> Tensor:
        """(k, options) of the edges from one value to the nodes after it, times what these weigh the edge by."""
        edges, nodes = self.fans[source].edges, _after(self.nodes, source)
        weights = torch.stack([_mix(edge).weights for edge in edges])  # type: ignore[misc]
        shares = [_mix(node).weights for node in nodes]
        if shares[0] is None:
            return weights
        return weights * torch.stack([share[source] for share in shares if share is not None]).unsqueeze(1)


def _after(nodes: list[InputChoice], source: int) -> list[InputChoice]:
    """Those that take the value `source`, the values of nodes coming after the inputs."""
    return nodes[max(0, source + 1 - _INPUTS) :]


def _edges(node: InputChoice) -> list[LayerChoice]:
    return cast("list[LayerChoice]", list(node.layers or ()))


def _is_node(n_candidates: int, node: InputChoice) -> bool:
    edges = _edges(node)
    are_mixed = isinstance(node.relaxed, InputMixer) and all(isinstance(edge.relaxed, LayerMixer) for edge in edges)
    return are_mixed and len(edges) == n_candidates and all(type(edge) is LayerChoice for edge in edges)


def _mix(choice: ChoiceModule) -> Mix:
    mixer = cast("LayerMixer", choice.relaxed)
    return mixer.mixes[mixer.name]


def _weighs(mix: Mix, options: Collection[int]) -> bool:
    return mix.weights is not None and not mix.skip_dropout and set(options) <= set(mix.indices)
