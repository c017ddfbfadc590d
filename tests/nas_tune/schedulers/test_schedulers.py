"""What every scheduler promises, whichever it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Objective, check_several, takes_several
from nas_tune.schedulers import SCHEDULERS, Scheduler, Verdict, make
from search_spaces.errors import UnknownNameError

MAX_EPOCHS = 9
Report = tuple[int, int, Any]


@st.composite
def reports(draw: st.DrawFn) -> list[Report]:
    """Epochs of up to ten trials, interleaved as workers would: each trial's own epochs ascend."""
    order = draw(st.lists(st.integers(0, 9), max_size=60))
    scores = draw(st.lists(st.integers(0, 5), min_size=len(order), max_size=len(order)))
    epochs = dict.fromkeys(range(10), 0)
    told = []
    for trial, score in zip(order, scores, strict=True):
        if epochs[trial] < MAX_EPOCHS:
            epochs[trial] += 1
            told.append((trial, epochs[trial], float(score)))
    return told


def decide(scheduler: Scheduler, told: list[Report]) -> list[Verdict | int | None]:
    """Verdicts and promotions, as the coordinator would hear them: who is stopped or paused reports no more."""
    heard: list[Verdict | int | None] = []
    silent = set()
    for trial, epoch, score in told:
        if trial in silent:
            continue
        verdict = scheduler.observe(trial, epoch, score)
        if verdict is not Verdict.GO_ON:
            silent.add(trial)
        if verdict is Verdict.STOP or epoch == MAX_EPOCHS:
            scheduler.forget(trial)
        heard += [verdict, promoted := scheduler.next_promotion()]
        if promoted is not None:
            scheduler.promoted(promoted)
            silent.remove(promoted)
    return heard


@pytest.mark.parametrize("name", SCHEDULERS)
@given(told=reports())
@settings(max_examples=40)
def test_the_same_reports_in_the_same_order_give_the_same_decisions(name: str, told: list[Report]) -> None:
    assert decide(make(name, MAX_EPOCHS), told) == decide(make(name, MAX_EPOCHS), told)


@pytest.mark.parametrize("name", SCHEDULERS)
@given(told=reports())
@settings(max_examples=40)
def test_nothing_is_stopped_at_its_last_epoch(name: str, told: list[Report]) -> None:
    scheduler = make(name, MAX_EPOCHS)
    for trial, epoch, score in told:
        verdict = scheduler.observe(trial, epoch, score)
        assert verdict is Verdict.GO_ON or epoch < MAX_EPOCHS


@pytest.mark.parametrize("name", SCHEDULERS)
@given(told=reports())
@settings(max_examples=40)
def test_only_what_paused_is_promoted_and_only_by_those_who_say_so(name: str, told: list[Report]) -> None:
    scheduler = make(name, MAX_EPOCHS)
    paused = set()
    for trial, epoch, score in told:
        if trial not in paused and scheduler.observe(trial, epoch, score) is Verdict.PAUSE:
            paused.add(trial)
        assert scheduler.next_promotion() == scheduler.next_promotion()
        assert scheduler.next_promotion() in {None, *paused}
    assert scheduler.pauses or not paused


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_best_is_never_stopped(name: str) -> None:
    scheduler = make(name, MAX_EPOCHS)
    for epoch in range(1, MAX_EPOCHS + 1):
        for trial in range(12):
            verdict = scheduler.observe(trial, epoch, trial + epoch / 100)
            assert not (verdict is Verdict.STOP and trial == 11)


@pytest.mark.parametrize("name", ["asha", "hyperband", "learning_curve", "median"])
def test_the_worst_of_many_is_stopped_before_its_end(name: str) -> None:
    scheduler = make(name, MAX_EPOCHS)
    stopped = set()
    for trial in range(27):
        for epoch in range(1, MAX_EPOCHS + 1):
            if scheduler.observe(trial, epoch, -trial) is Verdict.STOP:
                stopped.add(trial)
                break
        scheduler.forget(trial)
    assert len(stopped) >= 12
    assert 0 not in stopped


def test_none_stops_nothing() -> None:
    scheduler = make("none", 3)
    heard = {scheduler.observe(trial, epoch, -trial) for trial in range(20) for epoch in range(1, 4)}
    assert heard == {Verdict.GO_ON}


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("asha", {"grace": 0}, "scheduler.grace is 0; it lies between 1 and max_epochs = 9"),
        ("asha_promote", {"grace": 0}, "scheduler.grace is 0; it lies between 1 and max_epochs = 9"),
        ("asha_promote", {"reduction": 1}, "scheduler.reduction is 1; .* at least 2"),
        ("asha", {"grace": 10}, "scheduler.grace is 10"),
        ("asha", {"reduction": 1}, "scheduler.reduction is 1; .* at least 2"),
        ("hyperband", {"grace": 0}, "scheduler.grace is 0"),
        ("hyperband", {"reduction": 0}, "scheduler.reduction is 0"),
        ("median", {"grace": 99}, "scheduler.grace is 99"),
        ("median", {"min_trials": 0}, "scheduler.min_trials is 0; the median needs at least 1"),
        ("learning_curve", {"grace": 0}, "scheduler.grace is 0"),
        ("learning_curve", {"chance": 1.0}, "scheduler.chance is 1; a probability"),
        ("learning_curve", {"min_complete": 2}, "scheduler.min_complete is 2; a spread needs at least 3"),
        ("asha", {"reductoin": 3}, "reductoin is not a setting of 'asha'; did you mean 'reduction'"),
        ("none", {"grace": 1}, "grace is not a setting of 'none'; its settings: none"),
        ("asha", {"grace": 1.5}, "scheduler.grace is 1.5 of type float; expected int"),
        ("asha", {"grace": True}, "scheduler.grace is True of type bool; expected int"),
        ("asha", {"max_epochs": 3}, "max_epochs is not a setting of 'asha'"),
    ],
)
def test_bad_settings_are_refused(name: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make(name, MAX_EPOCHS, settings)


def test_an_unknown_name_is_answered_with_the_close_one() -> None:
    with pytest.raises(UnknownNameError, match=r"no scheduler is called 'ahsa'; did you mean 'asha'.*hyperband"):
        make("ahsa", MAX_EPOCHS)


SEVERAL = [name for name, factory in SCHEDULERS.items() if takes_several(factory)]


def pairs(told: list[Report]) -> list[tuple[int, int, tuple[float, float]]]:
    """Two objectives of which the second is worth as much as the first is not, for two trials of three."""
    return [(trial, epoch, (score, -score if trial % 3 else 1.0)) for trial, epoch, score in told]


def test_these_judge_several_objectives_and_the_others_refuse() -> None:
    assert SEVERAL == ["asha", "asha_promote", "hyperband", "none"]
    two = [Objective("accuracy", "max"), Objective("size", "min")]
    for name in SCHEDULERS.keys() - set(SEVERAL):
        said = (
            rf"scheduler: '{name}' optimizes one metric, .*2 \(accuracy, size\).* \(asha, asha_promote, hyperband, none"
        )
        with pytest.raises(ConfigError, match=said):
            check_several("scheduler", SCHEDULERS, name, two)
        check_several("scheduler", SCHEDULERS, name, two[:1])
        with pytest.raises(ConfigError, match="compares trials by one objective, and the run has 2"):
            make(name, MAX_EPOCHS).observe(0, 1, (1.0, 2.0))


@pytest.mark.parametrize("name", SEVERAL)
@given(told=reports())
@settings(max_examples=25)
def test_reports_of_several_objectives_give_the_same_decisions_again(name: str, told: list[Report]) -> None:
    heard = decide(make(name, MAX_EPOCHS), pairs(told))
    assert decide(make(name, MAX_EPOCHS), pairs(told)) == heard


@pytest.mark.parametrize("name", SEVERAL)
@given(told=reports())
@settings(max_examples=25)
def test_objectives_that_agree_are_as_one(name: str, told: list[Report]) -> None:
    """Every front is a single point then, so that ranks are those of the score."""
    one, two = make(name, MAX_EPOCHS), make(name, MAX_EPOCHS)
    assert decide(two, [(trial, epoch, (s, 2 * s)) for trial, epoch, s in told]) == decide(one, told)


@pytest.mark.parametrize("name", ["asha", "hyperband"])
def test_what_is_good_in_its_own_way_goes_on_and_what_is_beaten_everywhere_stops(name: str) -> None:
    scheduler = make(name, MAX_EPOCHS)
    for trial in range(30):
        scheduler.observe(trial, 1, (trial / 30, -trial / 30))
    assert scheduler.observe(30, 1, (2.0, -9.0)) is Verdict.GO_ON
    assert scheduler.observe(33, 1, (-9.0, 2.0)) is Verdict.GO_ON
    assert scheduler.observe(36, 1, (-1.0, -1.0)) is Verdict.STOP
