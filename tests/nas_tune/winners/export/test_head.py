"""The head of a card is YAML whatever the names are, and has only what was measured."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from torch import nn, zeros

from nas_tune.winners.export.head import dataset_name, yaml_head
from tests.nas_tune.test_golden_winners import known
from trainables.export import Deployed

FORMATS = {"safetensors": True, "onnx": True, "py": False}


def content(**more: Any) -> dict[str, Any]:
    text = yaml_head(known(**more), FORMATS)
    first, *lines, last = text.split("\n")
    assert first == last == "---"
    assert "---" not in lines
    found: dict[str, Any] = yaml.safe_load("\n".join(lines))
    return found


def deployed(data: str = "digits", space: str = "nb201", **more: Any) -> Deployed:
    return Deployed(nn.Identity(), zeros(3, 1), space, {}, data=data, **more)


def test_it_names_the_library_the_data_and_the_measured_metrics() -> None:
    found = content(deployed=deployed(pipeline="image-classification", task="classification"))
    assert found["library_name"] == "nas-tune"
    assert found["tags"] == ["neural-architecture-search", "nb201", "safetensors", "onnx"]
    assert (found["pipeline_tag"], found["datasets"]) == ("image-classification", ["digits"])
    assert found["metrics"] == ["accuracy", "loss"]
    [model] = found["model-index"]
    [result] = model["results"]
    assert model["name"] == "run-7"
    assert result["task"] == {"type": "image-classification"}
    assert result["dataset"] == {"name": "digits", "type": "digits", "split": "test"}
    assert result["metrics"][0] == {"type": "accuracy", "name": "test accuracy", "value": 0.95}


def test_what_was_not_measured_is_left_out() -> None:
    found = content(test=None, deployed=deployed(data="", task="my:Growth"))
    assert not {"metrics", "model-index", "datasets", "pipeline_tag"} & set(found)
    found = content(test={"mae": float("nan"), "rmse": 2.0}, deployed=deployed(task="my:Growth"))
    assert found["metrics"] == ["rmse"]
    assert found["model-index"][0]["results"][0]["task"] == {"type": "Growth"}


@pytest.mark.parametrize(
    "name", ["a: b", "- a", '"', "'", "\\", "a\n---\nb: 1", "#", "{", "yes", "1", "\u2028", "\x07", "\ud800", "ä 漢 🙂"]
)
def test_any_name_is_quoted(name: str) -> None:
    found = content(deployed=deployed(data=name, space=name), run=name)
    wanted = "".join(letter if letter.isprintable() else " " for letter in name)
    assert found["tags"][1] == wanted
    assert found["model-index"][0]["name"] == f"{wanted}-7"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("digits", "digits"),
        ("/home/me/flats.csv", "flats"),
        ("C:\\data\\photos\\", "photos"),
        ("a/b.parquet", "b"),
        ("x.csv.gz", "x"),
    ],
)
def test_a_data_set_is_named_without_its_place(data: str, name: str) -> None:
    assert dataset_name(data) == name
