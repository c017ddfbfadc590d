"""What a supernet gains by going on from one that was trained on other images.

    python tests/benchmarks/transfer.py

A supernet of nb201 (three operations, 4 channels) is trained by SPOS on the digits 0 to 4 for 30 epochs; another one
has 160 images of the digits 5 to 9 to learn from, and begins either anew or with the weights of the first under a new
head. What is told is the accuracy of four cells with shared weights on 240 other images, mean and spread of 3 seeds.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from _report import heading, line
from sklearn.datasets import load_digits

import search_spaces
from search_spaces import Architecture
from trainables.supernet.trainable import DartsTrainable

OPERATIONS = ["none", "skip_connect", "nor_conv_3x3"]
CELLS = (
    "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "|skip_connect~0|+|nor_conv_3x3~0|skip_connect~1|+|nor_conv_3x3~0|skip_connect~1|skip_connect~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    "|none~0|+|none~0|nor_conv_3x3~1|+|nor_conv_3x3~0|skip_connect~1|skip_connect~2|",
)
SETTINGS: dict[str, Any] = {
    "space": "nb201",
    "channels": 4,
    "cells": 1,
    "network": {"operations": OPERATIONS},
    "method": "spos",
    "method_settings": {"population": 2, "generations": 0},
    "batch_size": 32,
    "lr": 0.05,
    "lr_min": 0.0,
    "weight_decay": 5e-4,
    "device": "cpu",
}
BEFORE, AFTER, SEEDS = 30, 12, 3
LOOKS = (1, 2, 4, 8, 12)


def parted(folder: Path) -> None:
    """Two data sets of five classes each: all images of the first digits, 500 of the last."""
    digits = load_digits()
    images, labels = digits.images.astype("uint8"), digits.target
    first, last = np.flatnonzero(labels < 5), np.flatnonzero(labels >= 5)[:500]
    np.savez(folder / "first.npz", x=images[first], y=labels[first])
    np.savez(folder / "last.npz", x=images[last], y=labels[last] - 5)


def begun(folder: Path, data: str, seed: int, epochs: int, **more: Any) -> DartsTrainable:
    search = DartsTrainable(**SETTINGS, data=data, data_root=str(folder), **more)
    search.setup(Architecture({}), seed=seed, max_epochs=epochs)
    return search


def accuracies(trainable: DartsTrainable) -> list[float]:
    """The mean accuracy of the cells after each of `LOOKS` epochs."""
    search, space = trainable.search, search_spaces.get("nb201", operations=OPERATIONS)
    cells = [space.from_string(cell) for cell in CELLS]
    seen = []
    for epoch in range(1, AFTER + 1):
        search.train_epoch()
        if epoch in LOOKS:
            seen.append(mean(search.evaluate_member(cell, search.data.validation).accuracy for cell in cells))
    return seen


def pair(folder: Path, seed: int) -> tuple[list[float], list[float]]:
    """Anew, and from the first digits."""
    before = begun(folder, "first.npz", seed, BEFORE, validation_share=0.2)
    for _ in range(BEFORE):
        before.search.train_epoch()
    kept = folder / f"seed-{seed}"
    kept.mkdir()
    before.save(kept)
    few = {"validation_share": 0.6}
    return (
        accuracies(begun(folder, "last.npz", seed, AFTER, **few)),
        accuracies(begun(folder, "last.npz", seed, AFTER, **few, start_from=str(kept))),
    )


def main(folder: Path) -> None:
    parted(folder)
    pairs = [pair(folder, seed) for seed in range(SEEDS)]
    heading(f"accuracy on digits 5 to 9 after so many epochs, {SEEDS} seeds")
    for name, place in (("anew", 0), ("from a supernet of digits 0 to 4", 1)):
        for look, epoch in enumerate(LOOKS):
            values = [both[place][look] for both in pairs]
            line(f"{name}, {epoch} epochs", mean(values), f"+- {stdev(values):.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(scratch))
