"""Searches whose data or networks are objects, in a process of their own: python -m tests.faults.given_searches ..."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

import nas_tune
import search_spaces
from search_spaces import real
from tests.nas_tune import own_module
from tests.trainables.tasks import own_task

__all__ = ["CASES", "search"]

LABELS = np.arange(60) % 3
IMAGES = np.random.default_rng(0).random((60, 8, 8)).astype(np.float32) + LABELS[:, None, None] / 5
SMALL = {"channels": 2, "cells": 1, "batch_size": 8}
FEW: dict[str, Any] = {"data": (IMAGES, LABELS), "trainable": {"batch_size": 8}, "max_trials": 2, "max_epochs": 30}
"""Of spaces with few members, whose networks are small."""


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """Examples one at a time."""

    def __len__(self) -> int:
        return len(LABELS)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(IMAGES[index][None]), int(LABELS[index])


def flats() -> pd.DataFrame:
    size = np.random.default_rng(0).normal(size=120)
    frame = pd.DataFrame({"size": size, "kind": ["a", "b", None] * 40, "price": 3 * size + 1})
    frame.loc[::9, "size"] = np.nan
    return frame


MLP: Any = {"name": "mlp", "min_width": 4, "max_width": 16, "max_layers": 2}
CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "arrays": lambda: {"space": "nb201", "data": (IMAGES, LABELS), "trainable": SMALL},
    "dataset": lambda: {"space": "nb201", "data": Pictures(), "task": "classification", "trainable": SMALL},
    "frame": lambda: {"space": MLP, "data": flats(), "target": "price"},
    "tokens": lambda: {
        "space": {"name": "transformer_lm", "embeddings": [16, 32], "depths": [1, 2]},
        "task": {"name": "language", "data": np.arange(900) % 11, "context": 8},
    },
    "waves": lambda: {
        "space": {"name": "chain1d", "depths": [1, 2], "widths": [8, 16]},
        "task": {"name": "signal", "data": (IMAGES.reshape(60, 64), LABELS)},
    },
    "class": lambda: {"space": own_module.Net, **FEW},
    "instance": lambda: {"space": own_module.instance, **FEW},
    "function": lambda: {"space": own_module.pair, **FEW},
    "two inputs": lambda: {**FEW, "space": own_module.TwoInputs, "task": own_task.Growth, "data": None},
    "lr beside": lambda: {
        "space": search_spaces.get("nb201").beside(lr=real(1e-3, 0.1, log=True)),
        "data": (IMAGES, LABELS),
        "trainable": SMALL,
    },
}
"""The space, the data and the task of each search."""


def search(case: str, folder: Path, executor: str, **more: Any) -> nas_tune.Run:
    """Six trials of four epochs at random, or two of thirty."""
    usual = {"task": "auto", "max_trials": 6, "max_epochs": 4, "strategy": "random", "scheduler": "none", "seed": 2}
    where = {"executor": executor, "workers": 2 if executor == "ray" else 1, "run_dir": folder}
    return nas_tune.search(**{**usual, **CASES[case](), **where, **more})


if __name__ == "__main__":
    search(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
