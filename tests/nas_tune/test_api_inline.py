"""Searching, resuming and reading from Python, in this process: what a user of the library meets."""

from __future__ import annotations

import importlib
import os
import signal
import sqlite3
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nas_tune
import trainables
from nas_tune.analysis.course import course
from nas_tune.errors import (
    ConfigError,
    LedgerDamagedError,
    NewerFormatError,
    NoUsableTrialError,
    ResumeRefusedError,
    RunFolderError,
    RunLockedError,
)
from nas_tune.ledger import (
    Asked,
    Ended,
    Event,
    Lease,
    Ledger,
    Reported,
    RunState,
    SessionEnded,
    backup_path,
    ledger_path,
)
from nas_tune.results import Run
from search_spaces import Architecture, Space, choice, integer
from search_spaces.errors import NasTuneError
from tests import toys
from tests.nas_tune.ledger.damage import change_event, change_meta, execute
from tests.toys import Climber, Unsaved, climb, conditional_space, tiny_space
from trainables.errors import EndOfTraining
from trainables.registry import TRAINABLES

TIMES = ["started", "ended", "seconds", "lost"]


def search(folder: Path, space: Any = None, trainable: Any = Climber, **more: Any) -> Run:
    given: dict[str, Any] = {
        "strategy": {"name": "evolution", "population": 3, "sample": 2},
        "max_trials": 8,
        "max_epochs": 4,
        "executor": "inline",
        "seed": 3,
        "run_dir": folder,
        **more,
    }
    return nas_tune.search(space or conditional_space(), trainable, **given)


def found(run: Run | Path) -> pd.DataFrame:
    """The trials, less what no two runs share."""
    run = run if isinstance(run, Run) else nas_tune.open_run(run)
    return run.trials().drop(columns=TIMES)


def same(one: Run | Path, other: Run | Path) -> bool:
    return bool(found(one).equals(found(other)))


class At:
    """Does something when an event of a kind happens for the n-th time."""

    def __init__(self, kind: type[Event], number: int, act: Any) -> None:
        self.kind, self.left, self.act = kind, number, act

    def on_event(self, event: Event, state: RunState) -> None:
        self.left -= isinstance(event, self.kind)
        if isinstance(event, self.kind) and self.left == 0:
            self.act()


def interrupt(signum: signal.Signals = signal.SIGINT, kind: type[Event] = Reported, number: int = 9) -> At:
    return At(kind, number, lambda: signal.raise_signal(signum))


# What a call says of a mistake


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"metric": "acuracy"}, "^configuration: metric: got 'acuracy'; did you mean 'accuracy'"),
        ({"space": {"w": choice(1, 2)}}, "space: got a dict with the keys w; write Space"),
        ({"observers": print}, "observers: got a builtin_function_or_method"),
        ({"observers": [print]}, "has no on_event"),
        ({"settings": [1]}, "settings: got"),
        ({"resume": "yes"}, "resume: got 'yes'; it is True or False"),
        ({"new": 1}, "new: got 1; it is True or False"),
        ({"enqueue": 3}, r"enqueue: got 3; give a list, as in enqueue=\[..\]"),
        ({"enqueue": {"w": 1}}, r"enqueue: got \{'w': 1\}; give a list"),
        ({"warm_start": 3}, "warm_start: got 3; give a list"),
        ({"metric": ["accuracy", "parametres"]}, "metric: got 'parametres'; did you mean 'parameters'"),
        ({"metric": "Macs"}, "metric: got 'Macs'; did you mean 'macs'"),
    ],
)
def test_a_call_that_cannot_be_meant_says_what_to_write(given: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        search(tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_none_is_nothing_wherever_a_list_is_wanted(tmp_path: Path) -> None:
    nothing: dict[str, Any] = {"enqueue": None, "warm_start": None, "observers": None}
    assert same(search(tmp_path / "none", **nothing), search(tmp_path / "left out"))
    nothing = {"enqueue": None, "observers": None, "changes": None, "trainable": None}
    assert nas_tune.resume(tmp_path / "none", **nothing).state.finished == "done"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda run: nas_tune.resume(None), "run: got None; give its path"),  # type: ignore[arg-type]
        (lambda run: nas_tune.open_run(3), "run: got 3; give its path"),  # type: ignore[arg-type]
        (lambda run: nas_tune.retrain(None), "run: got None"),  # type: ignore[arg-type]
        (lambda run: nas_tune.export(None), "run: got None"),  # type: ignore[arg-type]
        (lambda run: nas_tune.trained(None), "run: got None"),  # type: ignore[arg-type]
        (lambda run: nas_tune.explain(None), "run: got None"),  # type: ignore[arg-type]
        (lambda run: nas_tune.report(None), "run: got None"),  # type: ignore[arg-type]
        (lambda run: nas_tune.compare("runs/toy"), "runs: got 'runs/toy'; give a list"),
        (lambda run: nas_tune.resume(run, changes=3), "changes: got 3; give a dict"),  # type: ignore[arg-type]
        (lambda run: nas_tune.resume(run, trainable=3), "trainable: got a int"),  # type: ignore[arg-type]
        (lambda run: nas_tune.resume(run, enqueue="all"), "enqueue: got 'all'; give a list"),
        (lambda run: nas_tune.resume(run, from_backup="yes"), "from_backup: got 'yes'"),  # type: ignore[arg-type]
        (lambda run: nas_tune.resume(run, allow_code="no"), "allow_code: got 'no'"),  # type: ignore[arg-type]
        (lambda run: nas_tune.resume(run, accept_code_change=1), "accept_code_change: got 1"),  # type: ignore[arg-type]
        (lambda run: nas_tune.trained(run, allow_code=0), "allow_code: got 0"),  # type: ignore[arg-type]
        (lambda run: nas_tune.retrain(run, new="yes"), "new: got 'yes'"),  # type: ignore[arg-type]
        (lambda run: nas_tune.export(run, retrained="yes"), "retrained: got 'yes'"),  # type: ignore[arg-type]
        (lambda run: nas_tune.export(run, normalization=None), "normalization: got None"),  # type: ignore[arg-type]
        (lambda run: nas_tune.compress(run, quantize="int8", allow_code=1), "allow_code: got 1"),  # type: ignore[arg-type]
    ],
)
def test_every_call_says_which_argument_cannot_be(call: Any, said: str, finished: Run) -> None:
    before = sorted(finished.path.rglob("*"))
    with pytest.raises(ConfigError, match=said):
        call(finished)
    assert sorted(finished.path.rglob("*")) == before


def test_a_run_is_given_as_its_folder_or_itself(finished: Run) -> None:
    assert same(nas_tune.resume(finished), nas_tune.resume(str(finished.path)))
    assert nas_tune.evaluate(finished.path, trainable=Climber) == nas_tune.evaluate(finished, trainable=Climber)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return search(tmp_path_factory.mktemp("finished") / "run", max_trials=2, strategy="random")


def test_a_budget_that_is_spent_has_no_room_and_says_nothing_where_nobody_waits(tmp_path: Path) -> None:
    run = search(tmp_path / "run", max_trials=4)
    assert nas_tune.resume(run.path, max_trials=2).state.notes == ()
    run = nas_tune.resume(run.path, max_trials=2, enqueue=[conditional_space().sample(1234)])
    assert run.state.notes == ((-1, "max_trials = 2 has room for 0 of the 1 enqueued architectures"),)


class Spoken(Climber):
    """Has something to tell of its data."""

    def about(self) -> list[str]:
        """One line."""
        return ["40 images of two classes were found"]


def test_what_a_trainable_tells_of_its_data_is_noted_once(tmp_path: Path) -> None:
    run = search(tmp_path / "run", trainable=Spoken, max_trials=2)
    again = nas_tune.resume(run.path, trainable=Spoken, max_trials=3)
    assert [text for _, text in again.state.notes].count("40 images of two classes were found") == 1


def test_more_than_three_objectives_are_warned_about(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d"]

    def many(architecture: Any, *, seed: int, max_epochs: int) -> Iterator[dict[str, float]]:
        yield dict.fromkeys(names, 0.5)

    for count, notes in ((3, 0), (4, 1)):
        run = search(
            tmp_path / str(count), trainable=many, strategy="random", metric=names[:count], mode="max", max_trials=1
        )
        assert len([text for _, text in run.state.notes if f"{count} objectives" in text]) == notes


# A script that is run again


def test_a_search_with_resume_begins_a_run_and_goes_on_with_it(tmp_path: Path) -> None:
    """As a script does that was interrupted and is run again as it stands."""
    given: dict[str, Any] = {"resume": True, "enqueue": [conditional_space().sample(5)]}
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "run", observers=[interrupt()], **given)
    run = search(tmp_path / "run", **given)
    assert run.state.sessions == 2
    assert run.state.notes == ()
    assert same(run, search(tmp_path / "whole", **given))
    more = search(
        tmp_path / "run", **{**given, "enqueue": [conditional_space().sample(s) for s in (5, 77)]}, max_trials=9
    )
    assert more.trials()["architecture_id"].iloc[8] == conditional_space().sample(77).id


def test_a_search_with_resume_refuses_another_configuration_and_says_what_differs(tmp_path: Path) -> None:
    search(tmp_path / "run", max_trials=2)
    with pytest.raises(ResumeRefusedError, match=r"another configuration \(seed was 3, now 4\).*new=True"):
        search(tmp_path / "run", max_trials=3, resume=True, seed=4)
    with pytest.raises(ResumeRefusedError, match="the space changed"):
        search(tmp_path / "run", Space({"width": choice(1, 2)}, name="conditional"), resume=True)
    with pytest.raises(ConfigError, match="new and resume"):
        search(tmp_path / "run", resume=True, new=True)
    assert nas_tune.open_run(tmp_path / "run").state.trials == 2


def test_where_a_run_is_already_the_call_is_said_that_goes_on_with_it(tmp_path: Path) -> None:
    def train(architecture: Any, *, seed: int, max_epochs: int) -> Iterator[dict[str, float]]:
        yield {"accuracy": 0.5}

    space = Space({"a": choice(1, 2, 3)}, valid=lambda made: bool(made["a"]))
    search(tmp_path / "run", tiny_space(), train, max_trials=1)
    with pytest.raises(
        ConfigError, match=r"nas_tune.resume\('.*run', trainable=train\), or search\(..., resume=True\)"
    ):
        search(tmp_path / "run", tiny_space(), train, max_trials=1)
    with pytest.raises(ConfigError, match=r"trainable=train, space=SPACE\)"):
        search(tmp_path / "run", space, train, max_trials=1)
    assert nas_tune.resume(tmp_path / "run", trainable=train, max_trials=2).state.trials == 2


# Observers


class Hanging:
    """Does not come back from its n-th call until the gate opens."""

    def __init__(self, number: int) -> None:
        self.left, self.gate = number, threading.Event()

    def on_event(self, event: Event, state: RunState) -> None:
        self.left -= 1
        if self.left == 0:
            self.gate.wait(60)


def test_an_observer_that_hangs_is_left_out_with_a_note_and_the_run_is_as_if_it_had_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas_tune.coordination.observers._SECONDS", 0.2)
    hanging = Hanging(7)
    with pytest.warns(UserWarning, match="observer Hanging did not come back"):
        run = search(tmp_path / "run", observers=[hanging])
    hanging.gate.set()
    assert [text for _, text in run.state.notes] == [
        "observer Hanging did not come back from on_event for 0.2 seconds; it is left out from now on"
    ]
    assert same(run, search(tmp_path / "alone"))


def test_a_signal_ends_the_run_while_an_observer_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas_tune.coordination.observers._SECONDS", 2.0)
    hanging = Hanging(7)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    started = time.monotonic()
    timer.start()
    with warnings.catch_warnings(action="ignore"), pytest.raises(SystemExit) as left:
        search(tmp_path / "run", observers=[hanging])
    hanging.gate.set()
    assert left.value.code == 143
    assert time.monotonic() - started < 8
    assert same(nas_tune.resume(tmp_path / "run"), search(tmp_path / "alone"))


# A search


def test_a_search_answers_with_its_run(tmp_path: Path) -> None:
    run = search(tmp_path / "run", scheduler="none")
    assert run.path == tmp_path / "run"
    assert list(run.trials()["state"]) == ["complete"] * 8
    assert len(run.epochs()) == 8 * 4
    assert run.state.finished == "done"
    best = run.best(1).iloc[0]
    assert best["value"] == run.trials()["value"].max()
    assert run.config.max_trials == 8
    assert (run.path / "config.toml").read_text().startswith("run_dir")


def test_nothing_is_written_outside_the_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    search(tmp_path / "deep" / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["run"]


def test_a_run_without_a_folder_is_put_below_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = nas_tune.search(tiny_space(), climb, strategy="random", max_trials=2, executor="inline")
    assert run.path == tmp_path / "runs" / "tiny-random"


def test_the_same_seed_is_the_same_search(tmp_path: Path) -> None:
    search(tmp_path / "one")
    assert same(search(tmp_path / "two"), tmp_path / "one")
    assert not same(search(tmp_path / "three", seed=4), tmp_path / "one")


def test_a_trainable_may_be_a_class_a_function_a_reference_or_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TRAINABLES, "_registered", {})
    trainables.register("climber", climb)
    runs = [
        search(tmp_path / "function", trainable=climb),
        search(tmp_path / "reference", trainable="tests.toys:climb"),
        search(tmp_path / "table", trainable={"name": "tests.toys:climb", "slow": 0.0}),
        search(tmp_path / "registered", trainable="climber"),
    ]
    assert all(same(run, runs[0]) for run in runs)
    assert runs[3].meta["trainable"]["registered"]
    nas_tune.resume(runs[3].path, max_trials=9)


def test_settings_reach_the_trainable(tmp_path: Path) -> None:
    settings = {"fail": "nan", "fail_at": 2, "marker": str(tmp_path)}
    trials = search(tmp_path / "run", settings=settings, max_trials=2, scheduler="none").trials()
    assert trials["failure"].fillna("").tolist() == ["diverged", ""]
    assert trials["epochs"].tolist() == [2, 4]


def test_a_lambda_or_a_local_function_will_do_inline(tmp_path: Path) -> None:
    run = search(tmp_path / "lambda", trainable=lambda architecture: (yield {"accuracy": 0.5}))
    assert run.state.counts["complete"] == 8

    def local(architecture: object) -> Iterator[Any]:
        yield {"accuracy": 0.25}

    run = search(tmp_path / "local", trainable=local)
    assert run.state.counts["complete"] == 8
    with pytest.raises(ResumeRefusedError, match=r"cannot be imported; .*trainable=\.\.\."):
        nas_tune.resume(run.path, max_trials=9)
    assert nas_tune.resume(run.path, trainable=local, max_trials=9).state.trials == 9


def test_a_run_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    seen: list[int] = []
    search(
        tmp_path / "run",
        observers=[At(Ended, 5, lambda: seen.append(len(nas_tune.open_run(tmp_path / "run").trials())))],
    )
    assert seen == [5]


def test_a_small_space_ends_before_the_budget(tmp_path: Path) -> None:
    run = search(tmp_path / "run", tiny_space(), max_trials=100, scheduler="none")
    assert (run.state.finished, run.state.trials) == ("exhausted", 6)


# Refused before anything is written


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"max_trials": 0}, "max_trials"),
        ({"max_trials": None}, "no budget"),
        ({"max_trails": 4}, "did you mean 'max_trials'"),
        ({"strategy": "evolutoin"}, "did you mean 'evolution'"),
        ({"strategy": {"name": "evolution", "populaton": 3}}, "did you mean 'population'"),
        ({"scheduler": {"name": "asha", "reduction": 1}}, "scheduler.reduction is 1"),
        ({"metric": "loss"}, "mode"),
        ({"metric": "accuracy", "mode": "maximise"}, "did you mean 'max'"),
        ({"metric": "arch.op", "mode": "max"}, "metric"),
        ({"metric": "value", "mode": "max"}, "column"),
        ({"seed": -1}, "seed"),
        ({"workers": 3}, "inline executor runs one at a time"),
        ({"epoch_timeout": 1.0}, "inline executor cannot end a hung epoch"),
        ({"space": "nb202"}, "did you mean 'nb201'"),
        ({"trainable": "image_clasifier"}, "did you mean 'image_classifier'"),
        ({"trainable": toys.quality}, "not a generator function"),
        ({"trainable": Climber()}, "got a Climber; give its class"),
        ({"settings": {"slwo": 1.0}}, "did you mean 'slow'"),
        ({"settings": {"name": "x"}}, "settings.name"),
        ({"trainable": "tests.toys:Climber", "settings": {"slow": 0.0}}, "settings: only for a trainable given as"),
        ({"name": "../x"}, "run name"),
        ({"space": Space({"op": choice("a", "b")}, valid=lambda made: False)}, "valid"),
        ({"executor": "ray", "trainable": lambda architecture: (yield {})}, "is a lambda"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_refused_before_anything_is_written(more: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(NasTuneError, match=said) as why:
        search(tmp_path / "run", **more)
    assert why.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_a_run_is_not_mixed_with_another(tmp_path: Path) -> None:
    before = found(search(tmp_path / "run"))
    with pytest.raises(ConfigError, match=r"holds a run already: go on with it \(nas-tune resume .*--new\)"):
        search(tmp_path / "run", max_trials=50)
    assert found(tmp_path / "run").equals(before)
    again = search(tmp_path / "run", new=True)
    more = search(tmp_path / "run", new=True)
    assert [run.path.name for run in (again, more)] == ["run-2", "run-3"]
    assert found(again).equals(before)
    assert search(tmp_path / "fresh", new=True).path == tmp_path / "fresh"


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot make the run folder") as why:
        search(tmp_path / "file" / "run")
    assert why.value.exit_code == 4


# Ends


@pytest.mark.parametrize(
    ("target", "trials", "said"),
    [
        (toys.raises, 5, "5 failed: trial 0 failed (error): RuntimeError: this training is broken"),
        (toys.misses_the_metric, 5, "trial 0 failed (bad_result): no metric 'accuracy' in the report; did you mean"),
        (toys.returns_nan, 8, "8 failed: trial 0 failed (diverged): accuracy is nan"),
    ],
)
def test_a_search_without_one_usable_trial_says_its_first_cause(
    target: Any, trials: int, said: str, tmp_path: Path
) -> None:
    with pytest.raises(NoUsableTrialError) as why:
        search(tmp_path / "run", trainable=target)
    assert said in str(why.value)
    assert why.value.exit_code == 3
    run = nas_tune.open_run(tmp_path / "run")
    assert run.state.trials == trials
    assert run.best(3).empty
    if target is toys.raises:
        assert run.trials()["traceback"].str.contains("this training is broken").all()


def test_time_ends_a_run_and_a_resume_with_more_goes_on(tmp_path: Path) -> None:
    run = search(tmp_path / "run", settings={"slow": 0.02}, max_trials=8, max_seconds=0.2, scheduler="none")
    assert run.state.finished == "time"
    assert run.state.trials < 8
    done = nas_tune.resume(run.path, max_seconds=1000.0)
    assert (done.state.finished, done.state.counts["complete"]) == ("done", 8)
    assert same(done, search(tmp_path / "whole", settings={"slow": 0.0}, scheduler="none"))


@pytest.mark.parametrize(("signum", "ending"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
@pytest.mark.parametrize(("kind", "number"), [(Asked, 1), (Asked, 4), (Reported, 7), (Ended, 3), (SessionEnded, 1)])
def test_a_signal_ends_the_session_in_good_order_and_a_resume_goes_on(
    signum: signal.Signals, ending: type[BaseException], kind: type[Event], number: int, tmp_path: Path
) -> None:
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ending) as left:
        search(tmp_path / "run", observers=[interrupt(signum, kind, number)])
    assert getattr(left.value, "code", None) == (143 if signum == signal.SIGTERM else None)
    assert left.value.__notes__ == [f"the search was stopped; go on with nas_tune.resume({str(tmp_path / 'run')!r})"]
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    state = nas_tune.open_run(tmp_path / "run").state
    assert state.finished == ("done" if kind is SessionEnded else "interrupted")
    assert state.counts["running"] == 0
    done = nas_tune.resume(tmp_path / "run")
    assert same(done, search(tmp_path / "whole"))
    assert done.state.sessions == 2


# Resuming


@pytest.mark.parametrize("strategy", ["random", "tpe", "evolution"])
@pytest.mark.parametrize("trainable", [Climber, Unsaved, climb])
def test_a_resume_with_more_trials_is_one_longer_search(strategy: str, trainable: Any, tmp_path: Path) -> None:
    more = {"strategy": strategy, "trainable": trainable}
    run = search(tmp_path / "run", max_trials=4, **more)
    assert same(nas_tune.resume(run.path, max_trials=8), search(tmp_path / "whole", max_trials=8, **more))
    assert run.config.max_trials == 8
    assert len(run.trials()) == 8


def test_a_resume_of_a_finished_run_does_nothing_more(tmp_path: Path) -> None:
    run = search(tmp_path / "run")
    before = found(run)
    assert found(nas_tune.resume(run.path)).equals(before)
    assert found(nas_tune.resume(run.path, max_trials=3)).equals(before)


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "distance"},
        {"mode": "min"},
        {"strategy": "random"},
        {"scheduler": "none"},
        {"seed": 99},
        {"max_epochs": 8},
        {"space": "nb201"},
        {"trainable": "image_classifier"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_change_that_would_mix_results_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    run = search(tmp_path / "run", max_trials=2)
    before = found(run)
    (key,) = change
    with pytest.raises(
        ResumeRefusedError, match=rf"a resume cannot change {key} \({key} was .*, now .*max_trials"
    ) as why:
        nas_tune.resume(run.path, changes=change, max_trials=9)
    assert why.value.exit_code == 5
    assert found(run).equals(before)
    assert run.state.sessions == 1


def test_a_key_that_is_none_or_a_value_that_cannot_be_is_refused(tmp_path: Path) -> None:
    run = search(tmp_path / "run", max_trials=2)
    with pytest.raises(ConfigError, match=r"max_trails: unknown key; did you mean 'max_trials'"):
        nas_tune.resume(run.path, max_trails=9)
    with pytest.raises(ConfigError, match="max_trials"):
        nas_tune.resume(run.path, max_trials=0)
    assert run.state.sessions == 1


def test_what_is_not_changed_may_be_said_again(tmp_path: Path) -> None:
    run = search(tmp_path / "run", max_trials=2)
    assert nas_tune.resume(run.path, metric="accuracy", seed=3, max_trials=3).state.trials == 3


def test_a_changed_space_is_refused_with_the_difference(tmp_path: Path) -> None:
    run = search(tmp_path / "run", Space({"op": choice("a", "b", "c")}, name="mine"), max_trials=2)
    with pytest.raises(ResumeRefusedError, match="the space changed since the run began") as why:
        nas_tune.resume(run.path, space=Space({"op": choice("a", "b", "d")}, name="mine"), max_trials=3)
    assert why.value.exit_code == 5
    assert '"d"' in str(why.value)


TASK = """
def train(architecture):
    yield {{"accuracy": {value}}}
"""


def test_changed_code_is_refused_unless_it_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = tmp_path / "own_task_of_a_test.py"
    module.write_text(TASK.format(value=0.5))
    run = search(tmp_path / "run", trainable="own_task_of_a_test:train", max_trials=2)
    assert nas_tune.resume(run.path, max_trials=3).state.trials == 3
    module.write_text(TASK.format(value=0.75))
    importlib.reload(sys.modules["own_task_of_a_test"])
    with pytest.raises(ResumeRefusedError, match="the code of the trainable changed since the run began") as why:
        nas_tune.resume(run.path, max_trials=4)
    assert why.value.exit_code == 5
    assert run.state.sessions == 2
    done = nas_tune.resume(run.path, max_trials=4, accept_code_change=True)
    assert list(done.trials()["value"]) == [0.5, 0.5, 0.5, 0.75]


def test_a_folder_without_a_run_is_left_as_it_was(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(LedgerDamagedError, match="holds no run") as why:
            nas_tune.resume(folder)
        assert why.value.exit_code == 4
        with pytest.raises(LedgerDamagedError, match="holds no run"):
            nas_tune.open_run(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_another_driver_writes_is_refused(tmp_path: Path) -> None:
    run = search(tmp_path / "run", max_trials=2)
    lease = Lease(run.path)
    with pytest.raises(RunLockedError, match="is being written by another driver") as why:
        nas_tune.resume(run.path, max_trials=4)
    assert why.value.exit_code == 4
    assert len(nas_tune.open_run(run.path).trials()) == 2
    lease.release()
    assert nas_tune.resume(run.path, max_trials=4).state.trials == 4


def test_the_run_is_free_whatever_ended_it(tmp_path: Path) -> None:
    with pytest.raises(NoUsableTrialError):
        search(tmp_path / "run", trainable=toys.raises)
    Lease(tmp_path / "run").release()
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "cut", observers=[interrupt()])
    Lease(tmp_path / "cut").release()


def test_a_run_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    run = search(tmp_path / "run", max_trials=2)
    with closing(sqlite3.connect(ledger_path(run.path))) as connection, connection:
        connection.execute("UPDATE meta SET value = '3' WHERE key = 'format_version'")
    for use in (nas_tune.open_run, nas_tune.resume):
        with pytest.raises(NewerFormatError, match="upgrade nas_tune"):
            use(run.path)


# The backup


def damaged(folder: Path) -> bytes:
    """Cut the ledger in half."""
    content = ledger_path(folder).read_bytes()
    ledger_path(folder).write_bytes(content[: len(content) // 2])
    return content[: len(content) // 2]


@pytest.mark.parametrize("loss", ["cut", "gone"])
def test_a_lost_ledger_is_restored_from_its_backup(loss: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        search(folder, observers=[interrupt()])
    before = len(found(folder))
    left = damaged(folder)
    if loss == "gone":
        ledger_path(folder).unlink()
    with pytest.raises(LedgerDamagedError, match=r"a copy of .* --from-backup"):
        nas_tune.resume(folder)
    with pytest.raises(LedgerDamagedError, match=r"--from-backup"):
        nas_tune.open_run(folder)
    done = nas_tune.resume(folder, from_backup=True)
    assert same(done, search(tmp_path / "whole"))
    assert done.state.trials > before
    if loss == "cut":
        assert (folder / "ledger.sqlite.damaged").read_bytes() == left


def test_an_older_backup_repeats_what_it_does_not_know_and_ends_the_same(tmp_path: Path) -> None:
    """Checkpoints of trials that the restored ledger has never heard of lie in their folders."""
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        search(folder, keep_checkpoints=8, observers=[interrupt(number=5)])
    old = backup_path(folder).read_bytes()
    nas_tune.resume(folder)
    backup_path(folder).write_bytes(old)
    assert same(nas_tune.resume(folder, from_backup=True), search(tmp_path / "whole"))


def test_without_a_backup_there_is_nothing_to_restore(tmp_path: Path) -> None:
    run = search(tmp_path / "run", max_trials=2)
    backup_path(run.path).unlink()
    with pytest.raises(LedgerDamagedError, match="has no backup of its ledger"):
        nas_tune.resume(run.path, from_backup=True)
    assert nas_tune.resume(run.path, max_trials=3).state.trials == 3


def test_a_damaged_backup_does_not_replace_anything(tmp_path: Path) -> None:
    run = search(tmp_path / "run", max_trials=2)
    before = ledger_path(run.path).read_bytes()
    backup_path(run.path).write_bytes(b"torn")
    with pytest.raises(LedgerDamagedError, match="is damaged"):
        nas_tune.resume(run.path, from_backup=True)
    assert ledger_path(run.path).read_bytes() == before


def test_a_backup_that_says_something_else_does_not_replace_anything(tmp_path: Path) -> None:
    run = search(tmp_path / "run", max_trials=2)
    before = ledger_path(run.path).read_bytes()
    execute(backup_path(run.path).parent, "UPDATE events SET time = time + 1 WHERE seq = 3")
    with pytest.raises(LedgerDamagedError, match="event 3"):
        nas_tune.resume(run.path, from_backup=True)
    assert ledger_path(run.path).read_bytes() == before


def change_mode(folder: Path) -> None:
    change_meta(folder, "config", {**nas_tune.open_run(folder).meta["config"], "mode": ["max", "min"]})


def change_tree(folder: Path) -> None:
    change_event(folder, 2, lambda body: {**body, "tree": {"op": "zz"}})


def change_time(folder: Path) -> None:
    execute(folder, "UPDATE events SET time = time + 1 WHERE seq = 4")


@pytest.mark.parametrize(
    ("damage", "said"),
    [(change_mode, "its configuration cannot be"), (change_tree, "trial 0 was asked"), (change_time, "event 4")],
)
def test_a_damaged_ledger_is_refused_before_a_resume_writes_anything(
    damage: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    run = search(tmp_path / "run", max_trials=2)
    damage(run.path)
    before = len(Ledger.open(run.path, readonly=True))
    with pytest.raises(LedgerDamagedError, match=said):
        nas_tune.resume(run.path, max_trials=4)
    assert len(Ledger.open(run.path, readonly=True)) == before


def test_the_ledger_is_copied_to_the_storage_too(tmp_path: Path) -> None:
    run = search(tmp_path / "run", storage=str(tmp_path / "away"), max_trials=3)
    copied = tmp_path / "away" / "run"
    assert len(nas_tune.open_run(copied).trials()) == 3
    assert same(copied, run)
    assert same(backup_path(run.path).parent, run)


def test_a_storage_that_is_not_there_does_not_end_the_run_nor_the_copies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "away").touch()
    with pytest.warns(UserWarning, match="observer Backup raised RunFolderError.*cannot back the ledger up"):
        run = search(tmp_path / "run", storage=str(tmp_path / "away"), backup_seconds=1e-9)
    assert run.state.finished == "done"
    assert any("cannot back the ledger up" in text for _, text in run.state.notes)
    assert same(backup_path(run.path).parent, run)


# Checkpoints and evaluation


def test_the_checkpoints_of_the_best_are_kept_and_can_be_evaluated(tmp_path: Path) -> None:
    run = search(tmp_path / "run", scheduler="none", keep_checkpoints=2)
    kept = sorted(int(folder.name) for folder in (run.path / "trials").iterdir())
    assert kept == sorted(run.best(2)["trial"])
    best = run.best(1).iloc[0]
    assert run.evaluate() == {"accuracy": best["value"], "test": 1.0}
    assert run.evaluate(int(best["trial"]), split="validation")["test"] == 0.0
    other = next(number for number in range(8) if number not in kept)
    with pytest.raises(ConfigError, match=rf"trial {other} has no checkpoint: those of the best 2 complete"):
        run.evaluate(other)
    with pytest.raises(ConfigError, match="there is no trial 99"):
        run.evaluate(99)


class Brief:
    """A training of one epoch that ends by itself, with checkpoints."""

    epochs = 1

    def setup(self, architecture: Any, *, seed: int, max_epochs: int) -> None:
        self.value, self.epoch = architecture["w"] / 64, 0

    def step(self) -> dict[str, float] | None:
        if self.epoch == self.epochs:
            raise EndOfTraining
        self.epoch += 1
        return {"accuracy": self.value, "cost": self.value}

    def save(self, folder: Path) -> None:
        (folder / "value.txt").write_text(str(self.value))

    def load(self, folder: Path) -> None:
        self.value = float((folder / "value.txt").read_text())


class Level(Brief):
    """Knows wide and narrow only."""

    def setup(self, architecture: Any, *, seed: int, max_epochs: int) -> None:
        self.value, self.epoch = float(architecture["w"] >= 60), 0


def briefly(folder: Path, *widths: int, trainable: Any = Brief, **more: Any) -> Run:
    given = {"strategy": "random", "max_epochs": 9, "scheduler": "asha", "enqueue": [{"w": w} for w in widths], **more}
    return search(folder, Space({"w": integer(1, 64)}), trainable, max_trials=len(widths), **given)


def test_trainings_that_end_by_themselves_rank_by_value_among_those_that_were_as_long(tmp_path: Path) -> None:
    run = briefly(tmp_path / "run", 1, 60, 50, 40)
    assert run.trials()["state"].tolist() == ["complete", "complete", "pruned", "pruned"]
    assert (run.best(4)["value"] * 64).tolist() == [60, 50, 40, 1]
    assert run.pareto()["trial"].tolist() == [1]
    assert course(run).best.tolist() == [1 / 64, 60 / 64, 60 / 64, 60 / 64]


def test_the_checkpoints_that_are_kept_are_those_of_the_best_also_where_these_were_stopped(tmp_path: Path) -> None:
    run = briefly(tmp_path / "run", 1, 60, 50, 40, keep_checkpoints=2)
    kept = sorted(int(folder.name) for folder in (run.path / "trials").iterdir())
    assert kept == [0, 1, 2]  # the two best, and the two complete ones, which longer trainings would put first
    assert nas_tune.trained(run, 2).value == 50 / 64
    assert nas_tune.trained(str(run.path), 2).value == 50 / 64, "a folder says which run, as everywhere"


def test_of_equal_trials_the_checkpoint_of_the_earlier_is_kept(tmp_path: Path) -> None:
    run = briefly(tmp_path / "run", 30, 60, 61, 62, keep_checkpoints=2, scheduler="none", trainable=Level)
    kept = sorted(int(folder.name) for folder in (run.path / "trials").iterdir())
    assert kept == [1, 2], "three are equal: those that came first stay"
    assert kept == sorted(run.best(2)["trial"])


def test_where_less_is_better_the_least_are_kept(tmp_path: Path) -> None:
    run = search(tmp_path / "run", scheduler="none", keep_checkpoints=1, metric="distance", mode="min")
    kept = [int(folder.name) for folder in (run.path / "trials").iterdir()]
    assert kept == list(run.best(1)["trial"])


def test_a_resume_keeps_the_best_of_all_sessions(tmp_path: Path) -> None:
    run = search(tmp_path / "run", scheduler="none", keep_checkpoints=2, max_trials=4)
    nas_tune.resume(run.path, max_trials=8)
    kept = sorted(int(folder.name) for folder in (run.path / "trials").iterdir())
    assert kept == sorted(run.best(2)["trial"])


def test_a_run_without_a_value_has_no_network(tmp_path: Path) -> None:
    def fail(architecture: Any, *, seed: int, max_epochs: int) -> Iterator[dict[str, float]]:
        raise ValueError("no")
        yield {}

    with pytest.raises(NoUsableTrialError):
        search(tmp_path / "run", trainable=fail, max_trials=1)
    run = nas_tune.open_run(tmp_path / "run")
    with pytest.raises(ConfigError, match=r"defined in a script or notebook .* nas_tune.export\(run, trainable="):
        nas_tune.trained(run)
    for ask in (nas_tune.trained, nas_tune.export, nas_tune.retrain):
        with pytest.raises(NoUsableTrialError, match="no trial with a value"):
            ask(run, trainable=fail)  # type: ignore[operator]


def test_a_function_has_nothing_to_evaluate(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="keeps no checkpoints, so no trained network is left"):
        search(tmp_path / "run", trainable=climb).evaluate()


def test_a_budget_is_said_to_be_bounded_by_the_space_where_it_is_greater(tmp_path: Path) -> None:
    for trials, told in ((6, []), (7, ["max_trials = 7 is bounded by the space: 6 architectures"])):
        run = nas_tune.search(
            tiny_space(), climb, max_trials=trials, max_epochs=1, run_dir=tmp_path / str(trials), executor="inline"
        )
        assert [note for _, note in run.state.notes if "bounded" in note] == told


# What trainables report


def two_cases(architecture: Architecture) -> Iterator[dict[str, float]]:
    yield {"accuracy": 0.5, "Accuracy": 1.0}


def another_case_later(architecture: Architecture) -> Iterator[dict[str, float]]:
    yield {"accuracy": 0.5, "loss": 1.0}
    yield {"accuracy": 0.6, "Loss": 1.0}


def another_case_of_the_objective(architecture: Architecture) -> Iterator[dict[str, float]]:
    yield {"accuracy": 0.5, "ACCURACY": 1.0}


def another_case_by_trial(architecture: Architecture) -> Iterator[dict[str, float]]:
    yield {"accuracy": 0.5, ("loss" if architecture["wide"] else "LOSS"): 1.0}


def an_extra_that_is_no_number(architecture: Architecture) -> Iterator[dict[str, object]]:
    yield {"accuracy": 0.5, "name": "net", "shape": {"a": 1}}


def an_objective_that_is_none(architecture: Architecture) -> Iterator[dict[str, object]]:
    yield {"accuracy": "0.5", "loss": 1.0}


@pytest.mark.parametrize("target", [two_cases, another_case_later, another_case_of_the_objective])
def test_metrics_that_differ_only_in_case_fail_the_trial(target: Any, tmp_path: Path) -> None:
    with pytest.raises(NoUsableTrialError, match="differ only in case; rename one"):
        nas_tune.search(tiny_space(), target, executor="inline", scheduler="none", max_trials=1, run_dir=tmp_path)
    assert list(nas_tune.open_run(tmp_path).trials()["failure"]) == ["bad_result"]


def test_a_metric_keeps_its_case_through_all_trials(tmp_path: Path) -> None:
    run = nas_tune.search(
        tiny_space(), another_case_by_trial, executor="inline", scheduler="none", max_trials=6, run_dir=tmp_path
    )
    trials = run.trials()
    assert {"loss", "LOSS"} & set(trials.columns) in ({"loss"}, {"LOSS"})
    assert sorted(trials["failure"].fillna("none")) == ["bad_result"] * 3 + ["none"] * 3


def test_objectives_do_not_differ_only_in_case(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="differ only in case"):
        nas_tune.search(tiny_space(), two_cases, metric=["accuracy", "Accuracy"], mode="max", max_trials=1)
    with pytest.raises(ConfigError, match="'Value' is the name of a column"):
        nas_tune.search(tiny_space(), two_cases, metric="Value", mode="max", max_trials=1, executor="inline")


def test_an_extra_metric_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    run = nas_tune.search(
        tiny_space(), an_extra_that_is_no_number, executor="inline", scheduler="none", max_trials=1, run_dir=tmp_path
    )
    row = run.trials().iloc[0]
    assert (row["state"], row["accuracy"]) == ("complete", 0.5)
    assert "name" not in run.trials()
    assert len([text for _, text in run.state.notes if "it is left out" in text]) == 2


def test_an_objective_that_is_no_number_is_a_bad_result(tmp_path: Path) -> None:
    with pytest.raises(NoUsableTrialError, match=r"metric 'accuracy' is '0\.5' of type str"):
        nas_tune.search(
            tiny_space(), an_objective_that_is_none, executor="inline", scheduler="none", max_trials=1, run_dir=tmp_path
        )
