"""Races choose by validation and are scored by the test column; scores say what the numbers say."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from pyarrow import parquet

from nas_tune.benchmarks.races import Contest, Race, best_score, contestant_of, run_races, score_strategies
from nas_tune.benchmarks.races.contest import check, run_race
from nas_tune.benchmarks.races.courses import write_courses
from nas_tune.benchmarks.races.picture import draw_regret
from nas_tune.config import Component
from nas_tune.errors import ConfigError, NasTuneError
from search_spaces import UnknownNameError
from tests.nas_tune.benchmarks.tables.made import settings


@pytest.fixture(scope="module")
def contest(table_of_cells: Path) -> Contest:
    return Contest(Component("nb201"), settings(table_of_cells), 600.0)


@pytest.mark.slow
def test_a_race_is_a_search_whose_choices_only_get_better(contest: Contest) -> None:
    race = run_race(contest, contestant_of("random"), 0)
    assert list(race.values) == sorted(race.values)
    assert list(race.seconds) == sorted(race.seconds)
    assert race.seconds[-1] <= 600
    # value = n / 6 and test = n / 7 for the same n.
    assert [6 * value for value in race.values] == pytest.approx([7 * test for test in race.tests])
    assert race.trials >= 600 // 36
    assert run_race(contest, contestant_of("random"), 0) == race
    assert run_race(contest, contestant_of("random"), 1) != race


def test_values_that_are_no_accuracy_need_a_mode(table_of_cells: Path) -> None:
    losses = {**settings(table_of_cells), "metric": "error"}
    with pytest.raises(ConfigError, match=r"mode: not set; say whether more of 'error' is better: .* \(--mode\)"):
        check(Contest(Component("nb201"), losses, 600.0), [contestant_of("random")])
    race = run_race(Contest(Component("nb201"), losses, 600.0, mode="min"), contestant_of("random"), 0)
    assert list(race.values) == sorted(race.values, reverse=True)


def test_schedulers_buy_more_trials_for_the_same_time(contest: Contest) -> None:
    plain, stopped = (run_race(contest, contestant_of(text), 0) for text in ("random", "asha"))
    assert stopped.trials > plain.trials


def test_settings_go_by_the_name_of_who_takes_them() -> None:
    made = contestant_of("evolution+asha", {"evolution": {"population": 7}, "asha": {"reduction": 2}})
    assert (made.strategy.settings["population"], made.scheduler.settings["reduction"]) == (7, 2)
    assert contestant_of("median").strategy.name == "random"
    with pytest.raises(UnknownNameError, match="did you mean 'evolution'"):
        contestant_of("evolutoin")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("evolution", ("evolution", "none")),
        (" evolution + asha ", ("evolution", "asha")),
        ("evolution+", ("evolution", "none")),
        ("asha", ("random", "asha")),
        ("none", ("random", "none")),
    ],
)
def test_a_text_names_a_strategy_a_scheduler_or_both(text: str, names: tuple[str, str]) -> None:
    made = contestant_of(text)
    assert (made.strategy.name, made.scheduler.name, made.name) == (*names, text.strip())
    assert (made.strategy.settings, made.scheduler.settings) == ({}, {})


def test_an_unknown_name_is_one_of_a_strategy_or_a_scheduler() -> None:
    with pytest.raises(UnknownNameError, match=r"no strategy or scheduler is called 'ash'; did you mean 'asha'"):
        contestant_of("ash")
    with pytest.raises(UnknownNameError, match=r"'hyperbnd'; did you mean 'hyperband'"):
        contestant_of("evolution+hyperbnd")
    with pytest.raises(UnknownNameError, match=r"no strategy is called 'asha'"):
        contestant_of("asha+asha")


@pytest.mark.parametrize(("budget", "workers"), [(0.0, 1), (-1.0, 1), (600.0, 0)])
def test_a_contest_without_time_or_workers_is_refused(contest: Contest, budget: float, workers: int) -> None:
    with pytest.raises(ConfigError, match=rf"budget {budget:g} s with {workers} workers: both must be above 0"):
        check(replace(contest, budget=budget, workers=workers), [])
    check(replace(contest, budget=0.001, workers=1), [contestant_of("random")])


def test_wrong_settings_of_a_contestant_are_refused_before_the_first_race(contest: Contest) -> None:
    for text, key in (("evolution", "population"), ("asha", "reduction")):
        with pytest.raises(NasTuneError, match=key):
            check(contest, [contestant_of(text, {text: {key: 0}})])


def test_a_race_ends_after_its_trials_and_more_workers_end_more_trials(contest: Contest) -> None:
    assert run_race(replace(contest, max_trials=3), contestant_of("random"), 0).trials == 3
    one, two = (run_race(replace(contest, workers=count), contestant_of("random"), 0).trials for count in (1, 2))
    assert one < two <= 2 * one + 2
    assert run_race(contest, contestant_of("random"), 0).ended == ""


def race(name: str, seed: int, *course: tuple[float, float]) -> Race:
    seconds, tests = zip(*course, strict=True)
    return Race(name, seed, seconds, tests, tests, 3)


def test_scores_are_means_ranks_and_regrets() -> None:
    races = [race("a", seed, (10, 0.5), (60, 0.8 + seed / 100)) for seed in range(6)]
    races += [race("b", seed, (20, 0.6 + seed / 100)) for seed in range(6)]
    scores = score_strategies(races, budget=100.0, best=1.0)
    first, second = scores.standings
    assert (first.strategy, second.strategy) == ("a", "b")
    assert first.test_mean == pytest.approx(0.825)
    assert (first.rank, second.rank) == (1.0, 2.0)
    assert first.regret[[9, 58, 59]] == pytest.approx([0.5, 0.5, 0.175])
    assert math.isnan(second.regret[18])
    (difference,) = scores.differences
    assert difference.mean == pytest.approx(0.2)
    # Six of six signs: the exact two-sided p of Wilcoxon's test is 2 / 2^6.
    assert difference.p == pytest.approx(2 / 64)


def test_equal_strategies_differ_by_chance_and_share_ranks() -> None:
    races = [race(name, seed, (10, 0.5)) for name in "ab" for seed in range(5)]
    scores = score_strategies(races, budget=100.0)
    assert [row.rank for row in scores.standings] == [1.5, 1.5]
    assert scores.differences[0].p == 1.0


def test_less_is_better_where_the_contest_says_so() -> None:
    races = [race("low", seed, (1, 0.1)) for seed in range(3)] + [race("high", seed, (1, 0.2)) for seed in range(3)]
    scores = score_strategies(races, budget=10.0, mode="min")
    assert scores.standings[0].strategy == "low"
    assert scores.standings[1].regret[-1] == pytest.approx(0.1)


def test_regret_is_counted_from_the_best_of_the_table_where_it_tells(contest: Contest) -> None:
    """The best cell has six convolutions: test 6 / 7, validation 6 / 6."""
    assert best_score(contest, "test") == pytest.approx(6 / 7)
    assert best_score(contest, "validation") == pytest.approx(1.0)
    assert best_score(replace(contest, mode="min"), "test") == 0.0
    races = [race("a", seed, (10, 0.5)) for seed in range(3)]
    told, untold = score_strategies(races, 100.0, best=6 / 7), score_strategies(races, 100.0)
    assert (told.best_of, untold.best_of) == ("table", "races")
    assert told.standings[0].regret[-1] == pytest.approx(6 / 7 - 0.5)
    assert (untold.best, untold.standings[0].regret[-1]) == (0.5, 0.0)


def test_no_regret_is_drawn_at_the_bottom_of_the_axis(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A logarithm of it would leave a gap in the line and in its band."""
    drawn: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, out, dpi: drawn.append(figure))
    courses = {"lucky": [0.9, 0.9, 1.0], "never": [0.5, 0.6, 0.7], "done": [1.0, 1.0, 1.0]}
    races = [race(name, seed, (10, test)) for name, tests in courses.items() for seed, test in enumerate(tests)]
    draw_regret(score_strategies(races, 100.0, best=1.0), tmp_path / "regret.png")
    (axes,) = drawn[0].axes
    bottom = axes.get_ylim()[0]
    shapes = [line.get_ydata() for line in axes.lines] + [
        band.get_paths()[0].vertices[:, 1] for band in axes.collections
    ]
    assert 0 < bottom < 0.2 / 3
    assert min(np.min(shape) for shape in shapes) == pytest.approx(bottom)
    assert axes.lines[0].get_label() == "done"
    assert np.allclose(axes.lines[0].get_ydata(), bottom)


@pytest.mark.slow
def test_races_on_two_processes_are_those_of_one(contest: Contest) -> None:
    contestants = [contestant_of("random"), contestant_of("evolution")]
    alone = {(r.contestant, r.seed): r for r in run_races(contest, contestants, [0, 1], processes=1)}
    both = {(r.contestant, r.seed): r for r in run_races(contest, contestants, [0, 1], processes=2)}
    assert alone == both


@pytest.mark.slow
def test_courses_and_pictures_are_written_whole(tmp_path: Path, contest: Contest) -> None:
    races = list(run_races(contest, [contestant_of("random")], [0, 1], processes=1))
    write_courses(races, tmp_path / "courses.parquet")
    table = parquet.read_table(tmp_path / "courses.parquet").to_pandas()
    assert len(table) == sum(len(race.seconds) for race in races)
    assert np.allclose(table["test"] * 7, table["validation"] * 6)
    draw_regret(score_strategies(races, 600.0), tmp_path / "regret.svg")
    assert "<svg" in (tmp_path / "regret.svg").read_text()[:2000]
    with pytest.raises(ConfigError, match="png"):
        draw_regret(score_strategies(races, 600.0), tmp_path / "regret.gif")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_courses(races, tmp_path / "nowhere" / "courses.parquet")
