"""What a race calls better: longer training first, then the value; the first of equals stays."""

from __future__ import annotations

from nas_tune.benchmarks.races.contest import _Winners
from nas_tune.executors.clock import VirtualClock
from nas_tune.ledger import Event, RunState
from nas_tune.objectives.objective import Objective
from tests.nas_tune.results.made import trial


def test_the_first_of_equals_stays() -> None:
    state, clock = RunState(), VirtualClock()
    winners = _Winners(clock, Objective("accuracy", "max"))
    events: list[Event] = [
        *trial(0, [0.5], "pruned", tree={"op": "a"}),
        *trial(1, [0.5], "pruned", tree={"op": "b"}),
        *trial(2, [0.1, 0.2], tree={"op": "c"}),
        *trial(3, [0.9], "pruned", tree={"op": "d"}),
        *trial(4, [0.1, 0.3], tree={"op": "e"}),
        *trial(5, [0.1, 0.3], tree={"op": "f"}),
    ]
    for event in events:
        clock.now += 1
        state.apply(event, clock.now)
        winners.on_event(event, state)
    assert winners.trees == [{"op": "a"}, {"op": "c"}, {"op": "e"}]
    assert winners.values == [0.5, 0.2, 0.3]
