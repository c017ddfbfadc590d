"""Steps of a search in the DARTS supernet against the plain way of computing them, at equal mathematics.

    python tests/benchmarks/supernet.py [images a step, 16]

C=16, 8 layers, images of 3x32x32. Plain is what the authors' code does, written anew and without its detours: an edge
runs every operation as a module and adds up `w * op(x)`, in torch's usual memory format; gradients of weights and of
the architecture are both computed in either step. The second-order step moves the weights in place on both sides.
Times are CPU times of this process with one thread, the alternatives in turns; ratios of medians are what counts.
Peak memory is what torch's allocator hands out during a step at most, beyond what lived before it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import torch
from _report import heading, interleaved, line
from torch import Tensor, nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from trainables.networks import build
from trainables.networks.cell_network import Cell, CellNetwork
from trainables.supernet import Supernet, relax
from trainables.supernet.bilevel import first_order, frozen, second_order
from trainables.supernet.statistics import frozen_statistics

ROUNDS = 3
REQUIRED = {"weight step": 3.0, "first-order step": 4.5, "second-order step": 3.0}
RATE, MOMENTUM, DECAY = 0.025, 0.9, 3e-4
Batch = tuple[Tensor, Tensor]
Step = Callable[[], object]


class Plain(nn.Module):
    """The search network, one module after the other; `network` is undecided, and gives its modules."""

    def __init__(self, network: CellNetwork) -> None:
        super().__init__()
        self.network = network
        self.normal, self.reduce = (nn.Parameter(1e-3 * torch.randn(14, 8)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        before, last = self.network.stem(x)
        for index, cell in enumerate(self.network.cells):
            reduces = index in (len(self.network.cells) // 3, 2 * len(self.network.cells) // 3)
            weights = functional.softmax(self.reduce if reduces else self.normal, -1)
            before, last = last, self.cell(cell, before, last, weights)
        logits: Tensor = self.network.classifier(self.network.last(last))
        return logits

    def cell(self, cell: Cell, before: Tensor, last: Tensor, weights: Tensor) -> Tensor:
        states, offset = [cell.first(before), cell.second(last)], 0
        for node in cell.nodes:
            rows = weights[offset : offset + len(states)]
            states.append(sum(self.mixed(*each) for each in zip(node.layers, states, rows, strict=True)))
            offset += len(states) - 1
        return torch.cat(states[2:], 1)

    def mixed(self, edge: nn.Module, x: Tensor, weights: Tensor) -> Tensor:
        return sum(weight * operation(x) for operation, weight in zip(edge, weights, strict=True))


class PlainSteps:
    """As the authors' code does them, but for building a network anew."""

    def __init__(self, network: CellNetwork, train: Batch, valid: Batch) -> None:
        self.plain = Plain(network).train()
        self.train, self.valid = train, valid
        self.alphas = [self.plain.normal, self.plain.reduce]
        self.weights = list(network.parameters())
        self.optimizer = torch.optim.SGD(self.weights, RATE, MOMENTUM, weight_decay=DECAY)
        self.architect = torch.optim.Adam(self.alphas, 3e-4, (0.5, 0.999), weight_decay=1e-3)

    def loss(self, batch: Batch) -> Tensor:
        return functional.cross_entropy(self.plain(batch[0]), batch[1])

    def weight_step(self) -> None:
        self.optimizer.zero_grad()
        self.loss(self.train).backward()
        nn.utils.clip_grad_norm_(self.weights, 5)
        self.optimizer.step()

    def first_order_step(self) -> None:
        self.architect.zero_grad()
        self.loss(self.valid).backward()
        self.architect.step()

    def second_order_step(self) -> None:
        self.architect.zero_grad()
        gradients = torch.autograd.grad(self.loss(self.train), self.weights)
        before = [weight.detach().clone() for weight in self.weights]
        self.move(before, [g + DECAY * w for g, w in zip(gradients, before, strict=True)], -RATE)
        for weight in self.weights:
            weight.grad = None
        self.loss(self.valid).backward()
        vector = [weight.grad for weight in self.weights]
        size = 0.01 / torch.cat([part.flatten() for part in vector]).norm()
        sides = []
        for sign in (1, -1):
            self.move(before, vector, sign * size)
            sides.append(torch.autograd.grad(self.loss(self.train), self.alphas))
        self.move(before, vector, 0)
        for alpha, plus, minus in zip(self.alphas, *sides, strict=True):
            alpha.grad -= RATE * (plus - minus) / (2 * size)
        self.architect.step()

    @torch.no_grad()
    def move(self, start: Sequence[Tensor], direction: Sequence[Tensor], length: float | Tensor) -> None:
        for weight, begin, part in zip(self.weights, start, direction, strict=True):
            weight.copy_(begin + length * part)


class OurSteps:
    """As `trainables.supernet.search` does them."""

    def __init__(self, network: CellNetwork, train: Batch, valid: Batch) -> None:
        self.supernet: Supernet = relax(network).train().to(memory_format=torch.channels_last)
        self.train, self.valid = (
            (images.contiguous(memory_format=torch.channels_last), labels) for images, labels in (train, valid)
        )
        self.alphas, self.weights = self.supernet.architecture_parameters(), self.supernet.weight_parameters()
        self.optimizer = torch.optim.SGD(self.weights, RATE, MOMENTUM, weight_decay=DECAY)
        self.architect = torch.optim.Adam(self.alphas, 3e-4, (0.5, 0.999), weight_decay=1e-3)

    def loss(self, batch: Batch) -> Tensor:
        return functional.cross_entropy(self.supernet(batch[0]), batch[1])

    def weight_step(self) -> None:
        self.optimizer.zero_grad()
        with frozen(self.alphas):
            loss = self.loss(self.train)
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, 5)
        self.optimizer.step()

    def first_order_step(self) -> None:
        with frozen_statistics(self.supernet):
            self.descend(first_order(lambda: self.loss(self.valid), self.weights, self.alphas))

    def second_order_step(self) -> None:
        def decayed(gradients: list[Tensor]) -> list[Tensor]:
            return [g + DECAY * w for g, w in zip(gradients, self.weights, strict=True)]

        train, valid = (lambda: self.loss(self.train)), (lambda: self.loss(self.valid))
        with frozen_statistics(self.supernet):
            self.descend(second_order(train, valid, self.weights, self.alphas, decayed, RATE))

    @torch.no_grad()
    def descend(self, gradients: list[Tensor]) -> None:
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.architect.step()


def steps_of(steps: PlainSteps | OurSteps) -> list[Step]:
    return [steps.weight_step, steps.first_order_step, steps.second_order_step]


def cpu_seconds(run: Step) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def peak(run: Step) -> float:
    """Megabytes."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        run()
    level = most = 0
    for event in recorded.profiler.kineto_results.events():
        if event.name() == "[memory]":
            level += event.nbytes()
            most = max(most, level)
    return most / 2**20


def batch(images: int, seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(images, 3, 32, 32, generator=generator), torch.arange(images) % 10


def main() -> None:
    torch.set_num_threads(1)
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    batches = batch(images, 0), batch(images, 1)
    plain, ours = (make(build("darts", None, channels=16, layers=8), *batches) for make in (PlainSteps, OurSteps))
    heading(f"DARTS supernet, C=16, 8 layers, {images} images of 3x32x32 a step, one thread")
    for (name, required), slow, fast in zip(REQUIRED.items(), steps_of(plain), steps_of(ours), strict=True):
        seconds = interleaved({"plain": slow, "ours": fast}, ROUNDS, seconds=cpu_seconds)
        ratio = seconds["plain"] / seconds["ours"]
        note = f"{seconds['plain']:.2f} s against {seconds['ours']:.2f} s"
        line(f"{name}: plain / ours", ratio, "x", note, at_least=required)
    for (name, _), slow, fast in zip(REQUIRED.items(), steps_of(plain), steps_of(ours), strict=True):
        line(f"{name}: peak memory", peak(fast), "MiB", f"plain {peak(slow):,.0f}")


if __name__ == "__main__":
    main()
