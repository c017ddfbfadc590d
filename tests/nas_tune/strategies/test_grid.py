"""Grid search: every member of the space once, and with `points` the ends and the middles of reals."""

from __future__ import annotations

from typing import Any

import pytest

from nas_tune.coordination.coordinator import Budget, Coordinator, Objective
from nas_tune.errors import ConfigError
from nas_tune.ledger import MemoryLedger
from nas_tune.schedulers import NoScheduler
from nas_tune.strategies import make
from nas_tune.strategies.grid import Grid
from search_spaces import Architecture, Space, choice, integer, real
from tests.nas_tune.runs import epoch
from tests.nas_tune.strategies.studies import proposer, search
from tests.toys import conditional_space, quality, ruled_space


def real_space() -> Space:
    """Seven members on a grid of three points: the rule refuses two."""
    optimizers = {"sgd": {"rate": real(0.001, 0.1, log=True), "steps": integer(1, 2)}, "none": {}}
    return Space({"optimizer": choice(optimizers), "drop": real(0.0, 1.0)}, valid=no_high_drop_without)


def no_high_drop_without(made: Architecture) -> bool:
    return "sgd" in made["optimizer"] or made["drop"] < 1.0


def proposed(space: Space, trials: int, seed: int = 0, **settings: Any) -> list[Architecture]:
    return [made for made, _ in search(proposer(space, "grid", seed, settings), quality, trials)]


@pytest.mark.parametrize("order", ["shuffled", "lexicographic"])
@pytest.mark.parametrize("space", [conditional_space(), ruled_space()], ids=["conditional", "ruled"])
def test_every_member_is_proposed_once(space: Space, order: str) -> None:
    found = proposed(space, space.size or 0, order=order)
    assert {made.id for made in found} == {made.id for made in space.enumerate()}
    assert len({made.id for made in found}) == len(found)


def test_in_order_the_last_decision_runs_fastest_and_shuffled_it_does_not() -> None:
    space = ruled_space()
    assert proposed(space, 10, order="lexicographic") == list(space.enumerate())
    orders = [[made.id for made in proposed(space, 10, seed)] for seed in (1, 2)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


@pytest.mark.parametrize("order", ["shuffled", "lexicographic"])
def test_reals_take_the_ends_and_what_is_even_between_them_on_their_scale(order: str) -> None:
    space = real_space()
    found = proposed(space, 20, order=order, points=3)
    assert len({made.id for made in found}) == 20
    rates = {made["optimizer"]["sgd"]["rate"] for made in found if "sgd" in made["optimizer"]}
    assert sorted(rates) == pytest.approx([0.001, 0.01, 0.1])
    assert {made["drop"] for made in found} == {0.0, 0.5, 1.0}


def searched(space: Space, **settings: Any) -> tuple[Coordinator, list[Architecture]]:
    """A run until it ends by itself, or after 60 trials; one trial in seven fails."""
    ledger = MemoryLedger()
    # The second session goes on where the first one was left, in the middle of the fifth trial.
    for left_at in (4, None):
        run = Coordinator(
            ledger,
            space=space,
            proposer=proposer(space, "grid", 4, settings),
            scheduler=NoScheduler(),
            objective=Objective("accuracy", "max"),
            budget=Budget(60, None, 1),
            seed=4,
        )
        while (asked := run.ask()) is not None and asked.trial != left_at:
            if asked.trial % 7 == 6:
                run.failed(asked.trial, "error", "told to")
            else:
                run.report(asked.trial, epoch(1, quality(asked.architecture), finished=True))
    return run, [space.validate(trial.tree) for trial in run.state.trials.values()]


@pytest.mark.parametrize("order", ["shuffled", "lexicographic"])
def test_a_run_ends_with_its_grid_though_the_space_of_reals_is_endless(order: str) -> None:
    space = real_space()
    run, found = searched(space, order=order, points=3)
    assert run.stopping == "exhausted"
    assert {made.id for made in found} == {made.id for made in Grid(space, 0, points=3).members()}
    assert run.state.repeats == []


def test_a_grid_whose_size_is_only_bounded_by_more_than_can_be_listed_ends_too() -> None:
    """32 members; all values of all decisions, active at a time or not, would be 16 * 2 ** 16."""
    space = Space({"one": choice({f"o{i}": {"x": real(0.0, 1.0)} for i in range(16)})})
    run, found = searched(space, points=2)
    assert run.stopping == "exhausted"
    assert len({made.id for made in found}) == len(found) == 32


def test_with_countable_decisions_only_points_change_nothing() -> None:
    space = conditional_space()
    assert list(Grid(space, 0, points=2).members()) == list(space.enumerate())


def test_a_grid_too_large_to_be_listed_is_drawn_from_without_repeats() -> None:
    space = Space({f"d{i}": real(0.0, 1.0) for i in range(12)})
    found = proposed(space, 30, points=3)
    assert len({made.id for made in found}) == 30
    assert {value for made in found for value in made.tree.values()} == {0.0, 0.5, 1.0}
    assert proposed(space, 2, order="lexicographic", points=3)[1].tree["d11"] == 0.5


@pytest.mark.parametrize(
    ("space", "settings", "said"),
    [
        (real_space(), {}, "strategy.points is not set; the space's real 'optimizer.sgd.rate' has no step.*set points"),
        (real_space(), {"points": 1}, "strategy.points is 1; a grid needs at least 2 values of a real"),
        (ruled_space(), {"order": "shuffed"}, "strategy.order is 'shuffed', .* did you mean 'shuffled'"),
    ],
)
def test_bad_settings_are_refused(space: Space, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make("grid", space, 0, settings)
