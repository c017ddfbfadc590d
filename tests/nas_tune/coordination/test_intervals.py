"""Values that cannot be: an objective fails its trial, another metric is noted once."""

from __future__ import annotations

from nas_tune.coordination.intervals import Intervals
from trainables.metrics import Metric

DECLARED = [Metric("accuracy", "max", low=0, high=1), Metric("loss", "min", low=0), Metric("free", "min")]


def test_the_first_objective_beyond_its_interval_is_told() -> None:
    intervals = Intervals(DECLARED, ["accuracy", "loss"])
    assert intervals.failure({"accuracy": 1.0, "loss": 0.0, "free": -9.0}) == ""
    assert "accuracy" in intervals.failure({"accuracy": 1.5, "loss": -1.0})
    assert "loss" in intervals.failure({"accuracy": 0.5, "loss": -1.0})
    assert "loss" in intervals.failure({"loss": -1.0}), "a metric that is not reported is not checked here"
    assert intervals.failure({"loss": -1.0}) == DECLARED[1].problem(-1.0) != ""


def test_other_metrics_are_noted_once_and_in_order() -> None:
    intervals = Intervals(DECLARED, ["free"])
    report = {"loss": -1.0, "accuracy": 2.0, "free": -1.0, "unknown": -5.0, "train_accuracy": 3.0}
    notes = intervals.notes(report)
    assert notes == sorted(notes)
    assert len(notes) == 3
    assert any("train_accuracy" in note for note in notes)
    assert intervals.notes(report) == []
    assert intervals.failure(report) == ""
    later = Intervals(DECLARED, [])
    assert later.notes({"loss": 1.0}) == []
    assert len(later.notes({"loss": -1.0})) == 1, "a value that was right before is still checked"
