"""Does a search for networks of a table pay? Adult (census income), whose file is found through NAS_TUNE_DATA.

    NAS_TUNE_DATA=/path/to/datasets python tests/benchmarks/adult.py

Three seeds, one process, one thread. A search of 20 trials of `mlp` (up to 4 layers; strategy auto, asha) stands
beside random search of 20 trials with asha, and beside a hand-written network of two layers of 128 that is trained as
often as the seconds of the search allow, each time with another seed; its validation AUC chooses, too. Told is the AUC
on the official test rows, which nothing has seen, and the CPU seconds.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from _report import heading, line

import nas_tune
import search_spaces
from trainables.tasks.learner import Learner

SEEDS, TRIALS, EPOCHS, WANTED = 3, 20, 9, 0.915
SPACE: dict[str, Any] = {"name": "mlp", "max_layers": 4, "max_width": 256}
TASK: dict[str, Any] = {"name": "table", "data": "adult/adult.parquet", "target": "income", "drop": ["fnlwgt"]}
HOW: dict[str, Any] = {"batch_size": 256, "optimizer": "adamw", "lr": 2e-3, "weight_decay": 0.05, "device": "cpu"}
HAND = {"layers": [{"width": 128, "activation": "relu", "norm": "none", "dropout": 0.2}] * 2, "skip": False}


def searched(folder: Path, strategy: str, seed: int, numbers: str) -> tuple[float, float]:
    """The test AUC of the winner, and the CPU seconds of the search."""
    began = time.process_time()
    run = nas_tune.search(
        SPACE, HOW, task={**TASK, "numbers": numbers}, strategy=strategy, max_trials=TRIALS, max_epochs=EPOCHS,
        seed=seed, executor="inline", run_dir=folder / f"{strategy}-{numbers}-{seed}",
    )  # fmt: skip
    seconds = time.process_time() - began
    return nas_tune.evaluate(run)["auc"], seconds


def written_by_hand(seconds: float, first_seed: int, numbers: str) -> tuple[float, int]:
    """The test AUC of the training that is best on the validation rows, and how many trainings fit."""
    architecture, found = search_spaces.get("mlp").validate(HAND), []
    began, spent = time.process_time(), 0.0
    while spent * (len(found) + 1) / max(len(found), 1) <= seconds or not found:
        learner = Learner(space="mlp", task={**TASK, "numbers": numbers}, **HOW)
        learner.setup(architecture, seed=first_seed + len(found), max_epochs=EPOCHS)
        for _ in range(EPOCHS):
            learner.step()
        found.append((learner.evaluate("validation")["auc"], learner.evaluate("test")["auc"]))
        spent = time.process_time() - began
    return max(found)[1], len(found)


def told(what: str, values: list[float], wanted: float | None = None) -> None:
    """The mean of the seeds, and their deviation."""
    verdict = "" if wanted is None else f"at least {wanted:g}: {'ok' if mean(values) >= wanted else 'MISSED'}"
    print(f"  {what:52} {mean(values):9.4f} +- {stdev(values):.4f} over {SEEDS} seeds  {verdict}".rstrip(), flush=True)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    if not (Path(os.environ.get("NAS_TUNE_DATA", "nowhere")) / TASK["data"]).exists():
        print("adult.parquet is not there: set NAS_TUNE_DATA to the folder that holds adult/")
        return
    with tempfile.TemporaryDirectory() as scratch:
        for numbers in ("piecewise", "standard"):
            heading(f"adult, numbers = {numbers}, {TRIALS} trials of at most {EPOCHS} epochs")
            scores: dict[str, list[float]] = {"auto": [], "random": [], "by hand": []}
            seconds, counts = [], []
            for seed in range(SEEDS):
                for strategy in ("auto", "random"):
                    auc, spent = searched(Path(scratch), strategy, seed, numbers)
                    scores[strategy].append(auc)
                    seconds.append(spent)
                auc, count = written_by_hand(seconds[-2], 100 * seed, numbers)
                scores["by hand"].append(auc)
                counts.append(count)
            told("test AUC of the search's winner", scores["auto"], WANTED if numbers == "piecewise" else None)
            told("of random search's winner", scores["random"])
            told("of the network by hand", scores["by hand"])
            line("CPU seconds of a search", mean(seconds), "s", f"trainings by hand in that time: {mean(counts):.0f}")


if __name__ == "__main__":
    main()
