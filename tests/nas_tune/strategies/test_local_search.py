"""Local search: neighbours of the incumbent until one is better, and another climb where none is."""

from __future__ import annotations

import pytest

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.strategies.local_search import LocalSearchSampler
from search_spaces import Architecture, Space, integer
from tests.nas_tune.strategies.studies import events_of, proposer, search
from tests.toys import quality

NB201 = search_spaces.get("nb201")
LINE = Space({"x": integer(1, 40)})


def hills(architecture: Architecture) -> float:
    """Two tops on a line, at 8 and 30; the second is higher."""
    x = architecture["x"]
    return -abs(x - 8.0) if x < 19 else 3.0 - abs(x - 30.0)


def test_after_the_beginning_every_proposal_is_a_neighbour_of_the_best_so_far() -> None:
    found = search(proposer(NB201, "local_search", 3, {"initial": 4}), quality, 40)
    for number in range(4, 40):
        best = max(found[:number], key=lambda pair: pair[1])[0]
        if all(near.id in {made.id for made, _ in found[:number]} for near in NB201.neighbors(best)):
            break
        assert found[number][0] in NB201.neighbors(best)
    assert number > 20


def test_patience_tries_all_neighbours_before_it_moves() -> None:
    found = search(proposer(NB201, "local_search", 3, {"initial": 1, "improvement": "best"}), quality, 40)
    around = {near.id for near in NB201.neighbors(found[0][0])} - {found[0][0].id}
    assert {made.id for made, _ in found[1 : len(around) + 1]} == around
    best = max(found[: len(around) + 1], key=lambda pair: pair[1])[0]
    assert all(made in NB201.neighbors(best) for made, _ in found[len(around) + 1 :])


@pytest.mark.slow
@pytest.mark.parametrize("improvement", ["first", "best"])
def test_from_a_top_a_new_climb_begins(improvement: str) -> None:
    """Both tops are found from any beginning, and hardly anything is tried twice."""
    for seed in range(8):
        found = search(proposer(LINE, "local_search", seed, {"initial": 1, "improvement": improvement}), hills, 40)
        places = {made["x"] for made, _ in found}
        assert {8, 30} <= places
        assert len(places) >= 38


def test_a_restart_comes_after_the_top_is_closed_and_not_before() -> None:
    asked = proposer(LINE, "local_search", 1, {"initial": 1})
    number, found = 0, []
    while not found or found[-1] not in (8, 30):
        proposal = asked.propose()
        found.append(proposal.architecture["x"])
        for event in events_of(number, proposal.ask, proposal.architecture, hills(proposal.architecture)):
            asked.apply(event)
        number += 1
    top = found[-1]
    while not {top - 1, top + 1} <= set(found):
        proposal = asked.propose()
        assert proposal.architecture["x"] in (top - 1, top + 1)
        found.append(proposal.architecture["x"])
        for event in events_of(number, proposal.ask, proposal.architecture, hills(proposal.architecture)):
            asked.apply(event)
        number += 1


def test_neighbours_that_still_run_are_not_proposed_again() -> None:
    asked = proposer(NB201, "local_search", 2, {"initial": 1})
    first = asked.propose()
    for event in events_of(0, first.ask, first.architecture, 0.5):
        asked.apply(event)
    around = {near.id for near in NB201.neighbors(first.architecture)} - {first.architecture.id}
    asks = []
    for number in range(1, len(around) + 2):
        proposal = asked.propose()
        asks.append(proposal.architecture.id)
        asked.apply(events_of(number, proposal.ask, proposal.architecture, 0.0)[0])
    assert set(asks[:-1]) == around
    assert asks[-1] not in around


def test_a_late_result_is_climbed_from() -> None:
    asked = proposer(NB201, "local_search", 2, {"initial": 2})
    events = []
    for number in range(6):
        proposal = asked.propose()
        # The third one runs on while the others end.
        events.append(events_of(number, proposal.ask, proposal.architecture, 2.0 if number == 2 else 1 / (number + 1)))
        for event in events[-1][: 1 if number == 2 else 3]:
            asked.apply(event)
    late = NB201.validate(events[2][0].tree)  # type: ignore[union-attr]
    for event in events[2][1:]:
        asked.apply(event)
    assert asked.propose().architecture in NB201.neighbors(late)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"initial": 0}, "strategy.initial is 0; a climb begins with at least 1"),
        ({"improvement": "worst"}, 'strategy.improvement is \'worst\'; it is "first" or "best"'),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        LocalSearchSampler(NB201, 0, **settings)  # type: ignore[arg-type]
