"""The displays: what they say, that they are seldom, and that nobody can stop the search through them."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nas_tune.cli import lines as lines_module
from nas_tune.cli.lines import LineProgress
from nas_tune.cli.pace import Pace
from nas_tune.cli.progress import LiveProgress, notes_shown, progress_display
from nas_tune.cli.summary import conclude
from nas_tune.config import SearchConfig
from nas_tune.ledger import Ended, Event, Lost, Noted, Refused, RunState
from nas_tune.results import Run
from tests.nas_tune.results.made import begun, eventful, make, trial


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def config(**changes: Any) -> SearchConfig:
    return SearchConfig(**{"space": "nb201", "max_trials": 24, "workers": 2, **changes})


def feed(observer: Any, events: Iterable[Event], state: RunState | None = None) -> RunState:
    state = state or RunState()
    for event in events:
        state.apply(event, 1000.0)
        observer.on_event(event, state)
    return state


class Follower:
    """A `Pace` as an observer."""

    def __init__(self, pace: Pace) -> None:
        self.on_event = pace.take


# Pace


def test_the_time_left_follows_the_pace_of_this_session() -> None:
    clock = Clock()
    pace = Pace(config(max_trials=10), clock)
    assert (pace.left, pace.share) == (None, 0.0)
    clock.now += 50  # starting the workers is not a part of the pace
    state = feed(Follower(pace), [begun(), *trial(0, [0.5], None)])
    clock.now += 8
    feed(Follower(pace), [Ended(0, "complete", 0.5)], state)
    assert pace.left == pytest.approx(9 * 8)
    assert pace.share == pytest.approx(0.1)
    assert pace.elapsed == pytest.approx(58)


def test_a_resumed_run_counts_its_old_trials_but_not_their_time() -> None:
    clock = Clock()
    pace = Pace(config(max_trials=10), clock)
    state = RunState()
    for event in [begun(), *trial(0, [0.9]), *trial(1, [0.5])]:
        state.apply(event, 1000.0)
    feed(Follower(pace), trial(2, [0.6], None), state)
    clock.now += 5
    feed(Follower(pace), [Ended(2, "complete", 0.6)], state)
    assert pace.over == 3
    assert pace.left == pytest.approx(7 * 5)
    assert pace.best is not None
    assert pace.best.number == 0


def test_a_time_budget_has_its_own_end() -> None:
    clock = Clock()
    pace = Pace(config(max_trials=None, max_seconds=60), clock)
    feed(Follower(pace), [begun()])
    clock.now += 15
    assert pace.left == pytest.approx(45)
    assert pace.share == pytest.approx(0.25)


def test_a_search_for_ever_has_no_share_and_no_end() -> None:
    pace = Pace(config(max_trials=None, forever=True))
    feed(Follower(pace), eventful())
    assert (pace.left, pace.share) == (None, None)


def test_the_best_is_the_one_that_the_results_call_best() -> None:
    pace = Pace(config(metric="loss", mode="min"))
    whole = [*trial(1, [0.9, 0.7]), *trial(2, [0.9, 0.4]), *trial(3, [0.9, 0.5])]
    state = feed(Follower(pace), [begun(), *trial(0, [0.1], "pruned"), *whole])
    assert pace.best is not None
    assert pace.best.number == 2
    feed(Follower(pace), trial(4, [0.5, 0.3], "pruned"), state)  # as long as any complete one, and better
    assert pace.best.number == 4


# Lines


def said(events: Iterable[Event], *, interval: float = 0.0, clock: Clock | None = None) -> list[str]:
    stream = io.StringIO()
    progress = LineProgress(Console(file=stream, soft_wrap=True), config(), interval, clock or Clock())
    with progress:
        feed(progress, events)
    return stream.getvalue().splitlines()


def test_a_line_says_what_became_of_the_trial_and_how_far_the_search_is() -> None:
    lines = said([begun(), *trial(7, [0.5, 0.97312]), *trial(11, [0.4], "pruned")])
    assert lines[0] == "trial  7 complete  accuracy 0.9731  2 epochs  (1/24, best 0.9731, eta 0:00:00)"
    assert lines[1] == "trial 11 pruned    accuracy 0.4000  1 epoch   (2/24, best 0.9731, eta 0:00:00)"


def refusals() -> list[Event]:
    """Three refused architectures, of which the ledger lists two."""
    return [
        Refused("1", {"op": "a"}, "counted", "macs", 9.0, 5.0, more=1),
        Refused("2", {"op": "b"}, "measured", "latency", 7.0, 5.0, 3),
    ]


def test_architectures_that_limits_refused_are_counted_in_the_line_of_a_trial() -> None:
    lines = said([begun(), *refusals(), *trial(7, [0.5])])
    assert lines == ["trial  7 complete  accuracy 0.5000  1 epoch   (1/24, best 0.5000, 3 refused, eta 0:00:00)"]


def test_notes_that_were_said_are_not_said_again_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """But one that was cut, or that came too fast, is."""
    clock = Clock()
    long = "long " * 100
    display = LineProgress(Console(file=io.StringIO()), config(), clock=clock)
    for text in ("the data", long, "after that"):
        feed(display, [begun(), Noted(-1, text)])
        clock.now += 1
    feed(display, [begun(), Noted(-1, "last in time"), Noted(0, "too fast")])
    assert display.notes == {(-1, "the data"), (-1, "after that"), (-1, "last in time")}
    assert notes_shown(display) == display.notes
    assert not notes_shown(None)
    notes = [Noted(-1, "the data"), Noted(-1, long), Noted(0, "too fast")]
    make(tmp_path, begun(), *trial(0, [0.5]), *notes).close()
    conclude(Run(tmp_path), test=False, shown_notes=display.notes)
    said = capsys.readouterr().err
    assert "the data" not in said
    assert "long long" in said
    assert "trial 0: too fast" in said


def test_warnings_are_shown_however_many_notes_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = [*(Noted(-1, f"fact {number}") for number in range(7)), Noted(-1, "warning: 3 copies")]
    make(tmp_path, begun(), *trial(0, [0.5]), *notes).close()
    conclude(Run(tmp_path), test=False)
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == ["note: fact 0", "note: fact 1"]
    assert said[5:7] == ["warning: 3 copies", "and 2 more notes (run.state.notes in Python)"]


def test_failures_notes_and_lost_workers_are_told_harmlessly() -> None:
    bad = trial(0, [], "failed", failure="error", message="ValueError: \x1b[2J no\nsecond")
    lines = said([begun(), *bad, Noted(0, "a \x1b note"), *trial(1, [0.1], None), Lost(1, "killed", worker=True)])
    assert lines[0].startswith(r"trial  0 failed: error: ValueError: \x1b[2J no second")
    assert lines[1] == r"note: trial 0: a \x1b note"
    assert lines[2] == "note: trial 1 lost its worker and goes on: killed"


def test_lines_are_seldom_the_first_failures_are_not_lost_nor_is_the_last_trial() -> None:
    events = [begun()]
    for number in range(100):
        state = "failed" if number in (40, 50) else "complete"
        events += trial(number, [0.5], state, failure="error" if state == "failed" else None)
    lines = said(events, interval=0.5)
    assert [line.split()[1] for line in lines] == ["0", "40", "50", "99"]


@pytest.mark.slow
def test_a_thousand_failures_do_not_flood() -> None:
    events = [begun()]
    for number in range(1000):
        events += trial(number, [], "failed", failure="error", message="no")
    assert len(said(events, interval=0.5)) <= 12


@pytest.mark.slow
def test_a_reader_that_stops_reading_does_not_stop_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "_PATIENCE", 0.05)
    stuck = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            stuck.wait(20)
            return len(text)

    progress = LineProgress(Console(file=Stuck()), config(), interval=0.0)
    started = time.monotonic()
    with progress:
        for number in range(1500):
            feed(progress, [begun(), *trial(number, [0.5])])
    assert time.monotonic() - started < 5
    stuck.set()


def test_a_closed_stream_ends_the_talk_not_the_search() -> None:
    stream = io.StringIO()
    progress = LineProgress(Console(file=stream), config(), interval=0.0)
    with progress:
        stream.close()
        feed(progress, [begun(), *trial(0, [0.5]), *trial(1, [0.5])])


# The picture


def picture(events: Iterable[Event], width: int = 100, **changes: Any) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=30, force_terminal=True, color_system=None)
    progress = LiveProgress(console, config(**changes), lambda tree: "x" * 120)
    feed(progress, events)
    console.print(progress.picture())
    return stream.getvalue()


def test_the_picture_shows_all_that_a_person_asks() -> None:
    text = picture(eventful())
    for part in (
        "nb201  auto + asha  2 workers",
        "elapsed 0:00:00",
        "4/24 trials",
        "1 complete  1 pruned  2 failed  0 duplicates",
        "best  accuracy 0.9000  trial 0, 3 epochs",
        "last failure  trial 3, error: ValueError: no",
        "    5    2/9    0.2500      0.5  xxx",
    ):
        assert part in text


def test_the_picture_counts_what_limits_refused() -> None:
    assert "0 duplicates  3 refused" in picture([*eventful(), *refusals()])
    assert "refused" not in picture(eventful())


@pytest.mark.parametrize("width", [50, 80, 100, 200])
@pytest.mark.parametrize("budget", [{}, {"max_trials": None, "forever": True}, {"max_seconds": 60}])
def test_the_picture_never_wraps(width: int, budget: dict[str, Any]) -> None:
    long = trial(6, [], "failed", failure="error", message="ValueError: " + "very long " * 50)
    for events in ([], [begun()], [*eventful(), *long]):
        for line in picture(events, width, **budget).splitlines():
            assert len(line.rstrip()) <= min(width - 4, 100)


def test_many_running_trials_do_not_fill_the_screen() -> None:
    text = picture([begun(), *(event for number in range(64) for event in trial(number, [0.5], None))], workers=64)
    assert len(text.splitlines()) < 24
    assert "and 52 more" in text


def test_a_display_costs_the_search_microseconds_an_event() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with LiveProgress(console, config(), str) as progress:
        state = feed(progress, [begun(), *trial(0, [0.5], None)])
        event = Noted(0, "")
        started = time.process_time()
        for _ in range(20_000):
            progress.on_event(event, state)
        assert (time.process_time() - started) / 20_000 < 50e-6


def test_the_live_picture_leaves_nothing_behind() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=30)
    with LiveProgress(console, config(), str) as progress:
        feed(progress, eventful())
    text = stream.getvalue()
    assert "2 failed" in text
    assert text.rstrip().endswith("\x1b[2K")


def test_the_display_suits_its_console() -> None:
    tty, log = Console(file=io.StringIO(), force_terminal=True), Console(file=io.StringIO())
    assert isinstance(progress_display(tty, config(), str), LiveProgress)
    assert isinstance(progress_display(log, config(), str), LineProgress)
    with progress_display(tty, config(), str, quiet=True) as nobody:
        assert nobody is None
