"""Transforms of torchvision on a batch of images, each image by itself, beside the own views of whole batches.

    python tests/benchmarks/transforms.py

A batch has 32 images of 3 x 32 x 32. The alternatives are interleaved in one run. Torch has one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from _report import heading, interleaved, line
from torch import Tensor

from trainables.data import Augmentation
from trainables.data.transforms import built, transformed

BATCH, ROUNDS, REPEATS = 32, 7, 20
CHOSEN: dict[str, list[object]] = {
    "RandomHorizontalFlip": ["RandomHorizontalFlip"],
    "RandomCrop and flip": [{"name": "RandomCrop", "size": 32, "padding": 4}, "RandomHorizontalFlip"],
    "ColorJitter of the brightness": [{"name": "ColorJitter", "brightness": 0.2}],
    "TrivialAugmentWide": ["TrivialAugmentWide"],
    "RandAugment": ["RandAugment"],
}


def repeated(change: Callable[[Tensor, torch.Generator], Tensor], images: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(REPEATS):
        change(images, generator)


def main() -> None:
    torch.set_num_threads(1)
    images = torch.randint(256, (BATCH, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    runs: dict[str, Callable[[], object]] = {
        "own: shift, flip and cutout": partial(repeated, Augmentation(4, flip=True, cutout=8), images)
    }
    for name, settings in CHOSEN.items():
        transform = built(settings)
        runs[name] = partial(
            repeated, lambda batch, generator, one=transform: transformed(batch, one, generator), images
        )
    seconds = interleaved(runs, ROUNDS)
    heading(f"a batch of {BATCH} images of 3 x 32 x 32")
    for name, value in seconds.items():
        line(name, value / REPEATS * 1e3, "ms a batch")


if __name__ == "__main__":
    main()
