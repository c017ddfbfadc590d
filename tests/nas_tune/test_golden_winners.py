"""What is said of winners (model cards, reports of retraining and of compression) is what it was."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from nas_tune.config import SearchConfig
from nas_tune.objectives.objective import Objective
from nas_tune.winners.compress.compression import CompressedTrial, Compression
from nas_tune.winners.export.card import card
from nas_tune.winners.export.facts import Facts
from nas_tune.winners.retrain.candidates import Candidate
from nas_tune.winners.retrain.honesty import Scored, honesty
from tests.golden import agrees
from trainables.compression import Compressed, CompressionSettings, CompressionStage
from trainables.export import Deployed
from trainables.export.exporting import Exported
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
