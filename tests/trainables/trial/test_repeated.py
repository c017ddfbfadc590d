"""Several trainings of one architecture as one trial."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from search_spaces import Architecture
from tests.toys import Climber, tiny_space
from trainables import TrainableError, adapt
from trainables.errors import CheckpointError
from trainables.registry import one_training
from trainables.trial.deadline import check_time
from trainables.trial.repeated import Repeated, one_of, seed_of
from trainables.trial.session import Outcome, TrialSession
from trainables.trial.trainings import settings_of_each

ARCHITECTURE = tiny_space().sample(0)


def repeated(target: Any = Climber, **settings: Any) -> Repeated:
    made = adapt(target, {"repeats": 3, **settings})
    assert isinstance(made, Repeated)
    return made


def trained(trainable: Any, seed: int = 5, epochs: int = 3) -> list[Mapping[str, Any]]:
    trainable.setup(ARCHITECTURE, seed=seed, max_epochs=epochs)
    return [trainable.step() for _ in range(epochs)]


def reporting(of_seed: Callable[[int], Mapping[str, Any]]) -> Any:
    def train(architecture: Architecture, *, seed: int = 0) -> Iterator[Any]:
        yield of_seed(seed)

    return train


def outcome(target: Any) -> Outcome:
    return TrialSession(adapt(target, {"repeats": 2}), ARCHITECTURE, seed=0, max_epochs=3).advance()


def test_it_is_shown_as_its_first_training_and_how_many_there_are() -> None:
    made = repeated()
    assert repr(made).startswith(f"Repeated({made.trainings[0]!r}, ")


# What is reported


def test_a_metric_is_the_mean_of_the_trainings_with_their_spread_beside() -> None:
    alone = [trained(Climber(), seed_of(5, number)) for number in range(3)]
    for epoch, report in enumerate(trained(repeated())):
        values = [one[epoch]["accuracy"] for one in alone]
        assert report["accuracy"] == pytest.approx(statistics.mean(values), abs=1e-15)
        assert report["accuracy_spread"] == pytest.approx(statistics.stdev(values), rel=1e-9)
        assert report["accuracy_spread"] > 0


def test_the_first_training_is_that_of_a_trial_without_repeats() -> None:
    made = repeated()
    reports = trained(made)
    assert len(reports) == 3
    assert made.report_of(0) == pytest.approx(trained(Climber())[-1])
    assert seed_of(5, 0) == 5
    assert len({seed_of(5, number) for number in range(100)}) == 100
    assert all(0 <= seed_of(5, number) < 2**32 for number in range(100))


def test_one_repeat_is_no_repeat() -> None:
    assert isinstance(adapt(Climber, {"repeats": 1}), Climber)
    assert not isinstance(adapt(Climber), Repeated)


def test_costs_are_those_of_one_network() -> None:
    report = trained(repeated(reporting(lambda seed: {"loss": seed, "parameters": 7, "macs": 8, "lr": 0.1})), epochs=1)
    assert report[0].keys() == {"loss", "loss_spread", "parameters", "macs", "lr"}
    assert (report[0]["parameters"], report[0]["macs"], report[0]["lr"]) == (7, 8, 0.1)


def test_a_value_that_is_not_finite_makes_the_mean_so() -> None:
    found = outcome(reporting(lambda seed: {"loss": math.nan if seed else 1.0}))
    assert math.isnan(found.metrics["loss"])
    found = outcome(reporting(lambda seed: {"loss": math.inf if seed else 1.0}))
    assert math.isinf(found.metrics["loss"])


def test_what_only_some_trainings_report_is_left_out_and_noted_once() -> None:
    found = outcome(reporting(lambda seed: {"loss": 1.0, **({"auc": 0.5} if seed else {})}))
    assert found.metrics.keys() == {"loss", "loss_spread"}
    assert found.notes == ("auc is left out: 1 of 2 trainings report it",)


def test_a_value_that_is_no_number_is_told_as_of_one_training() -> None:
    found = outcome(reporting(lambda seed: {"loss": 1.0, "name": "a"}))
    assert "name" in found.unusable
    assert found.metrics["loss"] == 1.0


def test_reports_that_cannot_be_joined_are_refused() -> None:
    found = outcome(reporting(lambda seed: {"loss": 1.0, "loss_spread": 0.1}))
    assert found.failure is not None
    assert "rename one" in found.failure.message
    found = outcome(reporting(lambda seed: {"loss": 1.0} if seed else {"loss": 1.0, "loss_spread": 0.1}))
    assert found.failure is not None
    assert "rename one" in found.failure.message
    found = outcome(reporting(lambda seed: {"loss": 1.0, "epoch": 2 if seed else 1}))
    assert found.failure is not None
    assert "leave `epoch` out" in found.failure.message
    found = outcome(reporting(lambda seed: [1.0]))  # type: ignore[arg-type, return-value]
    assert found.failure is not None
    assert found.failure.kind == "bad_result"


def test_notes_say_which_training_made_them() -> None:
    class Noting(Climber):
        def notes(self) -> list[str]:
            return ["slow"]

    made = repeated(Noting)
    trained(made, epochs=1)
    assert list(made.notes()) == [f"training {number} of 3: slow" for number in (1, 2, 3)]


def test_a_failure_of_one_training_is_that_of_the_trial() -> None:
    def train(architecture: Architecture, *, seed: int = 0) -> Iterator[Any]:
        if seed:
            raise MemoryError("too large")
        yield {"loss": 1.0}

    found = outcome(train)
    assert found.failure is not None
    assert found.failure.kind == "oom"


def test_a_deadline_ends_the_epoch_within_any_training() -> None:
    def train(architecture: Architecture, *, seed: int = 0) -> Iterator[Any]:
        while True:
            check_time()
            time.sleep(0.02)
            yield {"loss": 1.0}

    made = adapt(train, {"repeats": 3})
    session = TrialSession(made, ARCHITECTURE, seed=0, max_epochs=9, ends=time.monotonic() + 0.03)
    found = session.advance()
    assert found.out_of_time
    assert not found.metrics
    assert "the time was up in epoch 1" in found.notes[0]


# Checkpoints


def test_a_trial_goes_on_from_its_checkpoint_bit_for_bit(tmp_path: Path) -> None:
    whole = trained(repeated(), epochs=5)
    cut = repeated()
    cut.setup(ARCHITECTURE, seed=5, max_epochs=5)
    for _ in range(2):
        cut.step()
    cut.save(tmp_path)
    again = repeated()
    again.setup(ARCHITECTURE, seed=5, max_epochs=5)
    again.load(tmp_path)
    assert [again.step() for _ in range(3)] == whole[2:]


def test_a_checkpoint_of_another_number_of_trainings_is_refused(tmp_path: Path) -> None:
    made = repeated()
    trained(made, epochs=1)
    made.save(tmp_path)
    two = repeated(repeats=2)
    two.setup(ARCHITECTURE, seed=5, max_epochs=3)
    with pytest.raises(CheckpointError, match=r"holds 3 trainings .* these are 2 .*2 seeds"):
        two.load(tmp_path)
    (tmp_path / "repeated.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds no repeated training"):
        made.load(tmp_path)


def test_a_generator_keeps_no_checkpoints() -> None:
    assert repeated(Climber).checkpoints
    assert not repeated(reporting(lambda seed: {"loss": 1.0})).checkpoints


def test_the_best_training_is_found_again(tmp_path: Path) -> None:
    made = repeated()
    trained(made)
    values = [made.report_of(number)["accuracy"] for number in range(3)]
    best = made.best("accuracy", "max")
    assert values[best] == max(values)
    assert values[made.best("accuracy", "min")] == min(values)
    assert made.best("f1", "max") == 0
    made.save(tmp_path)
    again = repeated()
    again.setup(ARCHITECTURE, seed=5, max_epochs=3)
    again.load(tmp_path)
    assert again.best("accuracy", "max") == best
    assert again.report_of(best) == made.report_of(best)


# Settings


def test_folds_and_repeats_multiply() -> None:
    repeats, each = settings_of_each({"lr": 1, "repeats": 2, "folds": 3}, ["lr", "folds", "fold"])
    assert repeats == 2
    assert each == [{"lr": 1, "folds": 3, "fold": fold} for fold in (0, 1, 2)] * 2


def test_a_single_fold_may_be_asked_for() -> None:
    given = {"folds": 3, "fold": 1}
    assert settings_of_each(given, ["folds", "fold"]) == (1, [given])


def test_folds_of_a_trainable_without_fold_are_its_own() -> None:
    assert settings_of_each({"folds": 3}, ["folds"]) == (1, [{"folds": 3}])


def test_a_setting_called_repeats_stays_that_of_its_trainable() -> None:
    def train(architecture: Architecture, *, repeats: int) -> Iterator[Any]:
        yield {"loss": float(repeats)}

    assert trained(adapt(train, {"repeats": 3}), epochs=1) == [{"loss": 3.0}]
    assert one_training(train, {"repeats": 3}) == {"repeats": 3}
    assert one_training(Climber, {"repeats": 3, "slow": 0.0}) == {"slow": 0.0}


@pytest.mark.parametrize("given", [0, -1, 1.5, "3", True, None])
def test_repeats_is_a_whole_number(given: object) -> None:
    with pytest.raises(TrainableError, match=r"repeats is .*; it must be a whole number at least 1"):
        adapt(Climber, {"repeats": given})


def test_what_trains_no_given_architecture_is_not_repeated() -> None:
    class Estimate(Climber):
        trains_networks = False

    with pytest.raises(TrainableError, match=r"repeats is 3, .* leave repeats out"):
        adapt(Estimate, {"repeats": 3})


def test_one_of_several_stands_for_what_they_share() -> None:
    made = repeated()
    assert one_of(made) is made.trainings[0]
    assert one_of(made.trainings[1]) is made.trainings[1]
    assert made.about() == ["each trial trains its architecture 3 times: 3 seeds"]
