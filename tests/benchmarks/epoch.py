"""An epoch of the ImageClassifier against torchvision transforms and a DataLoader, at equal work.

    python tests/benchmarks/epoch.py

Same images, network, optimizer, batch size and augmentation (random crop with padding, flip, normalisation);
the alternatives are interleaved in one run, and medians of their wall times are compared. The loader keeps
its workers alive between epochs, and nobody's first epoch counts. Torch has one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from _report import heading, interleaved, line
from torch import Tensor
from torch.nn import functional

from trainables.data import Augmentation, DataSettings, ImageData, Views, load_raw
from trainables.data.images import Raw, Split, raw_images
from trainables.data.split import split_data
from trainables.networks import build
from trainables.networks.nb201 import EDGES
from trainables.tasks.classification import Classification
from trainables.training.loop import Recipe, Training
from trainables.training.optimization import Optimization, Optimizer
from trainables.training.randomness import Randomness

CPU = torch.device("cpu")
CELL = dict(
    zip(
        EDGES,
        ("nor_conv_3x3", "skip_connect", "nor_conv_1x1", "skip_connect", "none", "nor_conv_3x3"),
        strict=True,
    )
)
BATCH = 32
ROUNDS = 3


class ByTransforms(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """The usual data set: one PIL image after the other through torchvision's transforms."""

    def __init__(self, data: ImageData, shift: int) -> None:
        from torchvision import transforms

        images = data.train.images.permute(0, 2, 3, 1).numpy()
        self.images = images[..., 0] if images.shape[3] == 1 else images
        self.labels = data.train.labels.tolist()
        scale = [tensor.flatten().div(255).tolist() for tensor in (data.mean, data.std)]
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(data.image_size, padding=shift),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(*scale),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def loader(data: ImageData, shift: int, workers: int) -> Iterable[Sequence[Tensor]]:
    return torch.utils.data.DataLoader(
        ByTransforms(data, shift),
        BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def network_of(data: ImageData) -> torch.nn.Module:
    torch.manual_seed(0)
    network = build("nb201", CELL, in_channels=data.in_channels, channels=16, cells=1)
    return network.to(memory_format=torch.channels_last)


def our_epoch(data: ImageData, shift: int) -> Callable[[], object]:
    task = Classification(views=Views(shift=shift, flip=True))
    recipe = Recipe(BATCH, 0.1, Optimization())
    training = Training(network_of(data), task, data, recipe, Randomness(0, CPU), 10**6)
    return training.train_epoch


def our_data(data: ImageData, shift: int) -> Callable[[], object]:
    generator = torch.Generator().manual_seed(0)
    views = Augmentation(shift, flip=True)

    def epoch() -> None:
        order = torch.randperm(len(data.train), generator=generator)
        for index in range(len(order) // BATCH):
            rows = order[index * BATCH : (index + 1) * BATCH]
            data.normalize(views(data.train.images.index_select(0, rows), generator))

    return epoch


def usual_epoch(data: ImageData, batches: Iterable[Sequence[Tensor]]) -> Callable[[], object]:
    network = network_of(data)
    optimizer = Optimizer(network, Optimization(), CPU)

    def epoch() -> tuple[float, int]:
        network.train()
        total, hits = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for images, labels in batches:
            logits = network(images.contiguous(memory_format=torch.channels_last))
            loss = functional.cross_entropy(logits, labels, label_smoothing=0.1)
            optimizer.descend(loss, 0.5)
            total += loss.detach() * len(labels)
            hits += (logits.detach().argmax(1) == labels).sum()
        return float(total), int(hits)

    return epoch


def usual_data(batches: Iterable[Sequence[Tensor]]) -> Callable[[], object]:
    def epoch() -> None:
        for _ in batches:
            pass

    return epoch


def synthetic(count: int = 2000) -> Raw:
    """Random colour images of 32x32, as CIFAR's are in shape."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return raw_images("synthetic", Split(images, torch.arange(count) % 10))


def compare(title: str, raw: Raw, shift: int) -> None:
    data = split_data(raw, validation_share=0.2, test_share=0.2, seed=0, device=CPU)
    loaders = {f"DataLoader, {workers} workers": loader(data, shift, workers) for workers in (0, 2)}
    whole = {"ours": our_epoch(data, shift)}
    whole |= {name: usual_epoch(data, batches) for name, batches in loaders.items()}
    alone = {"ours": our_data(data, shift)}
    alone |= {name: usual_data(batches) for name, batches in loaders.items()}
    for part, alternatives in (("data alone", alone), ("with the network", whole)):
        seconds = interleaved(alternatives, ROUNDS)
        heading(f"{title}, {part}")
        for name, value in seconds.items():
            line(name, value * 1e3, "ms an epoch", f"{value / seconds['ours']:.2f} x ours")


def main() -> None:
    torch.set_num_threads(1)
    compare("digits, 1150 of 1x8x8", load_raw(DataSettings("digits")), 1)
    compare("synthetic, 1280 of 3x32x32", synthetic(), 4)


if __name__ == "__main__":
    main()
