"""The ladder of a gate: what each rung refuses, keeps and asks again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.coordination.expectations import Fit
from nas_tune.coordination.gate import Gate
from nas_tune.ledger import Costed, Measured, Noted, Refused
from nas_tune.objectives.limits import limits_of
from nas_tune.results import Run
from search_spaces import Architecture, Space, choice
from trainables.errors import TrainableError

SPACE = Space({"a": choice(*range(6)), "b": choice(*range(6))})


def member(a: int, b: int = 0) -> Architecture:
    return SPACE.validate({"a": a, "b": b})


class Counter:
    """Counts `a` as the weight. Where `b` is 5, the network ignores its input; where it is 4, none can be built."""

    counts = ("weight",)

    def __init__(self) -> None:
        self.asked = 0

    def costs(self, architecture: Architecture, names: Sequence[str]) -> Mapping[str, float]:
        self.asked += 1
        if architecture["b"] == 4:
            raise TrainableError("no network of 4")
        return {name: float(architecture["a"]) for name in names}

    def connected(self, architecture: Architecture) -> bool:
        return bool(architecture["b"] != 5)


class Stopwatch:
    """Takes a + b milliseconds; those whose `a` is 3 do not run."""

    names = ("latency",)
    device = "a stopwatch"

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def measured(self, architectures: Sequence[Architecture]) -> list[Mapping[str, float]]:
        if any(one["a"] == 3 for one in architectures):
            raise TrainableError("it does not run")
        self.asked += [one.tree for one in architectures]
        return [{"latency": float(one["a"] + one["b"])} for one in architectures]


def gate(meter: Stopwatch | None = None, **limits: str) -> Gate:
    return Gate(limits_of(limits), Counter(), (), meter)


def test_each_rung_refuses_with_its_name_and_value() -> None:
    ladder = gate(Stopwatch(), weight="<= 4", latency="5ms")
    assert ladder.judged(member(5, 5), 7) == [
        Refused(member(5, 5).id, member(5, 5).tree, "counted", "weight", 5.0, 4.0, 7)
    ]
    assert ladder.judged(member(1, 5), 8) == [
        Refused(member(1, 5).id, member(1, 5).tree, "connected", "", None, None, 8)
    ]
    slow = member(4, 2)
    measured = Measured(slow.id, slow.tree, {"latency": 6.0}, "a stopwatch")
    refused = Refused(slow.id, slow.tree, "measured", "latency", 6.0, 5.0, 9)
    assert ladder.judged(slow, 9) == [measured, refused]
    assert ladder.judged(slow, 10) == [replace(refused, ask=10)]
    fits = member(2, 3)
    assert ladder.judged(fits, 11) == [Measured(fits.id, fits.tree, {"latency": 5.0}, "a stopwatch")]
    assert ladder.costs_of_trial(0, fits) == [
        Costed(0, {"weight": 2.0}, "counted"),
        Costed(0, {"latency": 5.0}, "measured", "a stopwatch"),
    ]


def test_what_does_not_run_on_the_device_is_refused_with_the_reason() -> None:
    note, refused = gate(Stopwatch(), latency="5ms").judged(member(3), 0)
    assert isinstance(note, Noted)
    assert note.text == "an architecture is refused because its latency cannot be measured: it does not run"
    assert isinstance(refused, Refused)
    assert (refused.rung, refused.quantity, refused.value) == ("measured", "latency", None)


def test_what_cannot_be_counted_is_left_to_its_trial() -> None:
    ladder = gate(weight="<= 2")
    assert ladder.excess(member(5, 4)) == 1.0
    assert ladder.judged(member(5, 4), 0) == []
    assert ladder.costs_of_trial(0, member(5, 4)) == []


def test_costs_are_counted_once_and_measured_ones_are_known_from_the_ledger() -> None:
    ladder = gate(watch := Stopwatch(), weight="<= 4", latency="5ms")
    counter = ladder.trainable
    assert isinstance(counter, Counter)
    ladder.apply(Measured(member(1, 1).id, member(1, 1).tree, {"latency": 9.0}, "a stopwatch"))
    ladder.apply(Measured(member(2, 1).id, member(2, 1).tree, {"latency": 9.0}, "another device"))
    assert [event.kind for event in ladder.judged(member(1, 1), 0)] == ["refused"]
    assert [event.kind for event in ladder.judged(member(2, 1), 0)] == ["measured"]
    assert watch.asked == [{"a": 2, "b": 1}]
    for _ in range(3):
        ladder.excess(member(2, 1))
    assert counter.asked == 2


def test_refused_candidates_are_listed_up_to_twenty_and_counted_beyond() -> None:
    ladder = gate(weight="<= 0")
    for a in range(6):
        for b in (0, 1, 2, 3, 5):
            ladder.excess(member(a, b))
            ladder.excess(member(a, b))
    listed = ladder.drained()
    assert len(listed) == 20
    assert [event.more for event in listed] == [0] * 19 + [5]
    assert {(event.value, event.ask) for event in listed} <= {(float(a), None) for a in range(1, 6)}
    assert ladder.drained() == []


def test_without_limits_the_space_is_that_of_the_search_and_nothing_is_refused() -> None:
    ladder = Gate((), Counter(), ("weight",))
    assert ladder.space(SPACE) is SPACE
    assert ladder.judged(member(5, 5), 0) == []
    assert ladder.costs_of_trial(2, member(5, 5)) == [Costed(2, {"weight": 5.0}, "counted")]


class Ruler:
    """Predicts a + b with an interval of one millisecond to each side, from any 16 measured members."""

    def __init__(self) -> None:
        self.fitted_to: list[int] = []

    def seeds(self, count: int) -> list[Architecture]:
        return [member(a, b) for a in (0, 1, 2) for b in range(6) if b != 4][:count]

    def fitted(self, architectures: Sequence[Architecture], values: Sequence[float]) -> Fit:
        self.fitted_to.append(len(values))
        assert list(values) == [float(one["a"] + one["b"]) for one in architectures]
        return lambda one: (one["a"] + one["b"], one["a"] + one["b"] - 1.0, one["a"] + one["b"] + 1.0)


def with_ruler(**limits: str) -> tuple[Gate, Ruler, Stopwatch]:
    ruler, watch = Ruler(), Stopwatch()
    return Gate(limits_of(limits), Counter(), (), watch, {"latency": ruler}, audit=1.0), ruler, watch


def test_a_few_are_measured_first_and_then_predictions_refuse_what_their_interval_excludes() -> None:
    ladder, ruler, watch = with_ruler(latency="5ms")
    measured = ladder.begun()
    assert [event.kind for event in measured] == ["measured"] * 15 + ["noted"]
    assert ladder.begun() == []
    assert ladder.excess(member(5, 5)) == 1.0, "15 are too few for a fit"
    assert [event.kind for event in ladder.judged(member(4, 1), 0)] == ["measured"]
    assert ruler.fitted_to == [16]
    assert ladder.excess(member(5, 2)) == pytest.approx(6 / 5)
    assert ladder.excess(member(4, 2)) == pytest.approx(5 / 5), "its interval begins at the limit"
    far = member(5, 3)
    assert ladder.judged(far, 3) == [Refused(far.id, far.tree, "predicted", "latency", 7.0, 5.0, 3)]
    listed, audit = ladder.drained()
    assert listed == Refused(member(5, 2).id, {"a": 5, "b": 2}, "predicted", "latency", 6.0, 5.0)
    assert audit == Measured(member(5, 2).id, {"a": 5, "b": 2}, {"latency": 7.0}, "a stopwatch")
    assert watch.asked[-1] == {"a": 5, "b": 2}
    assert ladder.costs_of_trial(0, member(4, 1)) == [
        Costed(0, {"latency": 5}, "predicted", "a stopwatch"),
        Costed(0, {"latency": 5.0}, "measured", "a stopwatch"),
    ]


def test_a_resumed_gate_has_the_fit_of_before_and_measures_nothing_again() -> None:
    first, _, watch = with_ruler(latency="5ms")
    events = [*first.begun(), *first.judged(member(4, 1), 0)]
    again, ruler, other = with_ruler(latency="5ms")
    for event in events:
        again.apply(event)
    assert ruler.fitted_to == [16]
    assert again.begun() == []
    assert again.excess(member(5, 5)) == first.excess(member(5, 5)) == pytest.approx(9 / 5)
    assert other.asked == []
    assert len(watch.asked) == 16


def test_predictors_are_fitted_again_when_half_as_many_more_were_measured() -> None:
    ladder, ruler, _ = with_ruler(latency="50ms")
    ladder.begun()
    for a in (0, 1, 2, 4, 5):
        for b in (0, 1, 2, 3, 5):
            ladder.judged(member(a, b), 0)
    assert ruler.fitted_to == [16]
    other = member(4, 5)
    ladder.apply(Measured(other.id, other.tree, {"latency": 9.0}, "a stopwatch"))
    assert ruler.fitted_to == [16, 24]


def test_nothing_is_predicted_of_what_was_measured() -> None:
    ladder, _, _ = with_ruler(latency="5ms")
    ladder.begun()
    ladder.judged(member(4, 1), 0)
    slow = member(5, 5)
    ladder.apply(Measured(slow.id, slow.tree, {"latency": 4.0}, "a stopwatch"))
    assert ladder.excess(slow) == 1.0


def train(architecture: Any) -> Iterator[dict[str, float]]:
    yield {"accuracy": (architecture["a"] + architecture["b"]) / 10}


train.costs = {"weight": lambda architecture: float(architecture["a"])}  # type: ignore[attr-defined]
train.untrained = lambda architecture: None  # type: ignore[attr-defined]


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    from nas_tune.session import device_meter

    watch = Stopwatch()
    monkeypatch.setattr(device_meter, "DeviceMeter", lambda trainable, device, names: watch)
    return watch


def searched(folder: Path, **more: Any) -> Run:
    config = {"space": SPACE, "trainable": train, "executor": "inline", "scheduler": "none", "max_epochs": 1}
    return nas_tune.search(**{**config, "strategy": "random", "max_trials": 8, "run_dir": folder, **more})


def test_a_search_measures_each_architecture_once_and_trains_none_over_the_limit(
    tmp_path: Path, stopwatch: Stopwatch
) -> None:
    run = searched(tmp_path / "run", limits={"latency": "5ms"})
    trials = run.trials()
    assert len(trials) == 8
    assert list(trials["latency"]) == [a + b for a, b in zip(trials["arch.a"], trials["arch.b"], strict=True)]
    assert trials["latency"].max() <= 5
    assert len({str(tree) for tree in stopwatch.asked}) == len(stopwatch.asked)
    assert run.state.refused["measured", "latency"] >= 1
    asked = len(stopwatch.asked)
    again = nas_tune.resume(tmp_path / "run", trainable=train, space=SPACE, limits={"latency": "4ms"})
    assert len(stopwatch.asked) == asked
    assert again.best()["latency"].iloc[0] <= 4
    assert again.unit("latency") == "ms"


def test_a_measured_cost_may_be_an_objective(tmp_path: Path, stopwatch: Stopwatch) -> None:
    run = searched(tmp_path / "run", metric=["accuracy", "latency"], mode=["max", "min"])
    epochs = run.epochs()
    assert list(epochs["latency"]) == [a + b for a, b in zip(epochs["arch.a"], epochs["arch.b"], strict=True)]
    assert not run.pareto().empty


def test_a_limit_that_is_new_measures_the_trials_of_before(tmp_path: Path, stopwatch: Stopwatch) -> None:
    first = searched(tmp_path / "run")
    assert stopwatch.asked == []
    run = nas_tune.resume(tmp_path / "run", trainable=train, space=SPACE, limits={"latency": "5ms"}, max_trials=9)
    runs_at_all = [tree for tree in map(first.tree, first.trials()["trial"]) if tree["a"] != 3]
    assert all(stopwatch.asked.count(tree) == 1 for tree in runs_at_all)
    assert run.best()["latency"].iloc[0] <= 5
