"""What methods of supernets mix, draw, penalize and select is what it was, at every stage and with every setting."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import search_spaces
import search_spaces.nn as nn
import trainables
from search_spaces.errors import NasTuneError
from tests.golden import agrees
from tests.trainables.supernet.toys import Nested, Scale, Two
from trainables.metrics import Metric
from trainables.supernet import METHODS, Draws, Supernet, discretize, relax
from trainables.supernet.criterion import Criterion
from trainables.supernet.methods.base import SearchStage
from trainables.supernet.mixing import Mix, mixer_of
from trainables.supernet.path_search import ranked_paths
from trainables.supernet.perturbation import discretize_by_perturbation
from trainables.supernet.regularizers import REGULARIZERS
from trainables.supernet.selection import strongest, strongest_options
from trainables.supernet.stages import StagedSearch
from trainables.supernet.statistics import frozen_statistics, recalibrated
from trainables.supernet.transfer import heads, take_over

ONE = torch.linspace(0.5, 1.5, 12).view(2, 6)


class Zeros(nn.Module):
    """Returns zeros, and says so."""

    gives_zeros = True

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


def edge(factor: float) -> nn.LayerChoice:
    made = {"skip_connect": torch.nn.Identity(), "a": Scale(factor), "b": Scale(factor + 1), "none": Zeros()}
    return nn.LayerChoice(made, relaxed_only=("none",))


class Cell(nn.Module):
    """A node that takes one or two of three inputs by their edges, and one that takes inputs by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.node = nn.InputChoice(3, 2, layers=[edge(1), edge(3), edge(5)], label="normal.node")
        self.last = nn.InputChoice(2, 1, label="last")

    def forward(self, x: Tensor) -> Tensor:
        return self.last([self.node([x, x + 1, x + 2]), x])


MODULES: dict[str, Callable[[], torch.nn.Module]] = {"two": Two, "nested": Nested, "cell": Cell}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "gdas": [{}, {"temperature": 2.0, "coldest": 0.5}],
    "snas": [{}, {"temperature": 2.0}],
    "fairdarts": [{}, {"zero_one": 0.0}],
}


def tried(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (NasTuneError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"[:300]


def rounded(values: Tensor) -> list[float]:
    return [round(value, 5) for value in values.detach().flatten().tolist()]


def vectors(supernet: Supernet) -> None:
    """Say what the architecture parameters are: numbers of different sizes, no two of a vector alike."""
    with torch.no_grad():
        for place, vector in enumerate(supernet.architecture_parameters()):
            numbers = torch.arange(vector.numel(), dtype=torch.float32)
            vector.copy_(torch.sin(3.0 * numbers + place).view_as(vector))


def told_of(supernet: Supernet, progress: float) -> dict[str, Any]:
    method, draws = supernet.method, Draws.seeded(5)
    found: dict[str, Any] = {}
    for training in (True, False):
        supernet.train(training)
        method.advance(progress)

        def forward() -> Any:
            supernet.begin_step(draws)
            outputs = supernet(ONE)
            gradients: list[Any] = []
            if outputs.requires_grad and supernet.architecture_parameters():
                grads = torch.autograd.grad(
                    outputs.square().sum(), supernet.architecture_parameters(), allow_unused=True
                )
                gradients = [None if one is None else rounded(one) for one in grads]
            mixes = [f"{name} {mix.indices} {round(mix.skip_dropout, 4)}" for name, mix in supernet.mixes.items()]
            return [rounded(outputs)[:4], mixes, gradients]

        found["training" if training else "still"] = [tried(forward) for _ in range(2)]
    penalty = method.penalty()
    found["penalty"] = None if penalty is None else rounded(penalty)
    found["strengths"] = {name: rounded(one) for name, one in method.strengths().items()}
    found["nodes"] = {name: rounded(one) for name, one in supernet.with_nodes(dict(method.strengths())).items()}
    return found


@pytest.mark.parametrize("name", METHODS.names())
def test_a_method_mixes_what_it_mixed(name: str) -> None:
    found: dict[str, Any] = {}
    for title, make in MODULES.items():
        for number, settings in enumerate(SETTINGS.get(name, [{}])):
            torch.manual_seed(0)
            supernet = tried(lambda make=make, settings=settings: relax(make(), name, **settings))
            if isinstance(supernet, str):
                found[title] = supernet
                continue
            vectors(supernet)
            for progress in (0.0, 0.5, 1.0):
                found[f"{title} {number} at {progress}"] = told_of(supernet, progress)
            found[f"{title} {number} selected"] = tried(lambda one=supernet: discretize(one).to_json())
            found[f"{title} {number} kept"] = tried(
                lambda one=supernet: {key: list(left) for key, left in strongest_options(one, 2).items()}
            )
            kept = {key: (0, 1) for key, one in supernet.decisions.items() if one.kind == "layer"}
            supernet.method.begin_stage(SearchStage(1, 2, 0.3), kept)
            found[f"{title} {number} of two"] = told_of(supernet, 0.5)
            found[f"{title} {number} state"] = str(supernet.method.get_extra_state())[:300]
    agrees(f"method-{name}", found, tolerance=1e-3)


def test_selections_are_what_they_were() -> None:
    found: dict[str, Any] = {}
    supernet = relax(Cell(), "darts")
    vectors(supernet)
    for name, decision in supernet.decisions.items():
        found[f"decision {name}"] = [str(decision).partition(", choices")[0], decision.is_node, decision.group]
        found[f"together {name}"] = list(decision.together)
        for scores in ([0.5, 0.5, 0.1, 0.9], [0.1, 0.2, 0.3, 0.4], [0.2] * 4):
            found[f"strongest of {name} by {scores}"] = list(strongest(decision, scores[: len(decision.options)]))
    for most in (None, 0, 1, 2):
        supernet.method.most_skips = most
        found[f"skips {most}"] = discretize(supernet).to_json()
    worth = itertools.cycle([0.3, 0.1, 0.7, 0.5, 0.2])
    for seed in (0, 1):
        calls: list[int] = []
        chosen = discretize_by_perturbation(
            supernet, lambda: next(worth), torch.Generator().manual_seed(seed), lambda calls=calls: calls.append(1)
        )
        found[f"perturbed {seed}"] = [chosen.to_json(), len(calls), supernet.fixed, supernet.limits]
    found["of a hard one"] = tried(
        lambda: discretize_by_perturbation(relax(Cell(), "gdas"), lambda: 0.0, torch.Generator())
    )
    alphas = [torch.tensor([0.0, 1.0, -1.0]), torch.tensor([2.0, 0.5])]
    found["regularizers"] = {name: rounded(one(alphas)) for name, one in REGULARIZERS.items()}
    member = supernet.space.sample(1)
    found["taken"] = {name: list(one) for name, one in supernet.taken(member).items()}
    agrees("supernet-selections", found, tolerance=1e-4)


def test_paths_are_ranked_as_they_were() -> None:
    found: dict[str, Any] = {}
    for name in ("spos", "ofa"):
        supernet = relax(Cell(), name)

        def score(member: Any) -> float:
            return float(sum(map(ord, member.to_json())) % 97)

        def excess(member: Any) -> float:
            return 0.6 + (sum(map(ord, member.to_json())) % 11) / 10

        for population, generations in ((4, 2), (6, 1), (5, 0)):
            for limit in (None, excess):
                ranked = ranked_paths(
                    supernet, score, Draws.seeded(3), population=population, generations=generations, excess=limit
                )
                found[f"{name} {population} {generations} {limit is not None}"] = [
                    len(ranked),
                    [one.to_json() for one in ranked[:3]],
                ]
        found[f"{name} beyond"] = tried(
            lambda one=supernet: ranked_paths(
                one, lambda member: 0.0, Draws.seeded(0), population=1, excess=lambda m: 2.5
            )
        )
    found["no paths"] = tried(lambda: ranked_paths(relax(Cell(), "darts"), lambda member: 0.0, Draws.seeded(0)))
    agrees("supernet-paths", found)


def test_mixers_are_what_they_were() -> None:
    weights = torch.tensor([0.5, 0.25, 0.125])
    layers = nn.LayerChoice([Scale(1), torch.nn.Identity(), Scale(3)])
    inputs = nn.InputChoice(3, 2, reduction="mean")
    odd = nn.LayerChoice([Scale(1), torch.nn.Linear(6, 2), Scale(3)])
    several = nn.LayerChoice([Scale(1), torch.nn.LSTM(6, 6), Scale(3)])
    found: dict[str, Any] = {}
    for name, (choice, given) in {
        "layers": (layers, ONE),
        "inputs": (inputs, [ONE, ONE + 1, ONE + 2]),
        "shapes": (odd, ONE),
        "tuples": (several, ONE),
    }.items():
        for indices in ((0,), (0, 2), (1, 2), (0, 1, 2)):
            for factors in (None, weights):
                for dropout in (0.0, 0.5):
                    mixer: Any = mixer_of(choice, "op", {"op": Mix(indices, factors, dropout)})
                    torch.manual_seed(1)
                    key = f"{name} {indices} {factors is not None} {dropout}"
                    found[key] = tried(lambda mixer=mixer, given=given: rounded(mixer(given))[:4])
    found["another"] = tried(lambda: mixer_of(torch.nn.Linear(1, 1), "op", {}))
    repeat: Any = nn.Repeat([Scale(2), Scale(3), Scale(5)], (1, 3))
    for index in range(3):
        found[f"repeat {index}"] = rounded(mixer_of(repeat, "d", {"d": Mix((index,))})(ONE))[:2]  # type: ignore[operator]
    agrees("supernet-mixers", found, tolerance=1e-4)


def test_stages_criteria_and_transfers_are_what_they_were() -> None:
    found: dict[str, Any] = {}
    supernet = relax(Cell(), "pdarts")
    vectors(supernet)
    for epochs, count in ((3, 3), (7, 3), (10, 2), (2, 3)):
        stages = tuple(SearchStage(place, None if not place else 3 - place) for place in range(count))
        seen: list[Any] = []

        def made(stage: Any, kept: Any, length: int, seen: list[Any] = seen) -> Any:
            seen.append([stage.layers, {name: list(left) for name, left in kept.items()}, length])
            return SimpleNamespace(epochs=length, epoch=0, supernet=supernet, state_dict=dict)

        def run(made: Any = made, stages: Any = stages, epochs: int = epochs) -> Any:
            search: Any = StagedSearch(made, stages, epochs)
            course = []
            while not search.is_over:
                search.go_on().epoch += 1
                course.append([search.epoch, search.stage.layers])
            return [course, search.state_dict()["stage"]]

        found[f"{epochs} in {count}"] = [tried(run), seen]
    task: Any = SimpleNamespace(primary="accuracy", metrics=[Metric("accuracy", "max"), Metric("loss", "min")])
    for primary in ("accuracy", "loss"):
        task.primary = primary
        for metrics in ({"accuracy": 0.5, "loss": 2.0}, {}, {"accuracy": math.nan, "loss": math.nan}):
            found[f"{primary} of {metrics}"] = str(Criterion(task).score(metrics))
    norm = torch.nn.Sequential(torch.nn.BatchNorm1d(6), torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(6))
    norm.train()
    with frozen_statistics(norm):
        norm(ONE)
    found["frozen"] = [rounded(norm[0].running_mean), norm[0].track_running_stats]  # type: ignore[arg-type]
    with recalibrated(norm, lambda: (norm(ONE), norm(ONE + 2))):
        found["recalibrated"] = [rounded(norm[0].running_mean), rounded(norm[2].running_var), norm[1].training]  # type: ignore[arg-type]
    found["after"] = [
        rounded(norm[0].running_mean),
        norm[0].momentum,
        norm[1].training,
        int(norm[0].num_batches_tracked),
    ]  # type: ignore[arg-type, operator]
    for name, one in {
        "named": torch.nn.ModuleDict({"classifier": torch.nn.Linear(1, 2), "z": torch.nn.Linear(2, 3)}),
        "inside": torch.nn.ModuleDict({"classifier": torch.nn.Sequential(torch.nn.Linear(1, 2))}),
        "last": torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.Linear(2, 3)),
        "none": torch.nn.ReLU(),
    }.items():
        found[f"heads, {name}"] = list(heads(one))

    def net(outputs: int, inner: int = 6) -> Supernet:
        made = nn.Sequential(nn.LayerChoice([torch.nn.Linear(6, inner), torch.nn.Linear(6, inner)], label="op"))
        made.append(torch.nn.Linear(inner, outputs))
        return relax(made, "darts")

    for name, (mine, theirs) in {"another head": (net(3), net(4)), "another width": (net(3), net(3, 5))}.items():
        vectors(theirs)
        weights = {key: value for key, value in theirs.state_dict().items() if isinstance(value, Tensor)}
        told = tried(lambda mine=mine, weights=weights: take_over(mine, weights, "it"))
        same = {
            key: torch.equal(value, weights[key])
            for key, value in mine.state_dict().items()
            if key in weights and isinstance(value, Tensor) and value.shape == weights[key].shape
        }
        found[name] = [told, same]
    found["more"] = tried(lambda: take_over(net(3), {**net(3).state_dict(), "module.x.weight": ONE}, "it"))
    agrees("supernet-stages", found, tolerance=1e-4)


def test_supernets_of_families_decide_what_they_decided() -> None:
    found: dict[str, Any] = {}
    for family, settings in {"nb201": {"channels": 2, "cells": 1}, "darts": {"channels": 2, "layers": 3}}.items():
        torch.manual_seed(0)
        task = {"num_classes": 3, "in_channels": 1}
        supernet = relax(trainables.build(family, None, **task, **settings), "darts", space=search_spaces.get(family))
        vectors(supernet)
        decisions = [
            f"{one.name} {one.kind} {one.low} {one.high} {sorted(one.skips)} {one.edges}"
            for one in supernet.decisions.values()
        ]
        with torch.no_grad():
            outputs = supernet.eval()(torch.linspace(0, 1, 2 * 64).view(2, 1, 8, 8))
        outputs = outputs[0] if isinstance(outputs, tuple) else outputs
        found[family] = [decisions[:6], len(decisions), discretize(supernet).to_json(), rounded(outputs)]
    agrees("supernet-families", found, tolerance=1e-2)
