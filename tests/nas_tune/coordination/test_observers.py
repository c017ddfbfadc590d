"""Those who watch cannot harm the run: three faults, and they are left out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from nas_tune.coordination.observers import Audience
from nas_tune.ledger import Event, Noted, RunState

NOTE = Noted(-1, "x")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Fickle:
    """Raises at the calls that it is told to; equal to another, and without a hash."""

    raises: tuple[int, ...] = ()
    calls: int = 0
    seen: list[Event] = field(default_factory=list)

    def on_event(self, event: Event, state: RunState) -> None:
        self.calls += 1
        if self.calls in self.raises:
            raise ValueError(f"call {self.calls}")
        self.seen.append(event)


def tell(audience: Audience, times: int) -> None:
    for _ in range(times):
        audience.on_event(NOTE, RunState())


def test_everyone_is_told_of_everything() -> None:
    one, other = Fickle(), Fickle()
    tell(Audience([one, other]), 4)
    assert (one.calls, other.calls) == (4, 4)


def test_one_fault_is_warned_about_and_forgiven() -> None:
    observer, other = Fickle((1,)), Fickle()
    audience = Audience([observer, other])
    with pytest.warns(UserWarning, match=r"observer Fickle raised ValueError\('call 1'\); the run goes on"):
        tell(audience, 1)
    tell(audience, 3)
    assert (len(observer.seen), len(other.seen)) == (3, 4)


def test_after_three_faults_it_is_left_out_and_the_others_are_not() -> None:
    observer, other = Fickle((1, 3, 5)), Fickle()
    audience = Audience([observer, other])
    with pytest.warns(UserWarning, match="observer Fickle raised") as warned:
        tell(audience, 9)
    assert [str(warning.message).split("; ")[1] for warning in warned] == [
        "the run goes on",
        "it is left out from now on, after 3 times",
    ]
    assert (observer.calls, len(other.seen)) == (5, 9)


def test_one_that_keeps_the_search_waiting_is_left_out_too() -> None:
    clock = Clock()

    class Slow(Fickle):
        def on_event(self, event: Event, state: RunState) -> None:
            super().on_event(event, state)
            clock.now += 6.0

    observer, quick = Slow(), Fickle()
    audience = Audience([observer, quick], clock)
    with pytest.warns(UserWarning, match=r"observer Slow kept the search waiting for 6\.0 seconds"):
        tell(audience, 8)
    assert (observer.calls, quick.calls) == (3, 8)


@pytest.mark.parametrize("leave", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_would_end_the_process_is_a_fault_like_others(leave: type[BaseException]) -> None:
    class Leaver(Fickle):
        def on_event(self, event: Event, state: RunState) -> None:
            self.calls += 1
            raise leave

    leaver, other = Leaver(), Fickle()
    audience = Audience([leaver, other])
    with pytest.warns(UserWarning, match=f"observer Leaver raised {leave.__name__}"):
        tell(audience, 9)
    assert (leaver.calls, other.calls) == (3, 9)
    assert audience.left_out() == [f"observer Leaver raised {leave()!r}; it is left out from now on, after 3 times"]
    assert audience.left_out() == []


def test_what_the_package_attaches_is_told_in_line_and_lets_signals_through() -> None:
    class Own(Fickle):
        def on_event(self, event: Event, state: RunState) -> None:
            self.seen.append(event)
            assert threading.current_thread() is threading.main_thread()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell(Audience((), own=[Own()]), 1)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What observers wait for; open at the end, so that their threads can leave."""
    gate = threading.Event()
    yield gate
    gate.set()


@dataclass
class Waiting(Fickle):
    """Waits in its first call."""

    gate: threading.Event = field(default_factory=threading.Event)
    seconds: float = 60.0
    trials: list[int] = field(default_factory=list)

    def on_event(self, event: Event, state: RunState) -> None:
        if not self.calls:
            self.gate.wait(self.seconds)
        super().on_event(event, state)
        self.trials.append(len(state.notes))


def test_one_that_hangs_is_left_out_and_the_others_see_everything(gate: threading.Event) -> None:
    hanging, other = Waiting(gate=gate), Fickle()
    audience = Audience([hanging, other], patience=0.2)
    started = time.monotonic()
    with pytest.warns(
        UserWarning, match=r"observer Waiting did not come back from on_event for 0\.2 seconds; it is left"
    ) as said:
        tell(audience, 5)
    audience.close()
    assert (len(said), hanging.calls, other.calls) == (1, 0, 5)
    assert time.monotonic() - started < 0.5


def test_one_that_is_slow_is_told_of_everything_in_order_with_the_state_after_each(gate: threading.Event) -> None:
    slow, state = Waiting(gate=gate), RunState()
    audience = Audience([slow], patience=1.0)
    audience._threaded[0]._waited = 0.95  # what it may still keep the search waiting is 0.05 seconds
    started = time.monotonic()
    for number in range(1, 21):
        note = Noted(-1, str(number))
        state.apply(note, 0.0)
        audience.on_event(note, state)
    assert time.monotonic() - started < 0.5
    assert slow.calls == 0
    gate.set()
    audience.close()
    assert [event.text for event in slow.seen if isinstance(event, Noted)] == [str(number) for number in range(1, 21)]
    assert slow.trials[1:] == list(range(2, 21))


def test_at_the_end_one_that_is_behind_has_a_bounded_time_and_what_it_missed_is_told(gate: threading.Event) -> None:
    class Slow(Fickle):
        def on_event(self, event: Event, state: RunState) -> None:
            super().on_event(event, state)
            gate.wait(0.15)

    slow = Slow()
    audience = Audience([slow], patience=0.3)
    started = time.monotonic()
    tell(audience, 20)
    with pytest.warns(UserWarning, match=r"observer Slow is too slow: the run ended before it received \d+ events"):
        audience.close()
    assert time.monotonic() - started < 1.5
    tell(audience, 1)  # the run is over; nobody is told any more
    assert slow.calls < 10


def test_one_for_whom_too_many_events_wait_is_left_out(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas_tune.coordination.observers._QUEUED", 10)
    audience = Audience([Waiting(gate=gate)], patience=1.0)
    audience._threaded[0]._waited = 1.0
    with pytest.warns(UserWarning, match="observer Waiting is too slow: 10 events wait for it; it is left out"):
        tell(audience, 15)
