"""How weights are trained: optimizer, learning rate over time, mixed precision on CUDA."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypedDict

import torch
from torch import Tensor, nn

from trainables.settings import check_flag, check_name, check_number
from trainables.training.parallel import ALONE, Group

__all__ = ["OPTIMIZERS", "Optimization", "OptimizationKeywords", "Optimizer"]

OPTIMIZERS = ("sgd", "adamw")


@dataclass(frozen=True, slots=True)
class Optimization:
    """Settings of the training of weights."""

    optimizer: str = "sgd"
    """"sgd" (momentum of Nesterov's kind, or plain) or "adamw" (Loshchilov and Hutter 2019, 1711.05101)."""
    lr: float = 0.05
    """The peak of the learning rate."""
    weight_decay: float = 5e-4
    """Of convolutions and linear layers; biases and normalisations have none."""
    momentum: float = 0.9
    """Of SGD; the first beta of AdamW."""
    warmup: float = 0.03
    """The share of the training in which the rate rises to its peak; then it falls as a cosine."""
    grad_clip: float = 5.0
    """The largest norm of the gradient of all weights; 0 clips nothing."""
    amp: bool = False
    """Mixed precision where the device is a CUDA GPU; elsewhere it changes nothing."""
    lr_min: float = 0.0
    """The learning rate at which the cosine ends."""
    nesterov: bool = True
    """Whether the momentum of SGD is Nesterov's."""

    def __post_init__(self) -> None:
        check_name("optimizer", self.optimizer, OPTIMIZERS)
        check_number("lr", self.lr, 0, open_low=True)
        check_number("weight_decay", self.weight_decay, 0)
        check_number("momentum", self.momentum, 0, 0.9999)
        check_number("warmup", self.warmup, 0, 0.9)
        check_number("grad_clip", self.grad_clip, 0)
        check_number("lr_min", self.lr_min, 0, self.lr)
        check_flag("amp", self.amp)
        check_flag("nesterov", self.nesterov)

    def rate(self, progress: float) -> float:
        """Compute the learning rate: a linear rise to the peak, then half a cosine.

        Args:
            progress: the share of the training that is behind, 0 to 1.

        Returns:
            The rate.
        """
        if progress < self.warmup:
            return self.lr * progress / self.warmup
        share = 0.5 * (1 + math.cos(math.pi * (progress - self.warmup) / (1 - self.warmup)))
        return self.lr_min + (self.lr - self.lr_min) * share


class OptimizationKeywords(TypedDict, total=False):
    """The types, as keyword arguments, of those settings that have one type for every learner."""

    momentum: float
    grad_clip: float
    amp: bool


class Optimizer:
    """Applies an `Optimization` to the weights of one network on one device.

    Args:
        network: the network whose weights learn.
        settings: how they learn.
        device: the device of the network.
    """

    def __init__(self, network: nn.Module, settings: Optimization, device: torch.device) -> None:
        self._settings = settings
        self._weights = [p for p in network.parameters() if p.requires_grad]
        self._optimizer = _make(self._weights, settings)
        self._amp = settings.amp and device.type == "cuda"
        half = self._amp and not torch.cuda.is_bf16_supported()
        self._type = torch.float16 if half else torch.bfloat16
        self._scaler = torch.amp.GradScaler(device.type, enabled=half)

    def precision(self) -> AbstractContextManager[object]:
        """The context in which to compute outputs and loss.

        Returns:
            The context in which to compute outputs and loss.
        """
        return torch.autocast("cuda", self._type) if self._amp else nullcontext()

    def descend(self, loss: Tensor, progress: float, group: Group = ALONE) -> None:
        """Make one step down a gradient.

        Args:
            loss: a scalar; its gradient is summed over the processes of the group.
            progress: the share of the training that is behind, 0 to 1, which decides the rate.
            group: the processes that train together.
        """
        for some in self._optimizer.param_groups:
            some["lr"] = self._settings.rate(progress)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self._scaler.scale(loss))
        group.sum_gradients(self._weights)
        if self._settings.grad_clip:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._weights, self._settings.grad_clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()

    def steps(self, gradients: list[Tensor]) -> list[Tensor]:
        """Compute what a step would subtract from the weights, divided by the rate and without clipping.

        Args:
            gradients: one for each weight that learns, of its shape.

        Returns:
            For SGD the step with plain momentum and weight decay; for AdamW the gradients themselves.
        """
        if not isinstance(self._optimizer, torch.optim.SGD):
            return gradients
        decays = {}
        for group in self._optimizer.param_groups:
            for weight in group["params"]:
                decays[weight] = group["weight_decay"]
        with torch.no_grad():
            return [self._step(*both, decays) for both in zip(self._weights, gradients, strict=True)]

    def _step(self, weight: Tensor, gradient: Tensor, decays: dict[Tensor, float]) -> Tensor:
        step = gradient.add(weight, alpha=decays[weight])
        held = self._optimizer.state.get(weight, {}).get("momentum_buffer")
        return step if held is None else step.add(held, alpha=self._settings.momentum)

    def state_dict(self) -> dict[str, object]:
        """All that decides the steps to come, but for the progress.

        Returns:
            Everything that decides the steps to come, except the progress.
        """
        return {"optimizer": self._optimizer.state_dict(), "scaler": self._scaler.state_dict()}

    def load_state_dict(self, state: dict[str, dict[str, object]]) -> None:
        """Go on where `state` was taken.

        Args:
            state: what `state_dict` gave.
        """
        self._optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])


def _make(weights: list[nn.Parameter], settings: Optimization) -> torch.optim.Optimizer:
    groups = [
        {"params": [p for p in weights if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in weights if p.dim() <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    # Not fused: on a CPU the fused kernels mix up channels-last weights with the plain state of a checkpoint.
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=settings.lr, betas=(settings.momentum, 0.999))
    nesterov = settings.nesterov and settings.momentum > 0
    return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, nesterov=nesterov)
