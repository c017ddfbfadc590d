"""What strategies and analyses compute inside is what it was: features, densities, processes, p-values and shares."""

from __future__ import annotations

import inspect
import itertools
import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import pytest

import search_spaces
from nas_tune.analysis.significance import holm, least_p, mann_whitney
from nas_tune.coordination.expectations import Expectations
from nas_tune.coordination.intervals import Intervals
from nas_tune.coordination.prior import fit_line
from nas_tune.objectives.limits import Limit
from nas_tune.strategies import STRATEGIES, make
from nas_tune.strategies.decision_steps import DecisionCodes, batch_of
from nas_tune.strategies.flat_encoding import FlatEncoding
from nas_tune.strategies.gp import GaussianProcess
from nas_tune.strategies.history import Finished
from nas_tune.strategies.kernel_density import Codes, KernelDensity
from nas_tune.strategies.predictors import Candidates
from nas_tune.strategies.predictors.features import FeatureBlocks, Features, FeatureTable
from nas_tune.strategies.predictors.gaussian import GaussianModel, Hyperparameters, _median_square, _mixed
from nas_tune.strategies.predictors.observations import Observations, scalarized, winsorized
from nas_tune.strategies.predictors.path_counts import PathCounts, count_paths
from nas_tune.strategies.predictors.random_layers import RandomLayers
from search_spaces import Architecture, Space, choice, integer, real, subset
from search_spaces.errors import NasTuneError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from tests.golden import agrees
from tests.toys import conditional_space, ruled_space, tiny_space
from trainables.metrics import Metric

MIXED = Space(
    {
        "rate": real(1e-4, 1e-1, log=True),
        "depth": integer(1, 30),
        "few": integer(1, 4),
        "op": choice("a", "b", "c"),
        "flags": subset(("x", "y", "z"), (0, 3)),
        "head": choice({"wide": {"width": integer(8, 64, step=8)}, "none": {}}),
        "cells": [choice("a", "b"), choice("a", "b")],
    },
    name="mixed_numbers",
)
SPACES: dict[str, Space] = {
    "mixed": MIXED,
    "conditional": conditional_space(),
    "ruled": ruled_space(),
    "tiny": tiny_space(),
    **{name: search_spaces.get(name) for name in ("nb201", "nb101", "darts")},
}


def tried(make_one: Callable[[], Any]) -> Any:
    try:
        return make_one()
    except NasTuneError as error:
        return f"{type(error).__name__}: {error}"


def plain(values: Any) -> Any:
    """Numbers with eight digits, everywhere inside."""
    if isinstance(values, Mapping):
        return {str(key): plain(one) for key, one in values.items()}
    if isinstance(values, list | tuple | np.ndarray):
        return [plain(one) for one in values]
    return float(f"{values:.8g}") if isinstance(values, float) else values


def summed(values: np.ndarray[Any, Any]) -> list[Any]:
    flat = values.astype(float).ravel()
    return plain(
        [list(values.shape), float(flat.sum()), float(flat @ np.linspace(1, 2, len(flat))) if len(flat) else 0.0]
    )


def members(space: Space, count: int, first: int = 0) -> list[Architecture]:
    return list({one.id: one for one in (space.sample(first + seed) for seed in range(count))}.values())


@pytest.mark.parametrize("name", SPACES)
def test_encodings_are_what_they_were(name: str) -> None:
    space = SPACES[name]
    features, codes, flat = Features(space), Codes(space), FlatEncoding(space)
    steps = DecisionCodes.of(space)
    found: dict[str, Any] = {"options": codes.options.tolist()[:40], "actions": steps.actions[:40], "width": flat.width}
    other = space.sample(99)
    for seed in range(3):
        member = space.sample(seed)
        blocks, row = features.of(member), codes.row(member)
        known = {key: code for key, code in zip([p.name for p in space.parameters], row, strict=True) if code == code}
        numbers = space.encode(other)[0].tolist()
        active = space.params(member)
        read = steps.read(space, active)
        drawn = steps.params(
            space, random.Random(seed), lambda index, offset, seed=seed: (index * 7 + seed) % steps.actions[index]
        )
        found[str(seed)] = {
            "features": [summed(blocks.decisions), summed(blocks.pooled), summed(blocks.paths)],
            "codes": str(plain(list(known.items())))[:300],
            "filled": str(plain(flat.filled(member)))[:300],
            "drawn": str(plain(flat.filled(member, random.Random(1))))[:300],
            "agrees": [flat.agrees(numbers, active), flat.agrees(space.encode(member)[0].tolist(), active)],
            "corrected": summed(np.array(flat.corrected(numbers, active))),
            "nearest": flat.nearest(dict(list(active.items())[1:])).to_json()[:200],
            "steps": str([(one.decision, one.action, plain(one.offset)) for one in read])[:300],
            "built": str(plain(drawn))[:300],
        }
        if all(code == code for code in row):
            found[str(seed)]["values"] = str(plain(codes.values(row)))[:300]
    batch = batch_of([steps.read(space, space.params(space.sample(seed))) for seed in range(4)])
    found["batch"] = [summed(one) for one in (batch.decisions, batch.actions, batch.offsets, batch.active)]
    found["empty"] = [list(one.shape) for one in (batch_of([]).decisions, batch_of([[]]).active)]
    agrees(f"encodings-{name}", found, tolerance=1e-6)


def vertex(name: str, kind: Any = "sum", label: str = "") -> Vertex:
    return Vertex(name, kind, label)


def test_paths_are_counted_as_they_were() -> None:
    found: dict[str, Any] = {}
    for name in ("nb201", "nb101", "darts"):
        for seed in (1, 2, 3):
            for graph in SPACES[name].graphs(SPACES[name].sample(seed)):
                paths = count_paths(graph)
                counts = sorted((" ".join(labels), count) for labels, count in paths.counts.items())
                found[f"{name} {seed} {graph.name}"] = [
                    counts[:9],
                    paths.total,
                    paths.steps,
                    paths.longest,
                    paths.shortest,
                ]
    long = [f"v{number}" for number in range(34)]
    edges = [Edge(one, other, label) for one, other in itertools.pairwise(long) for label in ("a", "b")]
    kinds = ["input", *["sum"] * 32, "output"]
    graph = Graph("long", tuple(vertex(one, kind) for one, kind in zip(long, kinds, strict=True)), tuple(edges))
    paths = count_paths(graph)
    found["bounded"] = plain([len(paths.counts), paths.total, paths.steps, paths.longest, paths.shortest])
    for total in (1e9, 2e9):
        one = PathCounts({("a",): total}, total, 3 * total, 4, 2).bounded()
        found[f"of {total:g}"] = plain([one.counts["a",], one.total, one.steps, one.longest, one.shortest])
    agrees("path-counts", found, tolerance=1e-7)


def blocks_of(space: Space, first: int, last: int) -> FeatureBlocks:
    return Candidates.of(space).described(space.sample(seed) for seed in range(first, last)).blocks


def test_models_predict_what_they_predicted() -> None:
    found: dict[str, Any] = {}
    for name in ("nb201", "mixed", "conditional"):
        space = SPACES[name]
        known, asked = blocks_of(space, 0, 18), blocks_of(space, 40, 44)
        scores = np.sin(3.0 * known.decisions[:, :7]).sum(axis=1)
        for title, more in {
            "one": {},
            "three": {"most": 3},
            "noisy": {"noise_factors": np.linspace(1, 5, len(scores))},
        }.items():
            model = GaussianModel(known, scores, **more)
            shapes = [[share, *one.mixture, one.scale, one.noise] for share, one in model.hyperparameters]
            found[f"{name}, {title}"] = [plain(shapes), [plain(one) for one in model.predict(asked)]]
        flat = GaussianModel(known, np.full(len(scores), 2.0))
        found[f"{name}, flat"] = [plain(one) for one in flat.predict(asked)]
        layers = RandomLayers(known.all(), scores, members=3)
        found[f"{name}, layers"] = [plain(one) for one in layers.predict(asked.all())]
    shapes = [
        Hyperparameters((1.0, 0.0, 0.0), 1.0),
        Hyperparameters((0.5, 0.5, 0.0), 2.0),
        Hyperparameters((0.2, 0.3, 0.5), 2.0),
    ]
    squares = [np.array([[0.0, place + 1.0], [place + 1.0, 0.0]]) for place in range(3)]
    found["mixed"] = [plain(one) for one in _mixed(shapes, squares)]
    found["median"] = [
        _median_square(np.array(rows)) for rows in ([[0.0], [1], [3]], [[1.0], [1]], [[1.0]], np.zeros((2, 0)))
    ]
    table = FeatureTable()
    places = [table.add(FeatureBlocks(np.full(2, n), np.full(1, n), np.zeros(0))) for n in range(70)]
    found["table"] = [places[-1], plain(table.rows([0, 63, 64, 69]).all())]
    agrees("models", found, tolerance=1e-4)


def test_densities_are_what_they_were() -> None:
    found: dict[str, Any] = {}
    for name in ("mixed", "conditional", "nb201"):
        space = SPACES[name]
        codes = Codes(space)
        rows = np.array([codes.row(one) for one in members(space, 9)])
        for count in (1, len(rows)):
            density = KernelDensity(codes, rows[:count])
            rng = np.random.default_rng(1)
            asked = np.array([codes.row(one) for one in members(space, 5, 50)])
            drawn = density.draw(4, 3.0, rng)
            found[f"{name} {count}"] = [plain(density.bandwidths), plain(density.log(asked)), plain(drawn)]
    agrees("densities", found, tolerance=1e-5)


def test_observations_are_what_they_were() -> None:
    found: dict[str, Any] = {}
    rows = np.array([[1.0, 5.0], [2.0, 4.0], [3.0, 3.0], [3.0, 3.5], [0.0, 5.0]])
    for seed in (0, 1, 2):
        found[f"scalarized {seed}"] = plain(scalarized(rows, random.Random(seed)))
        found[f"scalarized flat {seed}"] = plain(scalarized(np.ones((3, 3)), random.Random(seed)))
    found["scalarized none"] = plain(scalarized(np.zeros((0, 2)), random.Random(0)))
    for values in ([1.0, -90.0], [1.0, 2.0, -90.0], [1.0, 1, 1, 1, -5], [1.0, 2, 3, 4, -50, -1], [2.0] * 4):
        found[f"winsorized {values}"] = plain(winsorized(np.array(values)))
    space = tiny_space()
    some = [space.sample(number) for number in range(8)]
    for noise in ([1.0] * 4 + [5.0] * 4, [1.0] * 5 + [5.0] * 3, [5.0] * 8):
        made = Observations(some, np.array([3.0, 1, 2, 3, 0, 5, 4, 2]), np.array(noise), [], frozenset())
        found[f"observed {noise}"] = [
            [some.index(one) for one in made.best(3)],
            [made.settled(count) for count in (3, 5, 8)],
            [made.training_set(count) for count in (1, 2, 5, 7, 8)],
        ]
    finished = [Finished(number, some[0], score) for number, score in enumerate([1.0, 5, 2, 4, 3, 5, 0])]
    for memory in (2, 3, 6, 7):
        process = GaussianProcess(space, 0, memory=memory)
        found[f"memory {memory}"] = [one.number for one in process.training_trials(finished)]
    study = optuna.create_study()
    distribution = optuna.distributions.CategoricalDistribution(("a", "b"))
    states = optuna.trial.TrialState
    curves = [
        ([0.5, 0.6, 0.7], True),
        ([0.4, 0.5, 0.65], True),
        ([0.3], False),
        ([0.2, 0.45], False),
        ([0.6, 0.61, 0.8], True),
    ]
    plain_space = Space({"op": choice("a", "b"), "n": integer(0, 9)}, name="observed")
    numbers = optuna.distributions.IntDistribution(0, 9)
    for number, (values, whole) in enumerate(curves):
        study.add_trial(
            optuna.trial.create_trial(
                params={"op": "a", "n": number},
                distributions={"op": distribution, "n": numbers},
                intermediate_values=dict(enumerate(values, 1)),
                value=values[-1],
                state=states.COMPLETE if whole else states.PRUNED,
            )
        )
    seen = Observations.of(study, plain_space, 5, random.Random(0))
    found["carried"] = [plain(seen.scores), seen.noise_factors.tolist(), len(seen.taken), len(seen.pending)]
    agrees("observations", found, tolerance=1e-6)


BOUNDS: dict[str, list[Any]] = {
    "whole": [-1, 0, 1, 2, 3, 4, 5],
    "share": [-0.1, 0.0, 0.05, 0.5, 1.0, 1.1, 2.0, 2.1],
}


def test_settings_of_strategies_are_taken_and_refused_as_they_were() -> None:
    found: dict[str, Any] = {}
    space = SPACES["conditional"]
    for name, kind in sorted(STRATEGIES.items()):
        for setting, parameter in inspect.signature(kind).parameters.items():
            default = parameter.default
            if setting in ("space", "seed") or default is inspect.Parameter.empty:
                continue
            values = BOUNDS["share"] if isinstance(default, float) else ["x", *BOUNDS["whole"]]
            told = [str(tried(lambda v=v, s=setting, n=name: type(make(n, space, 0, {s: v})).__name__)) for v in values]
            found[f"{name}.{setting}"] = {str(value): said[:160] for value, said in zip(values, told, strict=True)}
    agrees("strategy-settings", found)


def test_chances_and_lines_are_what_they_were() -> None:
    found: dict[str, Any] = {
        "holm": [plain(holm(raw, families)) for raw in ([0.01, 0.04, 0.03], [0.5, 0.6], []) for families in (1, 2)],
        "least": [plain(least_p(*sizes)) for sizes in ((1, 1), (2, 3), (5, 5), (0, 3))],
    }
    for one, other in (
        ([1.0, 2, 3], [4.0, 5, 6]),
        ([1.0, 2, 3], [2.0, 3, 4]),
        ([1.0, 1], [1.0]),
        (list(map(float, range(20))), [x + 0.5 for x in range(20)]),
        (list(map(float, range(21))), [x + 0.5 for x in range(5)]),
    ):
        found[f"u of {len(one)} and {other[:3]}"] = plain(mann_whitney(one, other))
    for pairs in (
        [],
        [(1.0, 2.0)],
        [(1.0, 2.0), (2.0, 9.0)],
        [(1.0, 2.0), (2.0, 4.0), (4.0, 7.0)],
        [(1.0, 5.0), (2.0, 3.0), (3.0, 1.0)],
        [(1.0, 2.0)] * 3,
    ):
        found[f"line of {pairs}"] = str(tried(lambda pairs=pairs: fit_line(pairs)))
    intervals = Intervals([Metric("accuracy", "max", low=0.0, high=1.0), Metric("loss", "min", low=0.0)], ["accuracy"])
    for metrics in (
        {"accuracy": 1.0},
        {"accuracy": 1.1},
        {"accuracy": -0.1, "loss": -1.0},
        {"loss": -2.0},
        {"loss": 0.0},
        {"x": math.inf},
    ):
        found[f"{metrics}"] = [intervals.failure(metrics), intervals.notes(metrics)]
    agrees("chances", found, tolerance=1e-6)


def test_expectations_are_fitted_when_they_were() -> None:
    class Counting:
        def __init__(self) -> None:
            self.fits: list[int] = []

        def seeds(self, count: int) -> list[Architecture]:
            return [tiny_space().sample(number) for number in range(min(count, 3))]

        def fitted(self, architectures: Any, values: Any) -> Any:
            self.fits.append(len(values))
            mean = sum(values) / len(values)
            return None if len(values) == 24 else lambda one: (mean, mean - 1, mean + 1)

    counting = Counting()
    made, member = Expectations({"latency": counting}), tiny_space().sample(0)
    found: dict[str, Any] = {"seeds": len(made.seeds()), "none": Expectations({}).seeds(), "names": made.names}
    space = Space({"n": integer(0, 99)}, name="counted")
    texts = [space.validate({"n": number}).to_json() for number in range(60)]
    for count in range(60):
        made.learn({text: {"latency": float(place)} for place, text in enumerate(texts[:count])})
        if count in (15, 16, 24, 36, 54):
            limits = [Limit("latency", "<=", 1.0), Limit("latency", ">=", 1.0), Limit("size", "<=", 1.0)]
            found[str(count)] = [made.likely(member), [made.at_best(member, [one]) for one in limits]]
    found["fits"] = counting.fits
    agrees("expectations", found)
