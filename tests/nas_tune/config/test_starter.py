"""The starter configuration: it is valid, says what the schema says, and its comments are true when uncommented."""

from __future__ import annotations

import inspect
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from nas_tune.config import Resources, SearchConfig
from nas_tune.config.field_texts import field_texts, first_sentence
from nas_tune.config.starter import ROOT_VARIABLE, TASKS, starter
from nas_tune.errors import ConfigError

COMMENTED = re.compile(r"# (?P<key>\w+) = (?P<value>.+?)\s+# (?P<text>.+)")
BESIDES = {"batch": "deterministic = true\n", "forever": ""}
"""What a commented key wants beside it."""


def commented(text: str) -> dict[str, tuple[str, str]]:
    """The value and the comment of each key that is not set; those of [trainable] have a dot before."""
    top, _, table = text.partition("[trainable]")
    found = {}
    for prefix, part in (("", top), (".", table)):
        for line in part.splitlines():
            if match := COMMENTED.fullmatch(line):
                found[prefix + match["key"]] = (match["value"], match["text"])
    return found


def uncommented(text: str, wanted: str) -> str:
    return re.sub(rf"^# ({wanted} = )", BESIDES.get(wanted, "") + r"\1", text, count=1, flags=re.MULTILINE)


def test_it_is_a_valid_search_with_every_key_once() -> None:
    text = starter()
    config = SearchConfig.from_toml(text)
    assert (config.space.name, config.trainable.settings["data"]) == ("nb201", "digits")
    keys = set(tomllib.loads(text)) | {key for key in commented(text) if not key.startswith(".")}
    assert keys == set(SearchConfig.model_fields)
    assert max(map(len, text.splitlines())) <= 120


def test_each_comment_is_the_text_of_the_schema() -> None:
    texts = field_texts(SearchConfig)
    assert set(texts) == set(SearchConfig.model_fields)
    lines = [line for line in starter().partition("[trainable]")[0].splitlines() if " = " in line and "` " not in line]
    for line in lines:
        key = line.removeprefix("# ").partition(" ")[0]
        comment = line.rpartition(" # ")[2].removesuffix(" (example)")
        assert comment == first_sentence(texts[key]).replace("`", "")


def test_the_defaults_that_it_shows_are_the_schemas() -> None:
    text = starter()
    for key, (value, comment) in commented(text).items():
        if key.startswith("."):
            continue
        (shown,) = tomllib.loads(f"key = {value}").values()
        default = SearchConfig.model_fields[key].default
        if comment.endswith("(example)"):
            assert default is None
        else:
            plain = default.model_dump() if isinstance(default, Resources) else default
            assert shown == (list(plain) if isinstance(plain, tuple) else plain), key


@pytest.mark.parametrize("key", sorted(key for key in commented(starter()) if not key.startswith(".")))
def test_each_key_may_be_uncommented(key: str) -> None:
    as_it_stands = SearchConfig.from_toml(starter())
    changed = SearchConfig.from_toml(uncommented(starter(), key))
    example = commented(starter())[key][1].endswith("(example)")
    assert (changed != as_it_stands) == example


def test_the_trainables_settings_and_defaults_are_its_own() -> None:
    from trainables.tasks.image_classifier import ImageClassifier

    parameters = inspect.signature(ImageClassifier).parameters
    settings = SearchConfig.from_toml(starter()).trainable.settings
    assert set(settings) <= set(parameters)
    for key, (value, _) in commented(starter()).items():
        if key.startswith("."):
            (shown,) = tomllib.loads(f"key = {value}").values()
            default = parameters[key[1:]].default
            assert default is None or shown == default, key
    everything = {key[1:]: tomllib.loads(f"key = {value}")["key"] for key, (value, _) in commented(starter()).items()}
    own = {key: value for key, value in everything.items() if key in parameters}
    ImageClassifier(**{**settings, **own})


@pytest.mark.parametrize(
    ("task", "data", "metric", "shown"),
    [
        ("language", "story.txt", "loss", ("encoding", "validation_share", "test_share")),
        ("signal", "words.parquet", "accuracy", ("validation_share", "test_share")),
    ],
)
def test_other_tasks_have_a_table_of_their_own(task: str, data: str, metric: str, shown: tuple[str, ...]) -> None:
    from trainables.tasks.learner import Learner

    with pytest.raises(ConfigError, match=f"task {task} has no built-in data; give a path by --data"):
        starter(task)
    text = starter(task, data=data)
    config = SearchConfig.from_toml(text)
    settings = config.trainable.settings
    assert (config.metric, settings["task"], settings["data"]) == (metric, task, data)
    lines = [COMMENTED.fullmatch(line) for line in text.partition("[task]")[2].splitlines()]
    values = {match["key"]: tomllib.loads(f"key = {match['value']}")["key"] for match in lines if match}
    values.pop("vocabulary", None)  # which only ids have
    Learner(**{**settings, **values, "space": config.space.name})
    defaults = Learner(**settings, space=config.space.name)._settings
    assert values["lr"] == defaults.optimization.lr
    kept: Any = Learner.task_of({"task": task, "data": data})
    for key in shown:
        assert values[key] == getattr(kept.data, key)


def test_sizes_that_it_shows_are_those_that_the_space_has_anyway() -> None:
    from trainables.networks import sized_network

    shown = commented(starter())
    anyway = sized_network("nb201", None, channels=None, cells=None, layers=None)
    assert {key: int(shown[f".{key}"][0]) for key in ("channels", "cells")} == anyway


def test_a_folder_is_scaled_and_a_known_name_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainables.data.loading import ROOT_VARIABLE as theirs
    from trainables.data.named import TORCHVISION

    assert theirs == ROOT_VARIABLE
    assert set(TASKS["image_classification"].downloads) == set(TORCHVISION)
    folder = tmp_path / 'my "photos" ü\\'
    folder.mkdir()
    settings = SearchConfig.from_toml(starter(data=str(folder))).trainable.settings
    assert (settings["data"], settings["resize"]) == (str(folder), 32)
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    settings = SearchConfig.from_toml(starter(data="cifar10")).trainable.settings
    assert (settings["data_root"], settings["download"]) == ("data", True)
    monkeypatch.setitem(os.environ, ROOT_VARIABLE, str(tmp_path))
    assert "download" not in SearchConfig.from_toml(starter(data="cifar10")).trainable.settings


def test_a_task_that_there_is_not_gets_a_hint() -> None:
    with pytest.raises(ConfigError, match=r"no 'image_clasification'; did you mean 'image_classification'\?"):
        starter("image_clasification")


def test_a_text_stands_below_its_field() -> None:
    assert field_texts(Texts) == {"one": "First sentence. And a second, on two lines."}
    assert first_sentence("First sentence. And a second.") == "First sentence"
    assert first_sentence("Only one.") == "Only one"


class Texts:
    """A class with fields."""

    one: int = 1
    """First sentence. And a
    second, on two lines."""
    two: int = 2
    three = 3
    """Not a field."""
