"""Those who watch cannot harm the run: three faults, and they are left out."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from nas_tune.ledger import Event, Noted, RunState
from nas_tune.observers import Audience

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


@pytest.mark.parametrize("leave", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_not_held_back(leave: type[BaseException]) -> None:
    class Leaver(Fickle):
        def on_event(self, event: Event, state: RunState) -> None:
            raise leave

    with pytest.raises(leave):
        tell(Audience([Leaver()]), 1)
