"""The random numbers of one training, kept apart from everybody else's.

A training draws from `generator` (order of images, augmentation, on the device of the images), and whatever
draws from torch's global generators inside `with randomness:` (initial weights, dropout) uses the training's
own state of them: the global ones are as they were afterwards. `state` and `restore` are all that a
checkpoint needs.
"""

from __future__ import annotations

from types import TracebackType

import torch
from torch import Tensor

__all__ = ["Randomness"]


class Randomness:
    """Generators for one training on `device`, all decided by `seed`."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._cuda = [device.index or 0] if device.type == "cuda" else []
        self.generator = torch.Generator(device).manual_seed(seed)
        with torch.random.fork_rng(self._cuda):
            torch.manual_seed(seed)
            self._own = self._states()
        self._outer: list[Tensor] = []

    def __enter__(self) -> Randomness:
        self._outer = self._states()
        self._set(self._own)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._own = self._states()
        self._set(self._outer)

    def state(self) -> dict[str, object]:
        """All that decides the numbers to come."""
        return {"generator": self.generator.get_state(), "global": list(self._own)}

    def restore(self, state: dict[str, object]) -> None:
        """Go on where `state` was taken; the device must be of the same kind."""
        generator, own = state["generator"], state["global"]
        if not isinstance(generator, Tensor) or not isinstance(own, list) or len(own) != len(self._own):
            raise ValueError("the random state is of another kind of device")
        self.generator.set_state(generator)
        self._own = own

    def _states(self) -> list[Tensor]:
        return [torch.get_rng_state(), *(torch.cuda.get_rng_state(index) for index in self._cuda)]

    def _set(self, states: list[Tensor]) -> None:
        torch.set_rng_state(states[0])
        for index, state in zip(self._cuda, states[1:], strict=True):
            torch.cuda.set_rng_state(state, index)
