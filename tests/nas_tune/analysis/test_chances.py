"""What stands out is not a chance: of random samples, of searches that learn, alone and in pairs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas_tune
from nas_tune.analysis import chances, importances
from nas_tune.analysis.evidence import Evidence
from nas_tune.analysis.sampling import is_sample
from nas_tune.analysis.scores import Scale, deviation, even_units, mean, median
from nas_tune.objectives.objective import Objective
from search_spaces import Architecture, Space, choice, integer
from tests.nas_tune.analysis.truths import SEARCHES, TRUTHS, differing, judged, searched, verdicts


def _evidence(space: Space, worth: Any, trials: int = 120) -> Evidence:
    rng = random.Random(0)
    made = [space.params(space.sample(rng)) for _ in range(trials)]
    scores = tuple(worth(one) + rng.gauss(0, 0.05) for one in made)
    return Evidence(Objective("accuracy", "max"), None, tuple(range(trials)), tuple(made), scores)


def _half(architecture: Architecture, **_: Any) -> Iterator[dict[str, float]]:
    yield {"accuracy": 0.5}


@pytest.mark.parametrize("sample", [True, False])
def test_x_xor_y_is_found_as_a_pair_and_nothing_else_is(sample: bool) -> None:
    space = Space({"a": choice(0, 1, 2), "x": choice(0, 1), "b": choice(*"abcdefghi"), "y": choice("no", "yes")})
    known = _evidence(space, lambda one: 0.3 * (bool(one["x"]) ^ (one["y"] == "yes")))
    found, pairs = chances.tested(known, space.parameters, sample=sample)
    # Alone neither does anything; the model asks whether a decision does anything at all.
    assert {name for name, p in found.items() if p < 0.05} == (set() if sample else {"x", "y"})
    assert [{row["one"], row["other"]} for row in pairs[pairs["stands_out"]].to_dict("records")] == [{"x", "y"}]
    assert pairs["share"].iloc[0] > 0.5


@pytest.mark.parametrize("sample", [True, False])
def test_a_sum_is_no_pair_and_an_inactive_decision_has_its_own_test(sample: bool) -> None:
    space = Space(
        {"op": choice({"conv": {"kernel": integer(1, 15)}, "pool": {}}), "w": choice(0, 1, 2), "n": choice(0, 1)}
    )
    known = _evidence(space, lambda one: one.get("op.conv.kernel", 8) / 15 + 0.3 * one["w"], 200)
    found, pairs = chances.tested(known, space.parameters, sample=sample)
    assert {name for name, p in found.items() if p < 0.05} == {"op.conv.kernel", "w"}
    assert not pairs["stands_out"].any()


def test_decisions_and_pairs_of_a_random_sample_share_one_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each family at 5 % would err in 10 of 100 explanations."""
    space = Space({"a": choice(0, 1, 2), "b": choice(0, 1), "c": choice(0, 1)})
    known, one = _evidence(space, lambda one: 0.02 * one["a"]), {"a": choice(0, 1, 2)}
    shared, pairs = chances.tested(known, space.parameters, sample=True)
    monkeypatch.setattr(chances, "_FAMILIES", 1)
    each, each_pair = chances.tested(known, space.parameters, sample=True)
    for name in "abc":
        assert shared[name] == pytest.approx(min(1.0, 2 * each[name]), rel=1e-9) or each[name] == 1.0
    assert pairs["p"].iloc[0] == pytest.approx(min(1.0, 2 * each_pair["p"].iloc[0]))
    alone = Space(one)
    ps = [chances.tested(_evidence(alone, lambda one: 0.0), alone.parameters, sample=True)[0] for _ in range(1)]
    monkeypatch.undo()
    assert ps == [chances.tested(_evidence(alone, lambda one: 0.0), alone.parameters, sample=True)[0]], "no pair beside"


@pytest.mark.parametrize("search", ["evolution, none", pytest.param("auto, asha", marks=pytest.mark.slow)])
def test_under_a_search_that_learns_the_large_effect_is_found_and_nothing_else(tmp_path: Path, search: str) -> None:
    run = searched(TRUTHS["big"], SEARCHES[search], 0, tmp_path / "run")
    assert not is_sample(run)
    (found,) = importances(run)
    assert (judged(found, TRUTHS["big"]).found, judged(found, TRUTHS["big"]).errs) == ((True,), False)


def test_enqueued_trials_make_no_random_sample(tmp_path: Path) -> None:
    space = Space({"a": choice(0, 1)})
    given: dict[str, Any] = {"executor": "inline", "max_trials": 2, "max_epochs": 1, "scheduler": "none"}
    kinds: dict[str, dict[str, Any]] = {
        "random": {"strategy": "random"},
        "enqueued": {"strategy": "random", "enqueue": [{"a": 1}]},
        "grid": {"strategy": "grid"},
        "in order": {"strategy": {"name": "grid", "order": "lexicographic"}},
        "tpe": {"strategy": "tpe"},
    }
    found = {
        name: is_sample(nas_tune.search(space, _half, run_dir=tmp_path / name, **given, **kind))
        for name, kind in kinds.items()
    }
    assert found == {"random": True, "enqueued": False, "grid": True, "in order": False, "tpe": False}


def test_a_value_far_out_hides_nothing_of_the_others() -> None:
    scores = [1.0, 2.0, 3.0, 4.0, 5.0, -1e308, 1e308]
    units = even_units(scores)
    assert units.tolist()[5:] == [-10.0, 10.0]
    assert np.argsort(units).tolist() == [5, 0, 1, 2, 3, 4, 6]
    assert [Scale.of(scores).score(unit) for unit in units[:5]] == pytest.approx(scores[:5])
    for odd in ([1e308, -1e308], [1e-320, 2e-320, 3e-320], [0.5], [7.0] * 5, [0.1] * 9 + [0.9]):
        assert np.isfinite(even_units(odd)).all()
        assert len(set(even_units(odd))) == len(set(odd))


def test_means_and_deviations_do_not_overflow() -> None:
    largest = 1.7976931348623157e308
    assert mean([largest] * 12) == largest
    assert mean([largest, -largest]) == 0
    assert deviation([1e308, -1e308]) == pytest.approx(2**0.5 * 1e308)
    assert deviation([largest, -largest]) == float("inf")
    assert median([largest, largest]) == largest
    assert (mean([1.0, 2.0, 6.0]), median([1.0, 2.0, 6.0]), deviation([1.0, 3.0])) == (3.0, 2.0, pytest.approx(2**0.5))
    assert all(np.isnan(one([])) for one in (mean, median, deviation))


@pytest.mark.slow
@pytest.mark.parametrize("search", ["random, asha", "evolution, none", "auto, asha"])
def test_what_does_nothing_rarely_stands_out_and_the_largest_effect_does(search: str) -> None:
    found = {name: verdicts(TRUTHS[name], SEARCHES[search], 5) for name in ("big", "exact", "steps", "xor")}
    assert sum(one.errs for runs in found.values() for one in runs) <= 1, "of 20"
    assert sum(one.found[0] for one in found["big"]) >= 3, "of 5"


@pytest.mark.slow
def test_equal_searches_rarely_differ() -> None:
    for name in ("random, none", "evolution, none"):
        differ, known = differing(TRUTHS["big"], SEARCHES[name], 12, 1)
        assert (differ <= 0.17, known) == (True, float(name.startswith("random")))
