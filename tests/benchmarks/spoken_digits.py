"""Spoken digits of speakers that training has not heard: the winner of a search against a network written by hand.

A search of 30 trials decides the front end (20 to 40 bands, a hop of 16 ms) and the blocks of a network (`spectrogram`
before `vgg`) by the accuracy on one speaker; `--of nb201` searches the cells of that space instead. The winner and a
plain network of four convolutions with as many parameters are then trained with three seeds on four speakers, with the
same recipe, and tested on the sixth. With `--folds 5` each trial is judged by the mean of five trainings, each of which
leaves another one of the five speakers out. With `--run FOLDER` the search is kept there, and goes on from there when
the benchmark is called again. Run it alone on a machine:

    OMP_NUM_THREADS=1 python tests/benchmarks/spoken_digits.py spoken_digits/spoken_digits.parquet
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

import _report  # noqa: F401  # finds the checkout
import torch
from torch import nn

import nas_tune
from search_spaces import Space, integer
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.networks.spectrogram import Spectrogram
from trainables.tasks.learner import Learner

HAND = Space({"width": integer(4, 256)}, name="written_by_hand")
SIZES: dict[str, dict[str, Any]] = {"vgg": {"channels": 8}, "nb201": {"channels": 8, "cells": 1}}
FRONT: dict[str, Any] = {"name": "spectrogram", "bands": [20, 32, 40], "hops": [16]}


def written_by_hand(
    architecture: Any, *, num_classes: int, in_channels: int, length: int, sample_rate: int
) -> nn.Module:
    """40 bands, windows of 32 ms every 16 ms, logarithms; four convolutions of 3 x 3, halved by pooling; a mean."""
    width = architecture["width"]
    front = Spectrogram(sample_rate, length, in_channels, bands=40, window=32, hop=16, scale="log")
    layers: list[nn.Module] = []
    before = in_channels
    for after in (width, 2 * width, 4 * width, 4 * width):
        layers += [
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        before = after
    return nn.Sequential(front, *layers[:-1], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, num_classes))


def tested(space: object, architecture: Any, epochs: int, seed: int, settings: dict[str, Any]) -> tuple[float, float]:
    """Test accuracy and CPU seconds of a training."""
    start = time.process_time()
    learner = Learner(space=space, **settings)
    learner.setup(architecture, seed=seed, max_epochs=epochs)
    for _ in range(epochs):
        learner.step()
    return learner.evaluate("test")["accuracy"], time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--of", choices=SIZES, default="vgg")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--folds", type=int)
    parser.add_argument("--run", type=Path, help="the folder of the run; a temporary one without it")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--final-epochs", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    NETWORKS.register(HAND.name or "", Family(written_by_hand))
    task = {"task": "signal", "data": str(Path(arguments.data).resolve()), "sample_rate": 8000}
    settings: dict[str, Any] = {**task, "validation_groups": "speaker", "batch_size": 32, "device": "cpu"}
    for line in Learner(space="spectrogram", **settings).about():
        print(line)
    folds = {} if arguments.folds is None else {"folds": arguments.folds}
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = nas_tune.search(
            {**FRONT, "of": arguments.of},
            {"name": "learner", **settings, **SIZES[arguments.of], **folds},
            max_trials=arguments.trials,
            max_epochs=arguments.epochs,
            executor="inline",
            run_dir=arguments.run or Path(folder) / "run",
            resume=True,
        )
        best = run.best().iloc[0]
        winner = run.architecture(int(best["trial"]))
    print(
        f"search: {time.process_time() - start:.0f} CPU s, validation accuracy {best['accuracy']:.3f}, {winner.tree}",
        flush=True,
    )
    wanted = int(best["parameters"])

    def parameters(width: int) -> int:
        return Learner(space=HAND, **settings).cost(HAND.validate({"width": width})).parameters

    width = min(range(4, 60), key=lambda one: abs(parameters(one) - wanted))
    plain = HAND.validate({"width": width})
    rows = (
        ("winner", "spectrogram", winner, wanted, SIZES[arguments.of]),
        ("by hand", HAND, plain, parameters(width), {}),
    )
    for name, space, architecture, count, size in rows:
        found = [tested(space, architecture, arguments.final_epochs, seed, {**settings, **size}) for seed in range(3)]
        scores = [score for score, _ in found]
        each = ", ".join(f"{score:.3f}" for score in scores)
        spent = mean(seconds for _, seconds in found)
        print(f"{name}: {count:,} parameters, test accuracy {mean(scores):.3f} ({each}), {spent:.0f} CPU s")


if __name__ == "__main__":
    main()
