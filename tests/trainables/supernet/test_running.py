"""A search that runs, epoch by epoch, with a supernet that is made up: what it keeps, notes and reports."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

import search_spaces
from trainables.errors import EndOfTraining
from trainables.supernet import running
from trainables.supernet.collapse import Skips
from trainables.supernet.running import RunningSearch

SPACE = search_spaces.get("nb201")
A, B, C = (SPACE.sample(seed) for seed in range(3))
SOUND, CROWDED = Skips(1, {"": 0.25}), Skips(3, {"": 0.75})


class Search:
    """Says what it is told to."""

    def __init__(self):
        self.has_learned, self.rate = True, 0.5
        self.data = SimpleNamespace(validation="validation", split=lambda name: name)
        self.task = SimpleNamespace(primary="accuracy")
        self.criterion = SimpleNamespace(score=lambda metrics: metrics["accuracy"])
        weights = [torch.ones(2, 3), torch.ones(4)]
        self.supernet = SimpleNamespace(
            weight_parameters=lambda: weights,
            taken=lambda found: found,
            space=SPACE,
            decisions={},
            method=SimpleNamespace(notes=[]),
        )
        self.whole, self.discrete, self.value = {"accuracy": 0.75, "loss": 1.0}, {"accuracy": 0.5, "loss": 2.0}, 3.0
        self.judged = []

    def train_epoch(self):
        return {"loss": 0.25}

    def evaluate(self, part):
        return self.whole

    def evaluate_member(self, found, part):
        self.judged.append((found, part))
        return self.discrete

    def eigenvalue(self):
        return self.value


class Staged:
    """Stages of so many epochs."""

    def __init__(self, search, epochs):
        self.search, self.epochs, self.epoch, self.stage = search, epochs, 0, "first"

    @property
    def is_over(self):
        return self.epoch >= self.epochs

    def go_on(self):
        self.epoch += 1
        return self.search

    def state_dict(self):
        return {"epoch": self.epoch}

    def load_state_dict(self, state):
        self.epoch = state["epoch"]


def running_search(monkeypatch, found, skips, *, epochs=9, stops=False, eigenvalue=False, limits=None):
    """A search that finds these architectures with these skip connections, epoch by epoch."""
    search, left = Search(), list(found)
    sizes, last = [], []

    def parameters_of(one, stage, data):
        sizes.append((one.id, stage))
        return 100 + len(sizes)

    def select(search, is_last):
        last.append(is_last)
        return left.pop(0)

    settings = SimpleNamespace(collapse_share=0.5, stop_on_collapse=stops, eigenvalue=eigenvalue)
    builder = SimpleNamespace(
        settings=settings,
        begin=lambda seed, length: Staged(search, length),
        select=select,
        parameters_of=parameters_of,
        limits=limits,
    )
    shown = list(skips)
    monkeypatch.setattr(running, "skips_of", lambda supernet, taken: shown.pop(0))
    monkeypatch.setattr(running, "alpha_entropy", lambda supernet: 0.125)
    made = RunningSearch(builder, 0, epochs, {"name": "x"})
    return made, search, sizes, last


def test_an_epoch_reports_the_supernet_and_what_it_found(monkeypatch):
    made, search, sizes, last = running_search(monkeypatch, [A, A, B], [SOUND] * 3, epochs=3)
    assert made.step() == {
        "accuracy": 0.75,
        "loss": 1.0,
        "train_loss": 0.25,
        "discrete_accuracy": 0.5,
        "gap": 0.25,
        "entropy": 0.125,
        "skips": 1,
        "collapsed": 0,
        "changed": 1,
        "lr": 0.5,
        "parameters": 101,
        "supernet_parameters": 10,
    }
    second, third = made.step(), made.step()
    assert (second["changed"], third["changed"]) == (0, 1)
    assert (second["parameters"], third["parameters"]) == (101, 102), "counted once for an architecture"
    assert sizes == [(A.id, "first"), (B.id, "first")]
    assert search.judged == [(A, "validation"), (A, "validation"), (B, "validation")]
    assert last == [False, False, True]
    with pytest.raises(EndOfTraining, match="the search has no further epoch after epoch 3"):
        made.step()


def test_a_stage_counts_parameters_anew(monkeypatch):
    made, _, sizes, _ = running_search(monkeypatch, [A, A], [SOUND] * 2)
    made.step()
    made.staged.stage = "second"
    made.step()
    assert sizes == [(A.id, "first"), (A.id, "second")]


def test_costs_that_are_limited_are_reported_and_their_notes_taken_once(monkeypatch):
    limits = SimpleNamespace(costs=lambda found: {"macs": 7.0}, notes=["beyond"])
    made, _, _, _ = running_search(monkeypatch, [A], [SOUND], limits=limits)
    assert made.step()["macs"] == 7.0
    assert (made.new_notes(), made.new_notes(), limits.notes) == (["beyond"], [], [])


def test_an_infinite_gap_is_left_out_and_an_eigenvalue_is_told_on_demand(monkeypatch):
    made, search, _, _ = running_search(monkeypatch, [A], [SOUND], eigenvalue=True)
    search.discrete = {"accuracy": -math.inf}
    report = made.step()
    assert "gap" not in report
    assert report["eigenvalue"] == 3.0
    assert made.state_dict()["eigenvalues"] == [3.0]


@pytest.mark.parametrize(("stops", "kept"), [(True, A), (False, C)])
def test_of_a_search_that_ends_in_a_collapse_the_last_sound_one_is_kept(monkeypatch, stops, kept):
    made, search, _, _ = running_search(monkeypatch, [A, B, C], [SOUND, CROWDED, CROWDED], stops=stops)
    reports = [made.step() for _ in range(3)]
    assert [report["collapsed"] for report in reports] == [0, 0, 1]
    assert made.architecture == kept
    assert [found for found, _ in search.judged] == [A, B, kept]
    end = "; the search ends here" if stops else ""
    said = "the search has collapsed at epoch 3: 75% of the operations are skip connections"
    assert made.new_notes() == [f"{said}{end}"]
    assert made.new_notes() == []
    if stops:
        with pytest.raises(EndOfTraining, match="after epoch 3"):
            made.step()


def test_a_collapse_from_the_beginning_has_no_sound_one_and_is_noted_once(monkeypatch):
    made, _, _, _ = running_search(monkeypatch, [A, B, C], [CROWDED] * 3, stops=True)
    assert [made.step()["collapsed"] for _ in range(2)] == [0, 1]
    assert made.architecture == B
    goes_on, _, _, _ = running_search(monkeypatch, [A, B, C, A], [CROWDED, CROWDED, CROWDED, SOUND])
    assert [goes_on.step()["collapsed"] for _ in range(4)] == [0, 1, 1, 0]
    assert len(goes_on.new_notes()) == 1


def test_before_the_architecture_learns_nothing_has_collapsed(monkeypatch):
    made, search, _, _ = running_search(monkeypatch, [A, B], [CROWDED] * 2, stops=True)
    search.has_learned = False
    assert [made.step()["collapsed"] for _ in range(2)] == [0, 0]
    assert made.new_notes() == []


def test_a_search_goes_on_from_its_state(monkeypatch):
    made, _, _, _ = running_search(monkeypatch, [A, B], [SOUND, CROWDED], stops=True)
    made.step()
    made.step()
    state = made.state_dict()
    assert state == {
        "search": {"epoch": 2},
        "architecture": B.tree,
        "_last": B.tree,
        "_sound": A.tree,
        "eigenvalues": [],
        "crowded": True,
        "collapsed": False,
        "stopped": False,
    }
    again, _, _, _ = running_search(monkeypatch, [C], [CROWDED], stops=True)
    again.load_state_dict(state)
    assert again.step()["collapsed"] == 1
    assert again.architecture == A
    fresh, _, _, _ = running_search(monkeypatch, [C], [SOUND])
    fresh.load_state_dict({**state, "architecture": None, "_last": None, "_sound": None, "stopped": True})
    assert fresh.architecture is None
    with pytest.raises(EndOfTraining):
        fresh.step()


def test_a_split_is_evaluated_with_the_architecture_that_is_kept(monkeypatch):
    made, search, _, _ = running_search(monkeypatch, [A], [SOUND])
    assert made.evaluate("test") == {"accuracy": 0.75, "loss": 1.0}
    made.step()
    assert made.evaluate("test") == {"accuracy": 0.75, "loss": 1.0, "discrete_accuracy": 0.5}
    assert search.judged[-1] == (A, "test")


def test_what_the_method_notes_is_told_once(monkeypatch):
    made, search, _, _ = running_search(monkeypatch, [A], [[]])
    search.supernet.method.notes = ["options were measured"]
    assert made.new_notes() == ["options were measured"]
    assert made.new_notes() == []
