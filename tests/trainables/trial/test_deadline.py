"""The loops within an epoch look at the time, and what they leave is no failure and no value."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from search_spaces import Architecture, get
from tests.toys import Climber
from trainables.errors import OutOfTime
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.image_classifier import ImageClassifier
from trainables.trial.deadline import check_time, until
from trainables.trial.session import TrialSession

CELL = get("nb201").sample(0)
PAST = 0.0


def test_nothing_is_limited_outside_and_the_block_ends_with_itself() -> None:
    check_time()
    with until(PAST), pytest.raises(OutOfTime, match="after 3 of 9 batches"):
        check_time(3, 9)
    with until(time.monotonic() + 60):
        check_time()
        with until(PAST), pytest.raises(OutOfTime):
            check_time()
        check_time()
    check_time()


class Batches(Climber):
    """An epoch of a hundred batches, of which the third epoch's take long."""

    def step(self) -> dict[str, Any]:
        """One epoch."""
        slow = 0.05 if len(self.steps) == 2 else 0.0
        for index in range(100):
            check_time(index, 100)
            time.sleep(slow)
        self.steps.append(time.monotonic())
        return dict(super().step())

    steps: list[float]


def test_an_epoch_is_left_and_what_was_reported_stays(tmp_path: Path) -> None:
    made = Batches()
    made.steps = []
    begun = time.monotonic()
    architecture = Architecture({"op": "a", "wide": True})
    session = TrialSession(made, architecture, seed=0, max_epochs=9, folder=tmp_path, ends=begun + 0.5)
    first, second, left = session.advance(), session.advance(), session.advance()
    assert time.monotonic() - begun < 0.8
    assert (first.epoch, second.epoch, left.epoch) == (1, 2, 2)
    assert (left.failure, left.metrics, left.finished, left.out_of_time) == (None, {}, False, True)
    assert "the time was up in epoch 3 after" in left.notes[0]
    assert "of 100 batches" in left.notes[0]
    again = TrialSession(made, architecture, seed=0, max_epochs=9, folder=tmp_path).advance()
    assert (again.epoch, again.metrics) == (2, second.metrics)


@pytest.mark.parametrize("what", ["classifier", "supernet"])
def test_training_and_judging_look_at_the_time(what: str) -> None:
    size = {"channels": 2, "device": "cpu", "batch_size": 64}
    made: Any = ImageClassifier(**size) if what == "classifier" else DartsTrainable(space="nb201", **size)
    made.setup(CELL if what == "classifier" else Architecture({}), seed=0, max_epochs=2)
    before = torch.get_rng_state()
    with until(PAST):
        with pytest.raises(OutOfTime, match="after 0 of"):
            made.step()
        for split in ("validation", "test"):
            with pytest.raises(OutOfTime):
                made.evaluate(split)
    assert torch.equal(torch.get_rng_state(), before)
    assert 0 <= made.evaluate("test")["accuracy"] <= 1
