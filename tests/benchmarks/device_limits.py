"""A search under limits on a real device: CIFAR-10 (4,000 images), at most 100 k parameters and 1.5 ms a picture.

Ten minutes of search (`vgg`, onnxruntime on one thread) give a winner, which is trained anew with three seeds. Beside
it stand the winner of random search in the same time, and a network written by hand with as many parameters as the
first winner: two convolutions, pooling, two convolutions, pooling, a mean, as in many tutorials. All are trained with
the same recipe for the same number of epochs, tested on 2,000 other images, and measured in one session. Run it alone:

    OMP_NUM_THREADS=1 python tests/benchmarks/device_limits.py cifar10
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

import _report  # noqa: F401  # finds the checkout
import numpy as np
import pyarrow.parquet as pq
import torch
from torch import nn
from torchvision.io import decode_jpeg

import nas_tune
from search_spaces import Space, integer
from trainables.costs.quantities import write_value
from trainables.hardware.device import processor
from trainables.hardware.measuring import measure
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.tasks.learner import Learner

LIMITS = {"parameters": "100k", "latency": "1.5ms"}
HAND = Space({"width": integer(4, 128)}, name="written_by_hand")
RECIPE: dict[str, Any] = {"task": "classification", "batch_size": 64, "lr": 0.1}


def written_by_hand(architecture: Any, *, num_classes: int, in_channels: int) -> nn.Module:
    """Two pairs of 3 x 3 convolutions with pooling, widths w and 2 w; a mean over the image; a linear layer."""
    width = architecture["width"]
    layers: list[nn.Module] = []
    before = in_channels
    for after in (width, 2 * width):
        for place in range(2):
            layers += [
                nn.Conv2d(after if place else before, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        layers.append(nn.MaxPool2d(2))
        before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, num_classes))


def arrays_of(file: Path, images: int) -> tuple[Any, Any]:
    """The first images of a Parquet file with JPEG files, (n, 32, 32, 3), and their labels."""
    table = pq.read_table(file, columns=["jpeg", "label"]).slice(0, images)
    decoded = []
    for content in table["jpeg"].to_pylist():
        decoded.append(decode_jpeg(torch.frombuffer(bytearray(content), dtype=torch.uint8)).permute(1, 2, 0).numpy())
    return np.stack(decoded), table["label"].to_numpy()


def part_of(folder: Path, images: int, to: Path) -> str:
    """The first training images and 2,000 test images as a file of arrays."""
    (x_train, y_train), (x_test, y_test) = (
        arrays_of(folder / "train-0.parquet", images),
        arrays_of(folder / "test.parquet", 2_000),
    )
    np.savez(to / "part.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return str(to / "part.npz")


def searched(strategy: str, data: str, folder: Path, seconds: float) -> Any:
    """The best architecture of a search, with the number of its trials and of what it refused."""
    run = nas_tune.search(
        "vgg",
        trainable={"name": "learner", "network": {"channels": 12}, **RECIPE, "data": data},
        strategy=strategy,
        executor="inline",
        limits=LIMITS,
        max_seconds=seconds,
        max_epochs=9,
        run_dir=folder / strategy,
    )
    best = run.best().iloc[0]
    refused = {f"{rung} {name}".strip(): count for (rung, name), count in run.state.refused.items()}
    print(f"{strategy}: {run.state.trials} trials, validation {best['value']:.4f}, refused {refused}", flush=True)
    return run.architecture(int(best["trial"]))


def tested(space: object, architecture: Any, data: str, epochs: int, seed: int, **more: Any) -> tuple[float, float]:
    """Test accuracy and CPU seconds of a training."""
    start = time.process_time()
    learner = Learner(space=space, **RECIPE, data=data, **more)
    learner.setup(architecture, seed=seed, max_epochs=epochs)
    for _ in range(epochs):
        learner.step()
    return learner.evaluate("test")["accuracy"], time.process_time() - start


def same_size(parameters: int, data: str) -> Any:
    """The widest network by hand with at most so many parameters."""
    learner = Learner(space=HAND, **RECIPE, data=data)
    fitting = [w for w in range(4, 129) if learner.cost(HAND.validate({"width": w})).parameters <= parameters]
    return HAND.validate({"width": max(fitting)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="with train-0.parquet and test.parquet, below NAS_TUNE_DATA")
    parser.add_argument("--images", type=int, default=4_000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--epochs", type=int, default=20, help="of the final trainings")
    given = parser.parse_args()
    torch.set_num_threads(1)
    NETWORKS.register(HAND.name, Family(written_by_hand, undecided=False), replace=True)
    images = Path(given.folder) if Path(given.folder).exists() else Path(os.environ["NAS_TUNE_DATA"]) / given.folder
    with tempfile.TemporaryDirectory() as name:
        data = part_of(images, given.images, Path(name))
        found = {one: searched(one, data, Path(name), given.seconds) for one in ("auto", "random")}
        of_vgg = {"network": {"channels": 12}}
        learner = Learner(space="vgg", **RECIPE, data=data, **of_vgg)
        hand = same_size(learner.cost(found["auto"]).parameters, data)
        by_hand = Learner(space=HAND, **RECIPE, data=data)
        subjects = {one: (lambda made=made: learner.untrained(made)) for one, made in found.items()}
        times = measure({**subjects, "by hand": lambda: by_hand.untrained(hand)})
        print(f"{processor()}, {times[0].how}, final trainings of {given.epochs} epochs, seeds 0 1 2")
        for one in times:
            space, made, more = (HAND, hand, {}) if one.name == "by hand" else ("vgg", found[one.name], of_vgg)
            cost = (by_hand if one.name == "by hand" else learner).cost(made)
            scores = [tested(space, made, data, given.epochs, seed, **more) for seed in range(3)]
            print(
                f"{one.name:8} test {mean(score for score, _ in scores):.4f} "
                f"({' '.join(f'{score:.4f}' for score, _ in scores)})  {one.value:.3f} ms "
                f"({one.low:.3f} to {one.high:.3f})  parameters {write_value('parameters', cost.parameters)}  MACs "
                f"{write_value('macs', cost.macs)}  {sum(seconds for _, seconds in scores):.0f} CPU s",
                flush=True,
            )
