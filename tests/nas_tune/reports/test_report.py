"""The report's facts and its file: whatever a run has, whatever strangers wrote, whole or not there at all."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.errors import LedgerDamagedError, RunFolderError
from nas_tune.ledger import Asked, BudgetChanged, Ended, Event, Reported, SessionEnded
from nas_tune.reports.data import facts
from nas_tune.reports.elapsed import Elapsed
from nas_tune.reports.failures import failures, without_secrets
from nas_tune.reports.html import script_text
from nas_tune.reports.summary import span
from nas_tune.results import Run
from tests.nas_tune.results.made import begun, eventful, make, mixed, trial

HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"


class _Tags(HTMLParser):
    """The tags of a page, and what stands in its JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.json = ""
        self._in_json = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_json = tag == "script" and ("type", "application/json") in attrs

    def handle_data(self, data: str) -> None:
        if self._in_json:
            self.json += data

    def handle_endtag(self, tag: str) -> None:
        self._in_json = False


def _run(folder: Path, events: list[Event], meta: dict[str, Any] | None = None) -> Run:
    folder.mkdir(exist_ok=True)
    make(folder, *events, meta=meta).close()
    return nas_tune.open_run(folder)


def _parsed(path: Path) -> _Tags:
    tags = _Tags()
    tags.feed(path.read_text(encoding="utf-8"))
    return tags


def _twelve(states: tuple[str, ...] = ("complete", "pruned")) -> list[Event]:
    found: list[Event] = [begun()]
    for number in range(12):
        values = [0.1 * epoch + number / 100 for epoch in range(1, 4 if number % 2 else 2)]
        found += trial(number, values, states[0] if number % 2 else states[-1])
    return [*found, SessionEnded("done")]


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 6, 12])
def test_the_page_holds_all_trials_and_loads_nothing(tmp_path: Path, count: int) -> None:
    whole = {0: [begun()], 1: [begun(), *trial(0, [0.5])], 6: eventful(), 12: _twelve()}
    path = nas_tune.report(_run(tmp_path, list(whole[count])))
    assert path == tmp_path / "report.html"
    page = _parsed(path)
    assert json.loads(page.json)["trials"]["number"] == list(range(count))
    for _, attributes in page.tags:
        assert not {"src", "href", "onload", "onerror", "onclick"} & attributes.keys()
    assert set(re.findall(r"\w+://[^\"' ]*", path.read_text())) == {"http://www.w3.org/2000/svg"}


def test_what_strangers_wrote_is_text(tmp_path: Path) -> None:
    events: list[Event] = [begun(), Asked(0, 0, mixed().sample(0).tree, "0" * 16, 1)]
    events += [Reported(0, 1, {"accuracy": 0.5}, 0.5, HOSTILE), Ended(0, "complete", 0.5)]
    events += trial(1, [], "failed", failure="error", message=HOSTILE, traceback=HOSTILE)
    page = _parsed(nas_tune.report(_run(tmp_path, events, {"versions": {HOSTILE: HOSTILE}})))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == 2
    assert not {"img", "b>"} & set(tags)
    found = json.loads(page.json)
    assert HOSTILE in found["timeline"]["lanes"][0]


def test_metrics_that_have_no_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerDamagedError, match="metric"):
        _run(tmp_path / "objective", [begun()], {"metric": "acc\"'<b>"})
    asked = Asked(0, 0, mixed().sample(0).tree, "0" * 16, 1)
    reported = Reported(0, 1, {"accuracy": 0.5, "</script>": 1.0}, 0.5)
    with pytest.raises(LedgerDamagedError, match="event 3, reported: metrics"):
        nas_tune.report(_run(tmp_path / "reported", [begun(), asked, reported]))


def test_json_cannot_end_its_script_element() -> None:
    text = script_text({"a": "</script><!--\u2028&", "b": "\ud800"})
    assert not set("<>&\u2028") & set(text)
    assert text.isascii()
    assert json.loads(text)["a"] == "</script><!--\u2028&"
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_text({"a": float("nan")})


@pytest.mark.slow
def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    run = _run(tmp_path / "run", [begun()])
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="name a place"):
        nas_tune.report(run, tmp_path / "file" / "x.html")
    out = nas_tune.report(run, tmp_path / "new" / "x.html")
    assert [entry.name for entry in out.parent.iterdir()] == ["x.html"]


def test_times_leave_out_the_breaks_between_sessions() -> None:
    elapsed = Elapsed([100.0, 1120.0], [110.0, 120.0, 1130.0])
    assert [elapsed.at(moment) for moment in (100.0, 120.0, 1120.0, 1130.0)] == [0.0, 20.0, 20.0, 30.0]
    assert Elapsed([], []).at(5.0) == 5.0


def test_trials_that_overlap_on_a_node_have_lanes(tmp_path: Path) -> None:
    found = facts(_run(tmp_path, eventful()))["timeline"]
    assert all(start <= end for _, _, start, end in found["bars"])
    assert {bar[1] for bar in found["bars"]} <= set(range(len(found["lanes"])))
    assert all("n1" in lane for lane in found["lanes"])


def _timed(folder: Path, times: dict[float, list[Event]], **config: Any) -> Run:
    """A run whose events happened at these seconds."""
    folder.mkdir(exist_ok=True)
    settings = make(folder, begun())
    before = settings.meta["config"]
    settings.close()
    for left in folder.iterdir():
        left.unlink()
    ledger = make(folder, meta={"config": {**before, **config}})
    for when, events in times.items():
        ledger.clock = lambda when=when: 1e9 + when  # type: ignore[misc]
        ledger.append(*events)
    ledger.close()
    return nas_tune.open_run(folder)


def _epoch(number: int, epoch: int, seconds: float) -> Reported:
    return Reported(number, epoch, {"accuracy": 0.5, "loss": 1.0}, seconds, "n1")


def _begins(number: int) -> Asked:
    return Asked(number, number, mixed().sample(number).tree, f"{number:016x}", number)


@pytest.mark.slow
def test_one_worker_has_one_lane_whatever_the_clock_did(tmp_path: Path) -> None:
    ends = [Ended(number, "complete", 0.5) for number in range(2)]
    times: dict[float, list[Event]] = {0.0: [begun(), _begins(0)], 2.0: [_epoch(0, 1, 2.0), ends[0], _begins(1)]}
    # The clock was set back by half a second while trial 1 trained for 1.5 seconds.
    times[3.0] = [_epoch(1, 1, 1.5), ends[1]]
    found = facts(_timed(tmp_path / "one", times))["timeline"]
    assert found == {"lanes": ["n1"], "bars": [[0, 0, 0.0, 2.0], [1, 0, 2.0, 3.0]]}
    assert len(facts(_timed(tmp_path / "two", times, executor="ray", workers=2))["timeline"]["lanes"]) == 2
    grown = {**times, 9.0: [BudgetChanged({"executor": "ray", "workers": 2})]}
    assert len(facts(_timed(tmp_path / "grown", grown))["timeline"]["lanes"]) == 2


def test_a_trial_that_failed_at_once_was_not_at_work_since_it_was_asked_for(tmp_path: Path) -> None:
    times: dict[float, list[Event]] = {
        0.0: [begun(), _begins(0), _begins(1), _begins(2)],
        2.0: [_epoch(0, 1, 2.0), Ended(0, "complete", 0.5)],
        2.5: [Ended(1, "failed", failure="error", message="no")],
        4.5: [_epoch(2, 1, 2.0), Ended(2, "complete", 0.5)],
    }
    found = facts(_timed(tmp_path, times, executor="ray", workers=3))["timeline"]
    assert found == {"lanes": ["n1"], "bars": [[0, 0, 0.0, 2.0], [1, 0, 2.0, 2.5], [2, 0, 2.5, 4.5]]}


def test_missing_and_infinite_numbers_are_null(tmp_path: Path) -> None:
    found = facts(_run(tmp_path, [begun(), *trial(0, [0.5, float("inf")], None), *trial(1, [float("nan")], None)]))
    assert found["curves"]["metrics"]["accuracy"] == {0: [0.5, None], 1: [None]}
    assert found["trials"]["values"]["accuracy"] == [None, None]


def test_rungs_are_those_of_the_scheduler(tmp_path: Path) -> None:
    assert facts(_run(tmp_path, [begun()]))["curves"]["rungs"] == [1, 3]


def test_failures_of_one_cause_are_one(tmp_path: Path) -> None:
    events: list[Event] = [begun()]
    for number in range(5):
        said = f"ran out after {number} MiB" if number else "s3://me:secret@there is gone"
        events += trial(number, [], "failed", failure="oom" if number else "storage", message=said, traceback="T")
    many, one = failures(_run(tmp_path, events).trials())
    assert (many.kind, many.message, many.trials) == ("oom", "ran out after 1 MiB", (1, 2, 3, 4))
    assert one.message == "s3://***@there is gone"
    assert without_secrets("https://example.org/a@b") == "https://example.org/a@b"


def test_several_objectives_have_a_front(tmp_path: Path) -> None:
    events: list[Event] = [begun()]
    for number, (accuracy, loss) in enumerate([(0.9, 5.0), (0.8, 2.0), (0.7, 3.0)]):
        events += [Asked(number, number, mixed().sample(number).tree, f"{number:016x}", number)]
        events += [Reported(number, 1, {"accuracy": accuracy, "loss": loss}, 1.0), Ended(number, "complete", accuracy)]
    run = _run(tmp_path, events, {"objectives": [["accuracy", "max"], ["loss", "min"]]})
    found = facts(run)
    assert found["front"] == [0, 1]
    assert len(found["importance"]) == 2
    assert "Pareto front" in nas_tune.report(run).read_text()


def test_a_space_that_cannot_be_imported_is_told_and_not_drawn(tmp_path: Path) -> None:
    ledger = make(tmp_path, begun(), *trial(0, [0.5]))
    spec = {**ledger.meta["space"], "type": "gone_module:Space"}
    ledger.close()
    run = _run(tmp_path / "other", [begun(), *trial(0, [0.5])], {"space": spec})
    text = nas_tune.report(run).read_text()
    assert "cannot be imported here" in text
    assert json.loads(_parsed(tmp_path / "other" / "report.html").json)["trials"]["architecture"][0].startswith("{")


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (41.2, "41 s"), (720, "12 min"), (12000, "3 h 20 min"), (187200, "2 d 4 h")]
)
def test_spans_are_said_as_people_do(seconds: float, said: str) -> None:
    assert span(seconds) == said
