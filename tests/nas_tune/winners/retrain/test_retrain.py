"""Retrainings of toys: what is trained, how it goes on after a stop, and what it says of the search."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.errors import ConfigError, NoUsableTrialError, ResumeRefusedError
from nas_tune.ledger import Event, Reported, RunState
from nas_tune.objectives.objective import Objective
from nas_tune.winners.retrain import Retrained, retrain
from nas_tune.winners.retrain.candidates import Candidate
from nas_tune.winners.retrain.honesty import MeanDifference, Scored, honesty
from nas_tune.winners.retrain.plan import folders, plan
from search_spaces import Architecture, Space, choice
from tests.nas_tune.winners.retrain.examples import Count, Counted, Together
from tests.toys import Climber
from trainables.errors import TrainableError

HERE = "tests.nas_tune.winners.retrain.examples"


def searched(folder: Path, trainable: Any = f"{HERE}:Counted", **more: Any) -> nas_tune.Run:
    """All six members of a small space."""
    values: dict[str, Any] = {"max_trials": 6, "max_epochs": 2, "scheduler": "none", "executor": "inline", **more}
    values.setdefault("strategy", {"name": "grid", "order": "lexicographic"})
    return nas_tune.search(f"{HERE}:small", trainable, run_dir=folder / "run", **values)


class Interrupting:
    """Stops a run, as Ctrl-C would, at its n-th report."""

    def __init__(self, report: int) -> None:
        self.left = report

    def on_event(self, event: Event, state: RunState) -> None:
        self.left -= isinstance(event, Reported)
        if not self.left:
            self.left = -1
            raise KeyboardInterrupt


@pytest.mark.slow
def test_the_best_and_a_random_one_of_their_cost_are_trained_and_tested(tmp_path: Path) -> None:
    run = searched(tmp_path)
    found = retrain(run, top=3, seeds=2, epochs=5)
    first = found.candidates[0]
    assert [one.trial for one in found.candidates[:3]] == list(run.best(3)["trial"])
    assert first.search_score == run.best(1)["accuracy"].iloc[0]
    trials = found.run.trials()
    assert len(trials) == 8
    assert set(trials["epochs"]) == {5}
    assert trials["seed"].is_unique
    of_first = trials[trials["arch.chosen"] == 0]
    # Tested once, with the last epoch, after training on everything.
    epochs = found.run.epochs()
    assert set(epochs[epochs["test_accuracy"].notna()]["epoch"]) == {5}
    assert set(trials["test_loss"]) == {1.0}
    assert found.honesty.chosen[0].scores == tuple(of_first["test_accuracy"])


def test_the_baseline_costs_about_as_much_and_is_another_architecture(tmp_path: Path) -> None:
    run = searched(tmp_path)
    for op, close in (("a", 97), ("b", 100)):
        trial = next(int(n) for n in run.trials()["trial"] if run.tree(int(n)) == {"op": op, "wide": True})
        chosen, *others = plan(run, trial, baselines=3).candidates
        assert chosen.parameters == {"a": 100, "b": 97}[op]
        assert {one.parameters for one in others} <= {100, 97}
        assert close in {one.parameters for one in others}
        assert len({json.dumps(one.tree) for one in (chosen, *others)}) == 4


def test_where_none_costs_as_much_the_closest_is_taken_and_said(tmp_path: Path) -> None:
    run = searched(tmp_path)
    trial = next(int(n) for n in run.trials()["trial"] if run.tree(int(n)) == {"op": "c", "wide": True})
    decided = plan(run, trial, baselines=2)
    assert [one.parameters for one in decided.candidates[1:]] == [10, 97]
    assert any("the closest has +870% parameters" in note for note in decided.notes)


class Weighed(Climber):
    """Every network has 100 parameters; what is limited is another cost."""

    counts = ("weight",)

    def cost(self, architecture: Architecture) -> Count:
        return Count(100)

    def costs(self, architecture: Architecture, names: Sequence[str]) -> dict[str, float]:
        return {"weight": 10 + architecture["width"] / 2 + (architecture["op"] == "b") / 4}

    def evaluate(self, split: str) -> dict[str, float]:
        return {"accuracy": self._height}


@pytest.mark.slow
def test_the_baseline_keeps_the_limits_of_the_search_and_costs_as_much_in_each(tmp_path: Path) -> None:
    space = Space({"op": choice("a", "b"), "width": choice(*range(12))}, name="weighed")
    run = nas_tune.search(
        space,
        Weighed,
        limits={"weight": "<= 14"},
        run_dir=tmp_path / "run",
        max_trials=24,
        strategy="grid",
        scheduler="none",
        executor="inline",
        max_epochs=1,
    )
    found = plan(run, trainable=Weighed, baselines=3)
    first, *baselines = found.candidates
    assert first.costs is not None
    assert len(baselines) == 3
    for one in baselines:
        assert one.costs is not None
        assert one.costs["weight"] <= 14
        assert one.costs["weight"] == pytest.approx(first.costs["weight"], rel=0.1), "parameters are all the same"
    assert not any("baseline" in note or "same cost" in note for note in found.notes)


@pytest.mark.slow
def test_the_report_of_a_limited_search_has_the_limited_costs(tmp_path: Path) -> None:
    space = Space({"op": choice("a", "b"), "width": choice(*range(12))}, name="weighed")
    keys: dict[str, Any] = {"scheduler": "none", "executor": "inline", "max_epochs": 1, "max_trials": 6}
    run = nas_tune.search(
        space, Weighed, limits={"weight": "<= 14"}, strategy="random", run_dir=tmp_path / "run", **keys
    )
    text = retrain(run, trainable=Weighed, seeds=1, epochs=1).honesty.text()
    assert "weight" in text.splitlines()[2]


@pytest.mark.slow
def test_the_report_knows_order_regret_and_chance(tmp_path: Path) -> None:
    found = retrain(searched(tmp_path), top=4, seeds=2, epochs=4)
    report = found.honesty
    means = [one.mean for one in report.chosen]
    # The search ranks them in this order, so that each pair whose means rise is one that it got wrong.
    wrong = sum(one < other for one, other in itertools.combinations(means, 2))
    assert wrong >= 4
    assert report.ranks is not None
    assert report.ranks.kendall == pytest.approx((6 - 2 * wrong) / 6)
    assert report.regret is not None
    assert report.regret.value == pytest.approx(max(means) - means[0])
    assert report.gain is not None
    assert report.gain.value == pytest.approx(means[0] - report.random[0].mean)
    written = json.loads((found.path / "honesty.json").read_text())
    assert written["regret"]["value"] == report.regret.value
    assert [row["n"] for row in written["chosen"]] == [2] * 4
    assert (found.path / "honesty.md").read_text() == report.text()
    assert f"trial {report.chosen[0].candidate.trial}" in report.text()


@pytest.mark.parametrize("report", [5, *(pytest.param(other, marks=pytest.mark.slow) for other in (1, 7))])
def test_a_stopped_retraining_goes_on_to_the_same_numbers(tmp_path: Path, report: int) -> None:
    whole = retrain(searched(tmp_path / "whole"), top=2, seeds=2, epochs=3)
    run = searched(tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(run, report)
    assert not Retrained(run).finished
    found = retrain(run, top=2, seeds=2, epochs=3)
    assert found.path == run.path / "retrain"
    assert found.run.state.sessions == 2
    columns = ["seed", "value", "epochs", "accuracy", "test_accuracy"]
    assert found.run.trials()[columns].equals(whole.run.trials()[columns])


def _interrupted(run: nas_tune.Run, report: int) -> None:
    class Signalling(Interrupting):
        def on_event(self, event: Event, state: RunState) -> None:
            try:
                super().on_event(event, state)
            except KeyboardInterrupt:
                os.kill(os.getpid(), signal.SIGINT)

    retrain(run, top=2, seeds=2, epochs=3, observers=[Signalling(report)])


@pytest.mark.slow
def test_the_same_call_reads_what_is_finished_and_another_one_goes_beside_it(tmp_path: Path) -> None:
    run = searched(tmp_path)
    first = retrain(run, seeds=1, epochs=1)
    again = retrain(run, seeds=1, epochs=1, executor="inline")
    assert again.run.state.sessions == 1
    assert folders(run.path) == [first.path]
    other = retrain(run, seeds=1, epochs=1, settings={"whole": False})
    assert other.path.name == "retrain-2"
    assert set(other.run.trials()["test_loss"]) == {0.0}
    assert retrain(run, seeds=1, epochs=1).path == first.path
    assert retrain(run, seeds=1, epochs=1, new=True).path.name == "retrain-3"
    assert Retrained(run).path.name == "retrain-3"


@pytest.mark.slow
def test_changed_code_is_not_mixed_with_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = searched(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        _interrupted(run, 2)
    monkeypatch.setattr(Counted, "version", 2, raising=False)
    with pytest.raises(ResumeRefusedError, match="the code of the trainable changed"):
        retrain(run, top=2, seeds=2, epochs=3)
    assert retrain(run, top=2, seeds=2, epochs=3, new=True).path.name == "retrain-2"


def test_the_difference_of_means_has_the_error_of_both(tmp_path: Path) -> None:
    def one(kind: str, scores: tuple[float, ...], trial: int = -1) -> Scored:
        return Scored(Candidate({}, kind, trial, 0.5), scores)

    facts = {"run": "r", "trials": 9, "epochs": 1, "seeds": 2, "planned": 6, "over": 6}
    low = Objective("test_loss", "min")
    scored = [one("chosen", (3.0, 5.0), 1), one("chosen", (2.0, 2.0), 2), one("random", (5.0, 9.0))]
    report = honesty(scored, judged_by=low, searched_by=low, **facts)
    # Less is better: the second is by 2 better than the first, the first by 3 than chance.
    assert report.regret == MeanDifference(2.0, pytest.approx(1.0))
    assert report.gain == MeanDifference(3.0, pytest.approx((2 / 2 + 8 / 2) ** 0.5))
    assert report.ranks is None
    assert "trial 2 is better" in report.text()


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ([(0.2, 0.1, 0.3), (0.3, 0.2, 0.1)], "what the search put first stayed first, tied with trial 2"),
        ([(0.1,), (0.5,), (0.5,), (0.5,)], "trial 2, trial 3 and trial 4 are better, and tie"),
        ([(0.5,), (0.1,), (0.5,)], "what the search put first stayed first, tied with trial 3"),
        ([(0.5,), (0.1,)], "what the search put first stayed first\n"),
    ],
)
def test_an_exact_tie_is_told(means: list[tuple[float, ...]], said: str) -> None:
    """The same scores in another order tie, too."""
    facts = {"run": "r", "trials": 9, "epochs": 1, "seeds": 1, "planned": 6, "over": 6}
    high = Objective("test_accuracy", "max")
    scored = [Scored(Candidate({}, "chosen", n, 0.5), scores) for n, scores in enumerate(means, 1)]
    assert said in honesty(scored, judged_by=high, searched_by=high, **facts).text()


def test_one_trial_by_its_number_and_what_cannot_be_retrained(tmp_path: Path) -> None:
    run = searched(tmp_path, f"{HERE}:Tiring")
    table = run.trials()
    failed = int(table[table["state"] == "failed"]["trial"].iloc[0])
    with pytest.raises(ConfigError, match=rf"trial {failed} failed \(error: RuntimeError: tired\).*those that can: "):
        retrain(run, failed)
    with pytest.raises(ConfigError, match="there is no trial 77 to retrain; those that can"):
        retrain(run, 77)
    usable = int(table[table["state"] == "complete"]["trial"].iloc[-1])
    found = retrain(run, usable, seeds=1, epochs=1, baselines=0)
    assert [one.trial for one in found.candidates] == [usable]
    assert found.honesty.regret is None
    assert "needs two" in found.honesty.text()
    with pytest.raises(ConfigError, match="is a retraining itself"):
        retrain(found.run)
    with pytest.raises(ConfigError, match="seeds is 0"):
        retrain(run, seeds=0)


def test_a_generator_is_trained_as_it_is_and_nothing_is_called_a_test(tmp_path: Path) -> None:
    found = retrain(searched(tmp_path, f"{HERE}:grown"), seeds=2, epochs=3)
    report = found.honesty
    assert report.metric == "accuracy"
    assert not report.is_tested
    assert "nothing is tested" in report.text()
    assert "of any cost" in report.text()
    assert report.chosen[0].sd > 0
    with pytest.raises(ConfigError, match="keeps no checkpoints"):
        found.trained()


@pytest.mark.slow
def test_a_local_function_is_retrained_where_it_is_given_again(tmp_path: Path) -> None:
    def local(architecture: Any) -> Any:
        yield {"accuracy": 0.5}

    run = searched(tmp_path, local)
    with pytest.raises(ConfigError, match=r"retrain from there: nas_tune.retrain\(run, trainable=...\)"):
        retrain(run)
    found = retrain(run, trainable=local, seeds=1, epochs=1)
    assert found.honesty.chosen[0].scores == (0.5,)
    assert retrain(run, trainable=local, seeds=1, epochs=1).path == found.path


@pytest.mark.slow
def test_a_training_that_ends_early_is_tested_then(tmp_path: Path) -> None:
    found = retrain(searched(tmp_path, f"{HERE}:Short"), seeds=1, epochs=5)
    assert set(found.run.trials()["state"]) == {"complete"}
    assert found.run.trials()["test_accuracy"].notna().all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_epochs": 3}, "'max_epochs' is not an argument; here it is called 'epochs'"),
        ({"seedz": 3}, "'seedz' is not an argument; did you mean 'seed"),
        ({"batch": 4, "quux": 3}, "'batch' is not an argument; the arguments: trial, top, seeds, epochs, .*workers"),
    ],
)
def test_an_argument_that_is_none_is_refused_by_name(tmp_path: Path, given: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        retrain(searched(tmp_path), **given)


def test_a_metric_that_no_test_has_fails_with_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(NoUsableTrialError, match=r"no metric 'test_f1' in the report.*test_accuracy"):
        retrain(searched(tmp_path), seeds=1, epochs=1, metric="f1", mode="max")


def test_a_missing_metric_is_no_failure_before_the_end_only(tmp_path: Path) -> None:
    run = searched(tmp_path)
    with pytest.raises(NoUsableTrialError):
        retrain(run, seeds=1, epochs=3, baselines=0, metric="f1", mode="max")
    trial = Retrained(run).run.trials().iloc[0]
    assert (trial["failure"], trial["epochs"]) == ("bad_result", 2)


@pytest.mark.slow
def test_the_trained_network_is_there_as_it_was_tested(tmp_path: Path) -> None:
    found = retrain(searched(tmp_path), top=2, seeds=2, epochs=2)
    trials = found.run.trials()
    for chosen, repeat in ((0, 0), (2, 1)):
        row = trials[(trials["arch.chosen"] == chosen) & (trials["arch.repeat"] == repeat)].iloc[0]
        made = found.trained(chosen, repeat)
        assert isinstance(made, Counted)
        assert made.evaluate("validation")["accuracy"] == row["accuracy"]
    with pytest.raises(ConfigError, match=r"training \(chosen=9, repeat=0\) is not there; complete: \(0, 0\)"):
        found.trained(9)


def test_a_space_whose_code_is_gone_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = searched(tmp_path)
    monkeypatch.setitem(run.meta["space"], "valid", "gone_module:rule")
    with pytest.raises(ConfigError, match=r"cannot be rebuilt here: .*gone_module"):
        retrain(run)


def test_of_several_objectives_the_front_comes_first_and_its_own_metric_is_compared(tmp_path: Path) -> None:
    run = searched(tmp_path, metric=["distance", "accuracy"], mode=["min", "max"], strategy="nsga2")
    found = plan(run, top=2, metric="accuracy")
    assert [one.trial for one in found.candidates[:2]] == list(run.best(2)["trial"])
    assert found.candidates[0].search_score == run.best(1)["accuracy"].iloc[0]
    assert (found.config.metric, found.config.mode) == ("test_accuracy", "max")


@pytest.mark.slow
def test_several_devices_make_another_retraining_which_is_done_on_ray(tmp_path: Path) -> None:
    search = {"workers": -1, "executor": "simulated", "resources": {"gpus": 0.25}}
    run = searched(tmp_path, Together, **{**search, "workers": 2})
    first = plan(run, devices=2)
    assert (first.config.executor, first.config.workers) == ("ray", 1)
    assert first.config.resources.model_dump() == {"cpus": 1.0, "gpus": 1.0, "devices": 2}
    assert any("2 devices trained each network together: batch norm" in note for note in first.notes)
    alone = retrain(run, seeds=1, epochs=1)
    assert plan(run, seeds=1, epochs=1).is_begun
    assert plan(run, seeds=1, epochs=1, resources={"cpus": 2.0}).is_begun
    other = plan(run, seeds=1, epochs=1, devices=2)
    assert (other.is_begun, other.folder.name) == (False, "retrain-2")
    with pytest.raises(ConfigError, match=r"the inline executor has one process; use executor = 'ray'"):
        plan(run, devices=2, executor="inline")
    with pytest.raises(ResumeRefusedError, match=r"cannot change resources\.devices \(it was 1, now 2\)"):
        nas_tune.resume(alone.path, resources={"devices": 2}, executor="ray")


def test_what_cannot_be_trained_together_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    run = searched(tmp_path)
    with pytest.raises(ConfigError, match=r"resources.devices: got 2, but .*Retraining cannot be trained by several"):
        retrain(run, devices=2)
    assert folders(run.path) == []
    with pytest.raises(TrainableError, match="at most 2 devices, not 3"):
        retrain(searched(tmp_path / "other", Together), devices=3)


@pytest.mark.slow
@pytest.mark.ray
def test_on_ray_it_finds_the_same(tmp_path: Path, ray_here: None) -> None:
    run = searched(tmp_path)
    inline = retrain(run, seeds=2, epochs=2)
    on_ray = retrain(run, seeds=2, epochs=2, executor="ray", workers=2, new=True)
    assert [one.scores for one in on_ray.honesty.chosen] == [one.scores for one in inline.honesty.chosen]


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (0.09, 0.044, "the search won, by more than two standard errors"),
        (-0.09, 0.044, "the search lost, by more than two standard errors"),
        (0.08, 0.044, "undecided: chance alone makes such a difference"),
        (0.0, 0.0, "undecided: chance alone makes such a difference"),
        (0.5, None, "undecided: several trainings of each show how much is chance (seeds)"),
    ],
)
def test_the_comparison_with_chance_says_who_won(value: float, error: float | None, said: str) -> None:
    scored = [Scored(Candidate({}, "chosen", 1, 0.5), (0.5,)), Scored(Candidate({}, "random"), (0.4,))]
    facts = {"run": "r", "trials": 9, "epochs": 1, "seeds": 1, "planned": 2, "over": 2}
    more = Objective("test_accuracy", "max")
    report = honesty(scored, judged_by=more, searched_by=more, **facts)
    assert replace(report, gain=MeanDifference(value, error)).text().count(f"; {said}") == 1
