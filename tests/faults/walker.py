"""A training of no cost whose state shows every epoch that was lost, and whose log shows every epoch that was run."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from pathlib import Path

from search_spaces import Architecture
from trainables.errors import CheckpointError

STEEP = {"none": 0.0, "skip_connect": 0.3, "avg_pool_3x3": 0.2, "nor_conv_1x1": 0.7, "nor_conv_3x3": 1.0}


class Walker:
    """Walks up the number of convolutions of an nb201 cell; each epoch depends on all those before it.

    Settings: `log` is a folder in which every epoch that was really trained leaves a line; `slow` seconds an epoch;
    `fault` is what happens to the trial whose first edge is `nor_conv_3x3`, at its second epoch: "kill" (its process,
    once), "exit" (every time), "hang", "nan" or "error".
    """

    def __init__(self, log: str = "", slow: float = 0.0, fault: str = "") -> None:
        self.log, self.slow, self.fault = log, slow, fault

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        self.tree, self.seed = architecture.tree, seed
        # A trainable may go by the id, which has to be the same wherever it runs.
        self.epoch, self.height = 0, (seed % 1000) / 1e5 + int(architecture.id[:4], 16) / 1e8

    def step(self) -> dict[str, object]:
        self.epoch += 1
        self.meet_the_fault()
        if self.slow:
            time.sleep(self.slow)
        self.height += sum(STEEP[op] for op in self.tree.values()) / (6 * 2**self.epoch)
        if self.log:
            line = json.dumps({"seed": self.seed, "epoch": self.epoch})
            with (Path(self.log) / "epochs.jsonl").open("a") as file:
                file.write(line + "\n")
        return {"accuracy": self.height}

    def save(self, folder: Path) -> None:
        (folder / "walker.json").write_text(json.dumps([self.epoch, self.height]))

    def load(self, folder: Path) -> None:
        try:
            self.epoch, self.height = json.loads((folder / "walker.json").read_text())
        except (OSError, ValueError) as error:
            raise CheckpointError(f"no walker in {folder}") from error

    def evaluate(self, split: str) -> dict[str, float]:
        return {"accuracy": self.height}

    def meet_the_fault(self) -> None:
        if not self.fault or self.epoch != 2 or self.tree["edge_0_1"] != "nor_conv_3x3":
            return
        if self.fault == "kill" and self.first_time():
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "exit":
            os._exit(11)
        if self.fault == "hang":
            time.sleep(1000)
        if self.fault == "nan":
            self.height = math.nan
        if self.fault == "error":
            raise RuntimeError("the walker stumbled")

    def first_time(self) -> bool:
        marker = Path(self.log) / f"killed-{self.seed}"
        if marker.exists():
            return False
        marker.touch()
        return True


def epochs_trained(log: Path) -> list[tuple[int, int]]:
    """Every (seed, epoch) that was really trained, in order, repeats included."""
    path = log / "epochs.jsonl"
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(line["seed"], line["epoch"]) for line in lines]
