"""Language models of tiny Shakespeare at equal cost: the winner of a search, random search, a default, and n-grams.

Every training has the same CPU seconds of one thread: an epoch has as many tokens as the network can train on in its
share of them. The winner of each search by validation loss, and the default network (2 blocks, 128 wide, 4 heads), are
then trained with three seeds. Run it alone on a machine:

    OMP_NUM_THREADS=1 python tests/benchmarks/language.py tiny_shakespeare/input.txt
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import _report  # noqa: F401  # finds the checkout
import torch

import nas_tune
import search_spaces
from trainables.tasks.learner import Learner

EPOCHS = 5
DEFAULT = {"embedding": 128, "blocks": [{"heads": 4, "mlp_ratio": 4.0}] * 2}
PROBE = 20_000
"""Tokens of the epoch by which the speed of a network is measured."""


class Timed(Learner):
    """A learner whose training takes `seconds` of CPU time, evaluations aside."""

    seconds = 25.0

    def setup(self, architecture, *, seed, max_epochs):
        self._lasts(PROBE)
        super().setup(architecture, seed=seed, max_epochs=1)
        start = time.process_time()
        self._run.training.train_epoch()
        speed = PROBE / (time.process_time() - start)
        self._lasts(int(speed * self.seconds / max_epochs))
        super().setup(architecture, seed=seed, max_epochs=max_epochs)

    def _lasts(self, tokens):
        self._task = replace(self._task, data=replace(self._task.data, epoch_tokens=tokens))


def trained(architecture, seed, **settings):
    """Validation loss, test loss and CPU seconds of a training."""
    learner = Timed(space="transformer_lm", **settings)
    learner.setup(architecture, seed=seed, max_epochs=EPOCHS)
    start = time.process_time()
    for _ in range(EPOCHS):
        learner._run.training.train_epoch()
    seconds = time.process_time() - start
    return learner.evaluate("validation")["loss"], learner.evaluate("test")["loss"], seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=25.0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    Timed.seconds = arguments.seconds
    settings = {"task": "language", "data": str(Path(arguments.data).resolve()), "device": "cpu"}
    settings |= {"validation_share": 0.05, "test_share": 0.05}
    space = search_spaces.get(
        "transformer_lm", embeddings=(32, 64, 96, 128), depths=(1, 4), heads=(2, 4, 8), mlp_ratios=(2.0, 3.0, 4.0)
    )
    chosen = {"default": DEFAULT}
    for strategy in ("auto", "random"):
        start = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            run = nas_tune.search(
                space,
                Timed,
                settings=settings,
                strategy=strategy,
                scheduler="asha",
                metric="loss",
                mode="min",
                max_trials=arguments.trials,
                max_epochs=EPOCHS,
                executor="inline",
                run_dir=Path(folder) / "run",
            )
            best = run.best().iloc[0]
            chosen[strategy] = run.architecture(int(best["trial"])).tree
        print(f"{strategy}: {time.process_time() - start:.0f} CPU s, validation {best['loss']:.3f}, {chosen[strategy]}")
    for name, architecture in chosen.items():
        found = [trained(architecture, seed, **settings) for seed in range(arguments.seeds)]
        validation, test, seconds = ([one[place] for one in found] for place in range(3))
        spread = f"from {min(validation):.3f} to {max(validation):.3f}"
        print(
            f"{name}: validation {statistics.mean(validation):.3f} ({spread}), test {statistics.mean(test):.3f}, "
            f"{statistics.mean(seconds):.1f} CPU s"
        )
    for control in Learner(space="transformer_lm", **settings).task.controls():
        print(control.line())


if __name__ == "__main__":
    main()
