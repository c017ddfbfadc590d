"""The random numbers of one training, separate from those of all other code.

A training draws from `generator` (order of images, augmentation, on the device of the images), and whatever
draws from torch's global generators inside `with randomness:` (initial weights, dropout) uses the training's
own state of them: the global ones are as they were afterwards. `state` and `restore` are all that a
checkpoint needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import torch
from torch import Tensor

from trainables.training.parallel import Group

__all__ = ["Randomness"]


class Randomness:
    """Generators for one training on `device`, all decided by `seed`.

    Args:
        seed: decides all numbers.
        device: the device of the images.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._cuda: list[int] = []
        if device.type == "cuda":
            # Of processes that train together, each has its own GPU as the current one.
            self._cuda = [torch.cuda.current_device() if device.index is None else device.index]
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

    @contextmanager
    def of(self, group: Group) -> Iterator[None]:
        """`with randomness:`, in which each process of `group` draws other numbers from torch's global generators.

        All begin and end with the same states: a checkpoint of one is good for any of them, and for any other group.

        Args:
            group: the processes that train together.

        Yields:
            Nothing; inside, the numbers of this process count.
        """
        with self:
            if group.alone:
                yield
                return
            seed = int(torch.randint(2**62, ())) + group.rank
            common = self._states()
            torch.manual_seed(seed)
            try:
                yield
            finally:
                self._set(common)

    def state(self) -> dict[str, object]:
        """All that decides the numbers to come.

        Returns:
            Everything that decides the numbers to come.
        """
        return {"generator": self.generator.get_state(), "global": list(self._own)}

    def restore(self, state: dict[str, object]) -> None:
        """Go on where `state` was taken; the device must be of the same kind.

        Args:
            state: what `state` gave, on a device of the same kind.

        Raises:
            ValueError: the device is of another kind.
        """
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
