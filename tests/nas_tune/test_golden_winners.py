"""What is said of winners (model cards, reports of retraining and of compression) is what it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

import search_spaces
from nas_tune.config import SearchConfig
from nas_tune.objectives.objective import Objective
from nas_tune.winners.compress.compression import CompressedTrial, Compression
from nas_tune.winners.export.card import card
from nas_tune.winners.export.facts import Facts
from nas_tune.winners.measure.measuring import _device_of_runs, _frame
from nas_tune.winners.measure.subjects import Chosen, NamedSubject, subjects_of
from nas_tune.winners.predict.frames import prediction_frame
from nas_tune.winners.retrain.candidates import Candidate
from nas_tune.winners.retrain.honesty import Scored, honesty
from nas_tune.winners.specialize.front import check_plot, front_of
from nas_tune.winners.specialize.specializing import _check_sizes, _wanted
from search_spaces.errors import NasTuneError
from tests.golden import agrees
from trainables.compression import Compressed, CompressionSettings, CompressionStage
from trainables.export import Deployed
from trainables.export.exporting import Exported
from trainables.hardware.device import Device
from trainables.hardware.measuring import Measurement
from trainables.tasks.predictor import Predictions
from trainables.tasks.task import Metric

IMAGES = Deployed(
    nn.Linear(4, 2),
    torch.zeros(3, 1, 2, 2),
    "nb201",
    {"edge": "none"},
    {"channels": 4},
    ("cat", "dog"),
    mean=(0.5,),
    std=(0.25,),
    data="digits: 1,797 images of 1 x 8 x 8, 10 classes",
    splits={"train": 1_079, "validation": 359, "test": 359},
    raw_dtype="uint8",
    raw_range=(0, 16),
)
METRICS = (Metric("accuracy", "max", low=0.0, high=1.0, is_share=True), Metric("loss", "min", "nats", low=0.0))
ROWS = Deployed(nn.Linear(4, 2), torch.zeros(3, 4), "rows", {})
BEFORE = CompressionStage("before", {"accuracy": 0.98, "loss": 0.1}, 10_000, 10_000, 44_000, {1: 1e-3, 32: 0.02}, None)
PRUNED = CompressionStage("pruned", {"accuracy": 0.5, "loss": 2.0}, 5_000, 4_900, None, None, None)
TUNED = CompressionStage("fine-tuned", {"accuracy": 0.97, "loss": 0.2}, 5_000, 4_900, 22_000, {1: 7e-4, 32: 0.012}, "a")
SMALL = CompressionStage("int8", {"accuracy": 0.96, "loss": 0.3}, 5_000, 4_900, 9_000, {1: 4e-4, 32: 0.005}, "b")
PLANS = {
    "both": (CompressionSettings(prune=0.5, quantize="int8", epochs=1), (BEFORE, PRUNED, TUNED, SMALL), IMAGES, None),
    "pruned": (CompressionSettings(prune=0.3, method="magnitude", epochs=0, threads=2), (BEFORE, TUNED), ROWS, 99_000),
    "quantized": (CompressionSettings(quantize="int8", normalization=False), (BEFORE, SMALL), IMAGES, None),
}


def test_a_compression_is_told_as_it_was():
    told = {}
    for name, (plan, stages, deployed, supernet) in PLANS.items():
        made = CompressedTrial("run", 7, "trial 7 of the search", False, deployed, "a" * 16, supernet)
        done = Compressed(stages, (Path("a"), Path("b")), {"a": 1e-6}, ({"loss": 0.4},), 256, ("a note",))
        found = Compression(Path("out"), made, plan, done, "a machine", {"torch": "2.0"})
        plain = {key: value for key, value in found.to_dict().items() if key != "versions"}
        said = [line for line in found.text().splitlines() if "torch" not in line]
        told[name] = {"text": said, "dict": plain, "steps": found.steps, "table": found.table()}
    agrees("compressions", told)


def chosen(trial, scores, search=0.9, **more):
    return Scored(Candidate({"op": trial}, "chosen", trial, search, **more), scores)


def drawn(scores, failed=0):
    return Scored(Candidate({"op": 0}, "random"), scores, failed)


REPORTS = {
    "two": [chosen(1, (0.9, 0.92)), chosen(2, (0.94, 0.95), 0.89), drawn((0.7, 0.8))],
    "many": [
        *(chosen(n, (0.9 - n / 50, 0.91 - n / 70), 0.95 - n / 100, parameters=1_000 * n) for n in range(1, 6)),
        chosen(6, (), 0.7, complete=False),
        *(drawn((0.5 + n / 10,), failed=n) for n in range(2)),
    ],
    "one": [chosen(3, (0.9,), complete=False)],
    "none": [Scored(Candidate({"op": 3}, "chosen", 3, 0.9), (), 3), drawn(())],
}


def test_a_retraining_is_told_as_it_was():
    facts = {"run": "run", "trials": 24, "epochs": 27, "seeds": 2, "planned": 8, "over": 7}
    told = {}
    for name, candidates in REPORTS.items():
        for metric, mode in (("test_accuracy", "max"), ("loss", "min")):
            judges = {"judged_by": Objective(metric, mode), "searched_by": Objective("accuracy", "max")}
            found = honesty(candidates, notes=["a note"], **judges, **facts)
            told[f"{name} {metric}"] = {"text": found.text().splitlines(), "dict": found.to_dict()}
    agrees("retrainings", told, tolerance=1e-6)


def known(**more):
    """The facts of a card."""
    config = SearchConfig(space="nb201", trainable="image_classifier", max_trials=24).to_dict()
    facts = {
        "run": "run", "trial": 7, "state": "complete", "origin": "trial 7 of the search", "identifier": "a" * 16,
        "written": "|none~0|", "seed": 3, "epochs": 9, "seconds": 90.5, "nodes": ("here", "there"),
        "reported": {"accuracy": 0.97, "loss": 0.1, "train_loss": 0.05, "test_accuracy": 0.95},
        "test": {"accuracy": 0.95, "loss": 0.2}, "test_problem": "", "seeds": {}, "trainings": 1, "several": "",
        "is_learner": True, "examples": "images", "metrics": METRICS,
        "searched_without_test": True, "valued": 20, "retrained": False, "recipe": {},
        "spread": {"accuracy": (0.92, 0.97, 359)}, "config": config,
        "counts": {"complete": 12, "pruned": 8, "failed": 4},
        "all_epochs": 150, "all_seconds": 7_300.0, "cost": None, "supernet_parameters": None, "deployed": IMAGES,
        "trained_with": {"torch": "2.0"}, "exported_with": {"torch": "2.1"}, "exported_on": "a machine",
    }  # fmt: skip
    return Facts(**{**facts, **more})


FILES = [
    Exported("safetensors", (Path("weights.safetensors"), Path("architecture.json")), 45_000, 0.0, 1e-5, inputs="raw"),
    Exported("onnx", (Path("model.onnx"),), 46_500, 2e-6, 1e-4, inputs="standardized"),
    Exported("pt2", (Path("model.pt2"),), 50_000, None, 1e-4, "it was not compared", "raw"),
    Exported("py", (), 0, None, 1e-4, "it cannot be written"),
]
CARDS = {
    "searched": {},
    "retrained": {
        "retrained": True, "origin": "a retraining", "recipe": {"of": "image_classifier", "epochs": 27, "whole": True},
        "trainings": 3, "seeds": {"accuracy": (0.96, 0.004, 3)},
    },
    "rows": {
        "deployed": ROWS, "is_learner": False, "examples": "examples", "metrics": (),
        "searched_without_test": False, "test": None, "seeds": {},
        "nodes": (),
        "test_problem": "Rows has no evaluate(split)", "spread": {}, "supernet_parameters": 99_000, "state": "pruned",
    },
}  # fmt: skip


def test_a_card_is_what_it_was():
    told = {name: card(known(**more), FILES).splitlines() for name, more in CARDS.items()}
    agrees("cards", told)


def tried(make):
    try:
        return make()
    except NasTuneError as error:
        return f"{type(error).__name__}: {error}"


BOX = {"label": "cat", "score": 0.5, "box": [1.0, 2.0, 3.0, 4.0]}
PREDICTED = {
    "labels": (["cat", "dog"], np.array([[0.25, 0.75], [0.5, 0.5]]), ()),
    "names": (["cat", "dog"], None, ("a.png", "b.png")),
    "numbers": (np.array([1.5, 2.5]), None, ()),
    "one column": (np.array([[1.5], [2.5]]), None, ()),
    "two columns": (np.array([[1.5, 2], [2.5, 3]]), None, ()),
    "a cube": (np.arange(8.0).reshape(2, 2, 2), None, ()),
    "lists": ([[1, 2], [3, 4]], None, ()),
    "lists of one": ([[1], [3]], None, ()),
    "lists of several lengths": ([[1, 2], [3]], None, ()),
    "lists of names": ([["cat", "dog"], []], np.array([[0.9, 0.8], [0.1, 0.2]]), ()),
    "lists of no names": ([["cat", 1], ["dog"]], None, ()),
    "empty lists": ([[], []], None, ()),
    "a dict": ({"first": np.array([1, 2]), "second": np.array([[1, 2], [3, 4]])}, None, ()),
    "a tuple": ((np.array([1, 2]), (["a", "b"], ["c", "d"])), None, ()),
    "too few": (["cat"], None, ()),
    "none": ([], None, ()),
}
THINGS = {
    "boxes": ([[BOX, {**BOX, "score": 0.25}], [], [BOX]], ()),
    "named": ([[BOX], []], ("a.png", "b.png")),
    "nothing": ([[], []], ()),
    "nothing named": ([[]], ("a.png",)),
    "without a box": ([[{"label": "cat"}]], ()),
}


def test_frames_of_predictions_are_what_they_were():
    told = {}
    for name, (values, probabilities, names) in PREDICTED.items():
        found = Predictions(values, probabilities, names, 0 if name == "none" else 2)
        told[name] = tried(lambda found=found: str(prediction_frame(found, ["cat", "dog"]).to_dict("list")))
    for name, (values, names) in THINGS.items():
        found = Predictions(values, None, names, len(values), are_things=True)
        told[name] = tried(lambda found=found: str(prediction_frame(found, ["cat"]).to_dict("list")))
    agrees("predictions", told)


LIMITS = [
    ["macs <= 5M"], ["macs <= 5M, parameters <= 2k"], [{"macs": "5M"}], ["throughput >= 100 fps"], ["macs >= 5M"],
    ["accuracy >= 0.5"], ["throughput <= 5 fps"], ["energy <= 5mJ"], [], "macs <= 5M", {"macs": 5},
    ["latency <= 2ms", "size <= 1MB"], ["x"],
]  # fmt: skip


def test_limits_of_a_supernet_are_what_they_were():
    told = {f"{one}": str(tried(lambda one=one: _wanted(one))) for one in LIMITS}
    for sizes in ((None, None, 0), (2, 0, 0), (1, 0, 0), (2, -1, 0), (2, 0, -1), (True, 1, 1), (2.5, 1, 1)):
        told[f"sizes {sizes}"] = tried(lambda sizes=sizes: _check_sizes(*sizes))
    for name in (None, "a.png", "a.svg", "a.pdf", "a.jpg", "a"):
        told[f"plot {name}"] = tried(lambda name=name: check_plot(name))
    costs = np.array([3.0, 1, 2, 2, 4, 1, 5, 0])
    values = np.array([0.5, 0.25, 0.5, 0.375, 0.75, 0.25, 0.75, 0.25])
    for is_max in (True, False):
        told[f"front {is_max}"] = front_of(costs, values, is_max=is_max).tolist()
    agrees("specializations", told)


def test_what_is_measured_is_told_as_it_was(tmp_path):
    network, member = nn.Linear(3, 2), search_spaces.get("nb201").sample(1)
    file = tmp_path / "net.ONNX"
    file.write_text("")
    cell = {"space": "nb201", "settings": {"channels": 2, "cells": 1}}
    given = {
        "a network": (network, {"inputs": torch.zeros(1, 3)}),
        "a network alone": (network, {}),
        "two networks": ([network, network], {"inputs": torch.zeros(1, 3)}),
        "by name": ({"a": network, 3: network}, {"inputs": torch.zeros(1, 3)}),
        "a file": (file, {}),
        "a file by name": ({"mine": str(file)}, {}),
        "no file": ("nowhere.onnx", {}),
        "a member": (member, cell),
        "a tree": (member.tree, cell),
        "members": ([member, search_spaces.get("nb201").sample(2)], {"space": search_spaces.get("nb201")}),
        "a member alone": (member, {}),
        "no member": ({"x": 1}, cell),
        "a number": (3, {}),
        "nothing": ([], {}),
        "a number by name": ({"a": 3}, {}),
    }
    told = {}
    for name, (what, more) in given.items():
        found = tried(
            lambda what=what, more=more: [
                [one.name, one.architecture, one.trial] for one in subjects_of(what, Chosen(**more))
            ]
        )
        told[name] = str(found).replace(str(tmp_path), "HERE")
    subject = subjects_of(member, Chosen(**cell))[0].subject
    assert not isinstance(subject, Path)
    told["made"] = [list(subject()[1].shape), sum(one.numel() for one in subject()[0].parameters())]
    several = [
        NamedSubject(str(number), file, device=one) for number, one in enumerate((None, Device(), Device(batch=2)))
    ]
    told["devices"] = [
        str(tried(lambda n=n: _device_of_runs(several[:n]).plain())).partition(" (")[0] for n in (0, 1, 2, 3)
    ]
    rows = [NamedSubject("a", file, "id", 3), NamedSubject("b", file)]
    measured = [
        Measurement("a", "latency", 2.0, 1.5, 2.5, "a device", "a clock", reference=0.5, relative=1.1),
        Measurement("a", "macs", 9.0, 9.0, 9.0, "a device", "counted", "counted"),
        Measurement("b", "macs", 7.0, 7.0, 7.0, "a device", "counted", "counted"),
    ]
    told["frames"] = [
        str(_frame(rows, some).astype(object).fillna("none").to_dict("list")) for some in (measured, measured[1:])
    ]
    agrees("subjects", told)
