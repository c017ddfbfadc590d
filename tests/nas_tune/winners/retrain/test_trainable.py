"""The trainable of a retraining by hand: when it tests, and what it says of trainings that end before their time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nas_tune.winners.retrain.trainable import Retraining
from search_spaces import Space, choice, integer
from tests.nas_tune.winners.retrain.examples import Counted, Short, small
from trainables.errors import EndOfTraining, TrainableError

PAIRS = Space({"chosen": choice(*range(6)), "repeat": integer(0, 1)})
MEMBERS = [{"tree": made.tree} for made in small().enumerate()]


class Ending(Counted, Short):
    """Ends after two epochs, and can be tested."""


class Unwilling(Counted):
    """Ends before its first epoch."""

    def step(self) -> dict[str, float]:
        raise EndOfTraining("nothing to learn")


def retraining(kind: type[Counted], epochs: int) -> Retraining:
    made = type("Own", (Retraining,), {"target": kind})
    spec = json.dumps(small().to_spec())
    begun: Retraining = made(of="its class", settings={}, space=spec, candidates=MEMBERS)
    begun.setup(PAIRS.validate({"chosen": 2, "repeat": 0}), seed=3, max_epochs=epochs)
    return begun


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_last_epoch_is_tested_and_is_the_last(epochs: int) -> None:
    training = retraining(Counted, epochs)
    reports = [training.step() for _ in range(epochs)]
    assert [epoch for epoch, report in enumerate(reports, 1) if "test_accuracy" in report] == [epochs]
    with pytest.raises(EndOfTraining):
        training.step()


def test_a_training_that_ends_early_is_tested_in_one_more_report() -> None:
    training = retraining(Ending, 5)
    assert all("test_accuracy" not in training.step() for _ in range(2))
    last = training.step()
    assert last["epoch"] == 3
    assert "test_accuracy" in last
    with pytest.raises(EndOfTraining, match="the test came after its last epoch"):
        training.step()


def test_one_that_ends_after_its_first_epoch_is_tested_and_one_before_it_is_not(tmp_path: Path) -> None:
    class Once(Counted):
        def step(self) -> dict[str, float]:
            if self._epoch == 1:
                raise EndOfTraining("one is enough")
            return super().step()

    training = retraining(Once, 4)
    training.step()
    training.save(tmp_path)
    resumed = retraining(Once, 4)
    resumed.load(tmp_path)
    for one in (training, resumed):
        assert one.step()["epoch"] == 2
    with pytest.raises(EndOfTraining, match="nothing to learn"):
        retraining(Unwilling, 4).step()


@pytest.mark.parametrize("chosen", [-1, 6])
def test_a_candidate_that_is_not_there_is_refused_with_their_number(chosen: int) -> None:
    pairs = Space({"chosen": choice(-1, 6), "repeat": integer(0, 1)})
    training = retraining(Counted, 1)
    with pytest.raises(TrainableError, match=f"chosen is {chosen}; there are 6 candidates"):
        training.setup(pairs.validate({"chosen": chosen, "repeat": 0}), seed=0, max_epochs=1)
