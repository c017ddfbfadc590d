"""Zero-cost proxies of an untrained network on the training examples of a task."""

from __future__ import annotations

import torch

from trainables.costs.cost import cost_of
from trainables.costs.zero_cost import score
from trainables.errors import TrainableError
from trainables.tasks.task import Task, TaskData
from trainables.training.batches import laid_out
from trainables.training.devices import layout_of

__all__ = ["PROXY_EXAMPLES", "proxy_score"]

PROXY_EXAMPLES = 64
"""How many examples a zero-cost proxy sees."""


def proxy_score(
    network: torch.nn.Module, task: Task, data: TaskData, proxy: str, generator: torch.Generator, *, seed: int
) -> float:
    """Score an untrained network on `PROXY_EXAMPLES` training examples.

    Args:
        network: on the device of the data.
        task: what is learned.
        data: its data.
        proxy: one of `trainables.costs.zero_cost.PROXIES`.
        generator: draws the examples; random numbers on the device of the data.
        seed: decides what else the proxy draws.

    Returns:
        The score; greater is better.

    Raises:
        TrainableError: the proxy cannot be computed for a network with several inputs.
    """
    device = data.device
    rows = torch.randperm(len(data.train), generator=generator, device=device)[:PROXY_EXAMPLES]
    inputs, targets = data.train.rows(rows)
    inputs = laid_out(data.normalize(inputs), layout_of(network, device))
    if not isinstance(inputs, torch.Tensor):
        return _score_of_cost(network, data, proxy)
    # Proxies are defined by plain cross-entropy, whatever a classification trains with.
    one_class = bool(data.classes) and isinstance(targets, torch.Tensor) and targets.dim() == 1
    loss = None if one_class else lambda outputs, wanted: task.loss(outputs, wanted, data)
    return score(network, inputs, targets, proxy, seed=seed, loss=loss)


def _score_of_cost(network: torch.nn.Module, data: TaskData, proxy: str) -> float:
    """A proxy that is a cost, of a network with several inputs; the others need one tensor."""
    if proxy not in ("parameters", "macs"):
        raise TrainableError(
            f"{proxy} needs a network with one input, this one has several; use 'parameters' or 'macs'"
        )
    return float(getattr(cost_of(network, data.example()), proxy))
