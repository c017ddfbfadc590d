"""What nobody has tried is looked for honestly, and a search that ends for want of it says why."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

import nas_tune
import search_spaces
from nas_tune.session.initial_design import ranked_design
from nas_tune.strategies import STRATEGIES, grid, make, unseen
from nas_tune.strategies.architecture_sampler import Exhausted
from nas_tune.strategies.flat_encoding import FlatEncoding
from nas_tune.strategies.unseen import Unseen
from nas_tune.winners.retrain.candidates import Candidate, baselines_of
from search_spaces import Architecture, Space, choice, repeat
from search_spaces.interchange import rows, to_trial
from tests.nas_tune.strategies.test_conformance import small
from tests.toys import quality, ruled_space, tiny_space

NB101 = search_spaces.get("nb101")


def climb(architecture: Architecture) -> Iterator[dict[str, float]]:
    yield {"accuracy": quality(architecture)}


def search(space: Space, strategy: str | dict[str, Any], folder: Path, trials: int, **more: Any) -> nas_tune.Run:
    return nas_tune.search(
        space,
        climb,
        strategy=strategy,
        scheduler="none",
        max_trials=trials,
        max_epochs=1,
        executor="inline",
        run_dir=folder,
        **more,
    )


def has_a_dear_hash(made: Architecture) -> bool:
    """About 5 % of the cells of NAS-Bench-101, scattered."""
    return search_spaces.catalogue.nb101.connected(made) and NB101.hash(made.tree)[0] == "7"


def sparse() -> Space:
    return Space(NB101.declared, valid=has_a_dear_hash, canonical=search_spaces.catalogue.nb101.canonical)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_a_search_under_a_sparse_rule_goes_on(strategy: str, tmp_path: Path) -> None:
    """It stopped after 3 to 11 trials: small cells are drawn again and again, and mutations of them are refused."""
    run = search(sparse(), strategy, tmp_path / "run", 20)
    assert run.state.counts["complete"] == 20
    assert run.state.finished == "done"


def one_in_ten(made: Architecture) -> bool:
    """Scattered, so that hardly a neighbour of a member is one."""
    return zlib.crc32(made.to_json().encode()) % 10 == 0


OFTEN = {"bohb", "evolution", "genetic", "grid", "progressive", "random", "reinforce"}
"""Tried in every run of the suite; all others are slow."""


@pytest.mark.parametrize(
    "strategy", [pytest.param(one, marks=() if one in OFTEN else pytest.mark.slow) for one in STRATEGIES]
)
def test_every_strategy_goes_on_under_a_sparse_rule(strategy: str, tmp_path: Path) -> None:
    space = Space({"layers": repeat(choice("a", "b", "c"), 1, 5), "width": choice(1, 2)}, valid=one_in_ten)
    run = search(space, {"name": strategy, **small(strategy, space)}, tmp_path / "run", 14)
    assert run.trials()["architecture"].nunique() == 14
    assert all(space.contains(rows.from_row(space, row)) for _, row in run.trials().iterrows())
    assert (run.state.finished, run.state.counts["complete"], run.state.notes) == ("done", 14, ())


@pytest.mark.slow
@pytest.mark.parametrize("strategy", sorted(STRATEGIES.keys() - {"progressive"}))
def test_every_strategy_has_a_hundred_trials_of_one_cell_in_sixteen(strategy: str, tmp_path: Path) -> None:
    space, trials = sparse(), 16 if strategy == "gp" else 100
    begun = time.process_time()
    run = search(space, strategy, tmp_path / "run", trials)
    assert run.trials()["architecture"].nunique() == trials
    assert run.state.counts["complete"] == trials
    assert time.process_time() - begun < 60, "20 s on an idle core"


def test_a_refused_draw_is_mended_with_few_questions_to_the_rule() -> None:
    asked = 0

    def even(made: Architecture) -> bool:
        nonlocal asked
        asked += 1
        return all(value == 0 for value in made.values())

    space = Space({f"b{i}": choice(0, 1) for i in range(11)}, valid=even)
    encoding = FlatEncoding(space)
    known = space.sample(0)
    asked = 0
    assert encoding.allowed({f"b{i}": int(i < 2) for i in range(11)}) is None
    assert encoding.member({f"b{i}": int(i < 2) for i in range(11)}) == known
    assert asked < 60, "the nearest trees are asked about first"


def test_a_space_that_was_searched_whole_says_so(tmp_path: Path) -> None:
    run = search(tiny_space(), "evolution", tmp_path / "run", 20)
    assert run.state.finished == "exhausted"
    assert (-1, "ended after 6 of 20 trials: every architecture of the space was tried") in run.state.notes


def two_alike(made: Architecture) -> object:
    """All that counts of a large tree is one decision."""
    return made["op"]


def test_a_search_that_finds_no_more_says_how_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unseen, "_DRAWS", 50)
    monkeypatch.setattr(unseen, "_MUTATIONS", 70)
    space = Space(
        {"op": choice("a", "b"), **{f"dead{i}": choice(0, 1) for i in range(30)}}, canonical=two_alike, name="alike"
    )
    run = search(space, "random", tmp_path / "run", 20)
    assert run.state.trials == 2
    said = "ended after 2 of 20 trials: no new architecture was found in 50 draws and 70 mutations of known ones"
    assert any(text.startswith(said) for _, text in run.state.notes)


@pytest.mark.slow
def test_a_single_member_is_one_trial(tmp_path: Path) -> None:
    space = Space({name: choice(0, 1) for name in "abcdef"}, valid=lambda made: sum(made.values()) == 6)
    for strategy in ("random", "evolution", "tpe", "auto", "grid", "local_search", "bananas", "genetic"):
        run = search(space, strategy, tmp_path / strategy, 5)
        assert (run.state.trials, run.state.finished) == (1, "exhausted"), strategy


def test_it_depends_on_nothing_that_was_looked_for_before() -> None:
    space = tiny_space()
    members = list(space.enumerate())
    seen = {made.id for made in members[:4]}
    finder, fresh = Unseen(space), Unseen(space)
    finder.find(members[0], {members[0].id}, random.Random(3))
    assert finder.find(members[0], seen, random.Random(1)) == fresh.find(members[0], seen, random.Random(1))
    assert finder.find(members[0], {made.id for made in members}, random.Random(1)) is None
    assert finder.reason == "every architecture of the space was tried"


@pytest.mark.parametrize("way", ["walk", "list", "draw", "mutate"])
def test_each_way_alone_finds_the_last_member_or_none(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one way misses another one finds, so that each is shown by itself."""
    for name, mine, count in (("_WALK", "walk", 100), ("_DRAWS", "draw", 100), ("_MUTATIONS", "mutate", 100)):
        monkeypatch.setattr(unseen, name, count if way == mine else 0)
    if way != "list":
        monkeypatch.setattr(unseen, "LISTED_UP_TO", 0)
        monkeypatch.setattr(unseen, "PROVEN_UP_TO", 0)
    members = list(tiny_space().enumerate())
    seen = {made.id for made in members[:-1]}
    assert Unseen(tiny_space()).find(members[0], seen, random.Random(0)) == members[-1]
    finder = Unseen(tiny_space())
    assert finder.find(members[0], {made.id for made in members}, random.Random(0)) is None
    assert ("every architecture of the space was tried" in finder.reason) is (way == "list")


def corner(made: Architecture) -> bool:
    """One tree in 4,096, and none of the first 2^28 in order."""
    return all(made[f"b{i}"] for i in range(12))


def test_a_grid_gives_up_after_so_many_refused_trees_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "_LOOKED_AT", 300)
    space = Space({f"b{i}": choice(0, 1) for i in range(40)}, valid=corner)
    sampler = make("grid", space, 0, {"order": "lexicographic"})
    with pytest.raises(Exhausted, match="the space's rule refused 300 trees of the grid in a row"):
        sampler.propose(optuna.create_study(), 0)


def test_a_grid_of_a_ruled_space_has_its_members_in_order() -> None:
    space, study = ruled_space(), optuna.create_study()
    sampler = make("grid", space, 0, {"order": "lexicographic"})
    for wanted in space.enumerate():
        trial = study.ask()
        assert sampler.propose(study, trial.number) == wanted
        study.add_trial(to_trial(space, wanted, 1.0))


@pytest.mark.slow
def test_an_initial_design_has_as_many_candidates_as_the_rule_leaves() -> None:
    """Draws alone meet the same few again and again."""
    space = Space({f"b{i}": choice(0, 1) for i in range(40)}, valid=corner, canonical=first_and_last)
    design = ranked_design(space, lambda made: [1.0], candidates=4, trials=4)
    assert (len(design.architectures), design.scored) == (4, 4)


def first_and_last(made: Architecture) -> list[int]:
    """Four ids, of which three are rare."""
    return [made["b12"] * made["b13"] * made["b14"] * made["b15"] * made["b16"], made["b39"]]


def at_least_three(made: Architecture) -> bool:
    return len(made["layers"]) >= 3


@pytest.mark.slow
def test_progressive_search_begins_where_the_rule_lets_it(tmp_path: Path) -> None:
    space = Space({"layers": repeat(choice("a", "b", "c"), 1, 5)}, valid=at_least_three)
    run = search(space, "progressive", tmp_path / "run", 12)
    assert run.state.counts["complete"] == 12
    assert not run.state.notes


@pytest.mark.slow
def test_a_baseline_is_found_where_draws_repeat_themselves() -> None:
    space = Space({f"b{i}": choice(0, 1) for i in range(40)}, valid=corner, canonical=first_and_last)
    first = space.sample(0)
    found, notes = baselines_of(space, 3, Candidate(first.tree, "chosen"), {first.id}, None, 0)
    assert len({space.validate(one.tree).id for one in found}) == 3
    assert len(notes) == 1
