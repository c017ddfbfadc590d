"""The boundary around a trial: whatever a training does, a plain outcome comes out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from search_spaces import Architecture
from tests import toys
from tests.toys import Climber, tiny_space
from trainables.errors import CheckpointError, DivergedError, EndOfTraining, InfeasibleArchitectureError
from trainables.trial.generator import GeneratorTrainable
from trainables.trial.session import Outcome, TrialSession

ARCHITECTURE = tiny_space().sample(0)
OTHER = tiny_space().sample(1)


def session(trainable: Any, folder: Path | None = None, *, max_epochs: int = 4, **more: Any) -> TrialSession:
    more = {"seed": 7, **more}
    return TrialSession(trainable, more.pop("architecture", ARCHITECTURE), max_epochs=max_epochs, folder=folder, **more)


def all_of(running: TrialSession, limit: int = 20) -> list[Outcome]:
    found = []
    for _ in range(limit):
        found.append(running.advance())
        if found[-1].finished:
            return found
    raise AssertionError(f"it does not end: {found[-1]}")


def reporting(*reports: object) -> GeneratorTrainable:
    """A training that yields these."""

    def train(architecture: Architecture) -> Iterator[Any]:
        yield from reports

    return GeneratorTrainable(train)


def values(outcomes: list[Outcome]) -> list[tuple[int, float]]:
    return [(outcome.epoch, outcome.metrics["accuracy"]) for outcome in outcomes]


# Reports


def test_an_epoch_a_call_until_the_last() -> None:
    found = all_of(session(Climber()))
    assert [outcome.epoch for outcome in found] == [1, 2, 3, 4]
    assert [outcome.finished for outcome in found] == [False, False, False, True]
    assert all(outcome.failure is None and outcome.seconds >= 0.0 and not outcome.notes for outcome in found)


def test_the_seed_decides() -> None:
    one, again, other = (values(all_of(session(Climber(), seed=seed))) for seed in (1, 1, 2))
    assert one == again
    assert one != other


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        np.float32(0.5),
        np.float64(0.5),
        np.array(0.5),
        np.array([[0.5]]),
        torch.tensor(0.5),
        torch.tensor([0.5], dtype=torch.float16),
        torch.tensor([[0.5]], requires_grad=True),
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'shape', '')}",
)
def test_what_is_one_number_is_taken_as_a_plain_float(value: object) -> None:
    outcome = session(reporting({"accuracy": value})).advance()
    assert outcome.metrics == {"accuracy": 0.5}
    assert type(outcome.metrics["accuracy"]) is float


@pytest.mark.parametrize("value", [3, np.int64(3), torch.tensor(3)])
def test_whole_numbers_stay_whole(value: object) -> None:
    metrics = session(reporting({"accuracy": value})).advance().metrics
    assert json.dumps(dict(metrics)) == '{"accuracy": 3}'


def test_a_whole_number_that_no_float_holds_is_rounded() -> None:
    assert session(reporting({"accuracy": 2**70 + 1})).advance().metrics == {"accuracy": float(2**70)}


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (None, "an epoch reported None of type NoneType"),
        ({}, "an epoch reported {} of type dict"),
        ([0.5], "an epoch reported [0.5] of type list"),
        (0.5, "an epoch reported 0.5 of type float"),
        ({"accuracy": "0.5"}, "metric 'accuracy' is '0.5' of type str"),
        ({"accuracy": True}, "metric 'accuracy' is True of type bool"),
        ({"accuracy": np.bool_(True)}, "metric 'accuracy' is np.True_ of type bool"),
        ({"accuracy": torch.tensor(True)}, "metric 'accuracy' is tensor(True) of type Tensor"),
        ({"accuracy": 1j}, "metric 'accuracy' is 1j of type complex"),
        ({"accuracy": None}, "metric 'accuracy' is None of type NoneType"),
        ({"accuracy": [0.5]}, "metric 'accuracy' is [0.5] of type list"),
        ({"accuracy": np.zeros(2)}, "of type ndarray"),
        ({"accuracy": torch.zeros(2)}, "metric 'accuracy' is tensor([0., 0.]) of type Tensor"),
        ({"accuracy": np.array(["0.5"])}, "of type ndarray"),
        ({"accuracy": 10**400}, "metric 'accuracy' is 1000"),
        ({"my metric": 0.5}, "a metric is called 'my metric'"),
        ({"arch.op": 0.5}, "a metric is called 'arch.op'"),
        ({3: 0.5}, "a metric is called 3 of type int"),
        ({"état": 0.5}, "a metric is called 'état'"),
        ({"value": 0.5}, "a metric is called 'value', which is a column"),
        ({"accuracy": 0.5, "Value": 0.5}, "a metric is called 'Value', which is a column"),
        ({"accuracy": 0.5, "Epoch": 1}, "a metric is called 'Epoch', which is a column"),
        ({"accuracy": 0.5, "Accuracy": 0.6}, "metrics are called 'accuracy' and 'Accuracy', which differ only in case"),
        ({"accuracy": 0.5, "loss": 1.0, "LOSS": "x"}, "metrics are called 'loss' and 'LOSS'"),
        ({"accuracy": 0.5, "epoch": "1"}, "metric 'epoch' is '1' of type str"),
    ],
)
def test_what_is_no_report_is_a_bad_result_and_says_why(report: object, said: str) -> None:
    outcome = session(reporting(report)).advance()
    assert outcome.finished
    assert outcome.failure is not None
    assert outcome.failure.kind == "bad_result"
    assert said in outcome.failure.message
    # The training's own code is not to blame in a traceback of this module.
    assert outcome.failure.traceback == ""
    assert len(outcome.failure.message) < 300


@pytest.mark.parametrize("extra", ["x", {"a": 1}, None, 1j, torch.zeros(2), True, 10**400], ids=repr)
def test_what_is_no_number_beside_numbers_is_left_out_and_noted_once(extra: object) -> None:
    found = all_of(session(reporting({"accuracy": 0.1, "extra": extra}, {"accuracy": 0.2, "extra": extra})))
    assert [dict(outcome.metrics) for outcome in found[:2]] == [{"accuracy": 0.1}, {"accuracy": 0.2}]
    assert all(outcome.failure is None for outcome in found)
    assert len([note for outcome in found for note in outcome.notes]) == 1
    assert found[0].notes[0].startswith("metric 'extra' is ")
    assert found[0].notes[0].endswith("; it is left out")


def test_a_training_may_count_its_own_epochs() -> None:
    found = all_of(session(reporting({"accuracy": 0.1, "epoch": 2}, {"accuracy": 0.2, "epoch": np.int64(4)})))
    assert [(outcome.epoch, dict(outcome.metrics), outcome.finished) for outcome in found] == [
        (2, {"accuracy": 0.1}, False),
        (4, {"accuracy": 0.2}, True),
    ]


@pytest.mark.parametrize("epochs", [(0,), (-1,), (1.5,), (3, 2), (math.nan,), (math.inf,)])
def test_epochs_that_go_back_or_are_none_are_a_bad_result(epochs: tuple[float, ...]) -> None:
    found = all_of(session(reporting(*({"accuracy": 0.5, "epoch": epoch} for epoch in epochs))))
    assert found[-1].failure is not None
    assert found[-1].failure.kind == "bad_result"
    assert "epochs are whole and increase from 1" in found[-1].failure.message


def test_an_epoch_reported_again_is_ignored_and_noted_once() -> None:
    epochs = [1, 1, 2, 2, 2, 4]
    found = all_of(session(reporting(*({"accuracy": n / 10, "epoch": e} for n, e in enumerate(epochs)))))
    assert [(outcome.epoch, dict(outcome.metrics)) for outcome in found if outcome.metrics] == [
        (1, {"accuracy": 0.0}),
        (2, {"accuracy": 0.2}),
        (4, {"accuracy": 0.5}),
    ]
    assert [note for outcome in found for note in outcome.notes] == [
        "epoch 1 was reported again; repeated epochs are ignored"
    ]


def test_an_epoch_reported_for_ever_is_a_bad_result() -> None:
    found = all_of(session(reporting(*[{"accuracy": 0.5, "epoch": 1}] * 50)))
    assert found[-1].failure is not None
    assert "again and again" in found[-1].failure.message


# Ends


def test_a_training_that_ends_early_is_finished_with_what_it_had() -> None:
    found = all_of(session(reporting({"accuracy": 0.1}, {"accuracy": 0.2}), max_epochs=9))
    assert [outcome.epoch for outcome in found] == [1, 2, 2]
    assert (found[-1].finished, found[-1].failure, dict(found[-1].metrics)) == (True, None, {})


def test_a_training_that_ends_without_a_report_is_a_bad_result() -> None:
    (outcome,) = all_of(session(GeneratorTrainable(toys.never_yields)))
    assert outcome.failure is not None
    assert outcome.failure.kind == "bad_result"
    assert "yield one dict an epoch" in outcome.failure.message


class Raising(Climber):
    """Raises what it is given, in step or in setup."""

    def __init__(self, error: Exception, where: str = "step") -> None:
        super().__init__()
        self.error, self.where = error, where

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        super().setup(architecture, seed=seed, max_epochs=max_epochs)
        if self.where == "setup":
            raise self.error

    def step(self) -> dict[str, float]:
        raise self.error


@pytest.mark.parametrize("where", ["setup", "step"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("wrong"), "error"),
        (DivergedError("the loss is nan"), "diverged"),
        (InfeasibleArchitectureError("5 M parameters, at most 1 M fit"), "constraint"),
        (MemoryError("no room"), "oom"),
        (torch.OutOfMemoryError("CUDA out of memory"), "oom"),
        (OSError(28, "No space left on device"), "error"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_exception_is_a_failure_of_its_kind_with_its_traceback(error: Exception, kind: str, where: str) -> None:
    outcome = session(Raising(error, where)).advance()
    assert outcome.finished
    assert outcome.failure is not None
    assert outcome.failure.kind == kind
    assert outcome.failure.message.startswith(type(error).__name__)
    assert "test_session.py" in outcome.failure.traceback


def test_the_end_of_a_training_may_be_said_in_setup() -> None:
    outcome = session(Raising(EndOfTraining(), "setup")).advance()
    assert outcome.failure is not None
    assert outcome.failure.kind == "bad_result"


@pytest.mark.parametrize("leave", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_not_held_back(leave: type[BaseException]) -> None:
    with pytest.raises(leave):
        session(Raising(leave())).advance()  # type: ignore[arg-type]


# Checkpoints


def test_a_resumed_session_answers_with_the_saved_epoch_and_goes_on_the_same(tmp_path: Path) -> None:
    whole = all_of(session(Climber()))
    first = session(Climber(), tmp_path)
    for _ in range(2):
        first.advance()
    again = all_of(session(Climber(), tmp_path))
    assert values(again) == values(whole)[1:]
    assert again[0].seconds == 0.0
    assert not any(outcome.notes for outcome in again)


def test_a_resume_that_loses_its_state_is_visible(tmp_path: Path) -> None:
    session(toys.Forgetful(), tmp_path).advance()
    assert values(all_of(session(toys.Forgetful(), tmp_path))) != values(all_of(session(Climber())))


def test_a_finished_training_is_finished_again_at_once(tmp_path: Path) -> None:
    done = all_of(session(Climber(), tmp_path))
    (again,) = all_of(session(Climber(), tmp_path))
    assert (again.epoch, again.metrics, again.finished) == (4, done[-1].metrics, True)


def test_one_trainable_serves_trial_after_trial(tmp_path: Path) -> None:
    trainable = Climber()
    one = values(all_of(session(trainable, tmp_path / "0")))
    other = values(all_of(session(trainable, tmp_path / "1", architecture=OTHER, seed=8)))
    assert other == values(all_of(session(Climber(), architecture=OTHER, seed=8)))
    assert other != one


def damage(folder: Path, epoch: int) -> None:
    (folder / f"epoch-{epoch:06d}" / "climber.json").write_text('{"epoch": 3, "height": 9.9}')


def test_a_corrupt_newest_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    first = session(Climber(), tmp_path)
    for _ in range(3):
        first.advance()
    damage(tmp_path, 3)
    again = all_of(session(Climber(), tmp_path))
    assert values(again) == values(all_of(session(Climber())))[1:]
    assert again[0].notes == ("checkpoint epoch-000003 is damaged (climber.json); it is passed over",)


def test_with_all_of_them_corrupt_the_training_begins_again_and_says_so(tmp_path: Path) -> None:
    first = session(Climber(), tmp_path)
    for _ in range(3):
        first.advance()
    for epoch in (2, 3):
        damage(tmp_path, epoch)
    running = session(Climber(), tmp_path)
    again = [running.advance()]
    assert len(again[0].notes) == 2
    # What it saves now is there for the next worker, whatever the damaged ones are called.
    assert session(Climber(), tmp_path).advance().epoch == 1
    again += all_of(running)
    assert values(again) == values(all_of(session(Climber())))


@pytest.mark.parametrize("error", [CheckpointError("wrong shapes"), KeyError("weight"), RuntimeError("size mismatch")])
def test_a_checkpoint_that_the_training_rejects_costs_the_epochs_and_not_the_trial(
    tmp_path: Path, error: Exception
) -> None:
    class Choosy(Climber):
        def load(self, folder: Path) -> None:
            self._height = 77.0
            raise error

    session(Climber(), tmp_path).advance()
    again = all_of(session(Choosy(), tmp_path))
    assert values(again) == values(all_of(session(Climber())))
    assert again[0].notes == (f"checkpoint of epoch 1 rejected: {error!r}",)


@pytest.mark.parametrize("other", [{"architecture": OTHER}, {"seed": 8}])
def test_a_checkpoint_of_another_trial_is_not_gone_on_from(tmp_path: Path, other: dict[str, Any]) -> None:
    """A ledger restored from its backup may give a number of a trial to another architecture."""
    all_of(session(Climber(), tmp_path))
    found = all_of(session(Climber(), tmp_path, **other))
    assert values(found) == values(all_of(session(Climber(), **other)))
    assert "of another architecture or seed" in found[0].notes[0]


def test_what_has_no_checkpoints_saves_nothing(tmp_path: Path) -> None:
    all_of(session(toys.Unsaved(), tmp_path / "class"))
    all_of(session(GeneratorTrainable(toys.climb), tmp_path / "function"))
    assert list(tmp_path.iterdir()) == []


class FullDisk(Climber):
    """Cannot save at the epochs it is told to."""

    def __init__(self, full: Callable[[int], bool]) -> None:
        super().__init__()
        self.full = full

    def save(self, folder: Path) -> None:
        super().save(folder)
        if self.full(self._epoch):
            raise OSError(28, "No space left on device")


def test_a_checkpoint_that_cannot_be_saved_is_noted_and_the_training_goes_on(tmp_path: Path) -> None:
    found = all_of(session(FullDisk(lambda epoch: epoch in (2, 3, 5, 6)), tmp_path, max_epochs=8))
    assert values(found) == values(all_of(session(Climber(), max_epochs=8)))
    assert [len(outcome.notes) for outcome in found] == [0, 1, 1, 0, 1, 1, 0, 0]
    assert found[1].notes == ("checkpoint of epoch 2 not saved: [Errno 28] No space left on device",)


def test_what_was_saved_before_the_disk_was_full_is_gone_on_from(tmp_path: Path) -> None:
    running = session(FullDisk(lambda epoch: epoch >= 2), tmp_path)
    for _ in range(2):
        running.advance()
    assert session(Climber(), tmp_path).advance().epoch == 1


def test_the_third_checkpoint_in_a_row_that_cannot_be_saved_fails_the_trial(tmp_path: Path) -> None:
    found = all_of(session(FullDisk(lambda epoch: True), tmp_path))
    assert [outcome.failure is None for outcome in found] == [True, True, False]
    assert found[-1].failure is not None
    assert found[-1].failure.kind == "storage"
    assert "3 checkpoints in a row could not be saved: [Errno 28]" in found[-1].failure.message
    assert len(found[-1].notes) == 1


def test_a_folder_that_cannot_be_made_is_a_checkpoint_that_cannot_be_saved(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = session(Climber(), tmp_path / "file" / "trial").advance()
    assert outcome.failure is None
    assert len(outcome.notes) == 1


def test_what_a_training_has_to_say_becomes_notes() -> None:
    class Talker(Climber):
        said: ClassVar[list[str]] = ["first", "second"]

        def notes(self) -> list[str]:
            return [self.said.pop(0)] if self.said else []

    assert [outcome.notes for outcome in all_of(session(Talker()))] == [("first",), ("second",), (), ()]
