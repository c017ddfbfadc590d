"""The section "Limits" of the page: what was refused and why, whether the best keeps the limits, what was predicted."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.ledger import Costed, Event, Measured, Refused
from nas_tune.reports.data import facts
from nas_tune.reports.limits import _why, limits_of_run, refused_in_words
from nas_tune.results import Run
from tests.nas_tune.results.made import begun, make, mixed, refusing, trial

HOSTILE = "</script><img src=x onerror=alert(1)>"


def limited(folder: Path, events: list[Event], **limits: Any) -> Run:
    """A run with limits."""
    folder.mkdir(exist_ok=True)
    make(folder, *events, limits=limits or {"macs": "50M", "latency": "5ms"}).close()
    return nas_tune.open_run(folder)


def page(run: Run) -> str:
    """The page of a run as text, without tags."""
    text = nas_tune.report(run).read_text(encoding="utf-8")
    body = text[text.index("<main>") : text.index("<footer>")]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def test_a_run_without_limits_has_no_section(tmp_path: Path) -> None:
    make(tmp_path, begun(), *trial(0, [0.5])).close()
    run = nas_tune.open_run(tmp_path)
    assert limits_of_run(run, run.trials()) is None
    assert "Limits" not in page(run)


def test_the_section_counts_what_each_limit_and_each_rung_refused(tmp_path: Path) -> None:
    run = limited(tmp_path, refusing())
    found = limits_of_run(run, run.trials())
    assert found is not None
    assert [(one.name, one.bound, one.refused) for one in found.bounds] == [
        ("macs", "≤ 50 M", 31),
        ("latency", "≤ 5 ms", 2),
    ]
    assert [(rung.name, rung.refused) for rung in found.rungs] == [
        ("connected", 1),
        ("counted", 31),
        ("predicted", 1),
        ("measured", 1),
    ]
    assert found.refused == 34
    text = page(run)
    assert "Refused 34 before a trial: 31 by macs, 2 by latency, 1 unconnected" in text
    assert "34 architectures refused before a trial" in text


@pytest.mark.slow
def test_the_best_that_keeps_the_limits_is_told_from_one_that_breaks_them(tmp_path: Path) -> None:
    kept = limited(tmp_path / "kept", refusing())
    assert "The best trial, 0, keeps all limits." in page(kept)
    broken = limited(tmp_path / "broken", refusing(), latency="1ms")
    assert "breaks a limit: no trial keeps them all" in page(broken)
    unknown = limited(tmp_path / "unknown", [begun(), *trial(0, [0.5])], latency="1ms")
    assert "breaks a limit" in page(unknown)
    none = limited(tmp_path / "none", [begun()])
    assert "The best trial" not in page(none)


def test_refused_architectures_are_shown_with_value_and_bound(tmp_path: Path) -> None:
    run = limited(tmp_path, refusing())
    found = limits_of_run(run, run.trials())
    assert found is not None
    assert [one.why for one in found.examples] == [
        "its output ignores its input",
        "latency 7 ms > 5 ms",
        "latency 5.5 ms > 5 ms",
        "macs 60 M > 50 M",
    ]
    assert [one.proposed for one in found.examples] == [True, True, True, False]
    assert all(one.text for one in found.examples)


def test_examples_are_few_and_of_every_cause(tmp_path: Path) -> None:
    tree = mixed().sample(0).tree
    many = [Refused(f"{n:016x}", tree, "counted", "macs", 6e7 + n, 5e7, None) for n in range(50)]
    run = limited(tmp_path, [begun(), *many, Refused("f" * 16, tree, "counted", "fps", 20.0, 30.0, None)])
    found = limits_of_run(run, run.trials())
    assert found is not None
    assert len(found.examples) == 8
    assert "fps 20 < 30" in [one.why for one in found.examples]


def test_measured_costs_stand_beside_predicted_ones(tmp_path: Path) -> None:
    run = limited(tmp_path, refusing())
    found = limits_of_run(run, run.trials())
    assert found is not None
    assert [(one.trial, one.predicted, one.measured, one.error) for one in found.pairs] == [
        (0, "4 ms", "5 ms", "-20.0 %")
    ]
    assert found.errors == ["latency 20.0 % (1 trial on cpu-1)"]
    assert "latency 4 ms 5 ms -20.0 %" in page(run)


def test_the_columns_of_devices_do_not_disturb_the_table_of_trials(tmp_path: Path) -> None:
    events = [*refusing(), Costed(1, {"latency": 5.5}, "measured", HOSTILE)]
    run = limited(tmp_path, events)
    text = nas_tune.report(run).read_text(encoding="utf-8")
    assert "<img" not in text
    assert '"latency":[5,5.5]' in text


def test_causes_are_ordered_by_their_number() -> None:
    refused = {("counted", "macs"): 3, ("measured", "macs"): 2, ("connected", ""): 1, ("counted", "size"): 9}
    assert refused_in_words(refused) == "9 by size, 5 by macs, 1 unconnected"


@pytest.mark.slow
def test_a_trial_over_a_limit_is_never_drawn_as_the_best(tmp_path: Path) -> None:
    run = limited(tmp_path, refusing())
    found = facts(run)
    assert found["trials"]["values"]["accuracy"] == [0.7, 0.9]
    assert found["trials"]["within"] == [True, False]
    assert found["best"][0] == 0


def test_limited_costs_come_first_among_the_columns(tmp_path: Path) -> None:
    events = [*refusing(), *(Costed(n, {"head": float(n), "size": 5.0 + n}, "counted") for n in (0, 1))]
    found = facts(limited(tmp_path, events, head="<= 1"))
    assert next(iter(found["trials"]["others"])) == "head"
    assert found["costs"][0] == "head"


def test_the_audit_tells_how_often_a_prediction_was_wrong(tmp_path: Path) -> None:
    tree = {"op": {"pool": {}}, "width": 8}
    refused = [Refused(f"{n:016x}", {**tree, "width": n}, "predicted", "latency", 6.0 + n, 5.0, None) for n in range(3)]
    measured = [
        Measured(one.id, one.tree, {"latency": value}, "a phone")
        for one, value in zip(refused, (4.0, 7.0), strict=False)
    ]
    run = limited(tmp_path, [begun(), *refused, *measured], latency="5ms")
    assert (run.state.audited, run.state.wrongly_refused) == (2, 1)
    assert "2 of those that a prediction refused were measured for an audit; 1 of them within the limit." in page(run)


@pytest.mark.parametrize(
    ("quantity", "value", "bound", "said"),
    [
        ("macs", 5e6, 4e6, "macs 5 M > 4 M"),
        ("macs", 4_000_001, 4e6, "macs 4.000001 M > 4 M"),
        ("latency", 4.99999, 5.0, "latency 4.99999 ms < 5 ms"),
        ("map50", 0.30004, 0.3, "map50 0.30004 > 0.3"),
    ],
)
def test_a_value_and_its_bound_are_told_apart(quantity: str, value: float, bound: float, said: str) -> None:
    assert _why({"quantity": quantity, "value": value, "bound": bound}) == said
