"""The starter configuration: it is valid, says what the schema says, and its comments are true when uncommented."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from nas_tune.config import Resources, SearchConfig
from nas_tune.config.field_texts import field_texts, first_sentence
from nas_tune.config.starter import ROOT_VARIABLE, STARTERS, starter
from nas_tune.errors import ConfigError

COMMENTED = re.compile(r"# (?P<key>\w+) = (?P<value>.+?)\s+# (?P<text>.+)")
BESIDES = {"batch": "deterministic = true\n", "forever": ""}
"""What a commented key wants beside it."""


def commented(text: str) -> dict[str, tuple[str, str]]:
    """The value and the comment of each key that is not set; those of [task] and [trainable] have a dot before."""
    top, _, table = text.partition("[task]")
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
    keys = set(tomllib.loads(text)) - {"task"} | {key for key in commented(text) if not key.startswith(".")}
    assert keys == set(SearchConfig.model_fields)
    assert max(map(len, text.splitlines())) <= 120


def test_each_comment_is_the_text_of_the_schema() -> None:
    texts = field_texts(SearchConfig)
    assert set(texts) == set(SearchConfig.model_fields)
    lines = [line for line in starter().partition("[task]")[0].splitlines() if " = " in line and "` " not in line]
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


@pytest.mark.parametrize("task", sorted(STARTERS))
def test_the_settings_and_defaults_are_those_of_the_task_and_of_the_learner(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainables.tasks.learner import Learner

    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("rooms,price\n" + "".join(f"{n % 5},{n}.5\n" for n in range(40)))
    np.savez("words.npz", x=np.random.default_rng(0).normal(size=(30, 200)), y=np.arange(30) % 3)
    text = starter(task, data=DATA.get(task), target="price" if task == "table" else None)
    config = SearchConfig.from_toml(text)
    settings = config.trainable.settings
    assert (config.trainable.name, settings["task"]) == ("learner", task)
    lines = [COMMENTED.fullmatch(line) for line in text.partition("[task]")[2].splitlines()]
    values = {match["key"]: tomllib.loads(f"key = {match['value']}")["key"] for match in lines if match}
    for key in EXAMPLES:
        values.pop(key, None)
    learner = Learner(**{**settings, **values, "space": config.space.name})
    anyway = Learner(**settings, space=config.space.name)
    assert learner._settings == anyway._settings
    assert learner.task == anyway.task


DATA = {"regression": "ages.parquet", "table": "rows.csv", "language": "story.txt", "signal": "words.npz"}
EXAMPLES = {
    *("target", "resize", "data_root", "unit", "kind", "numeric", "categorical", "drop", "validation_groups"),
    *("epoch_tokens", "tokens", "encoding", "vocabulary", "sample_rate", "length", "network"),
    *("cells", "channels", "shift", "noise", "mask", "classes", "patch"),
}
"""Settings without a default, or whose default the data decide; and sizes, which the next test compares."""


@pytest.mark.parametrize(
    ("task", "metric"), [("regression", "rmse"), ("language", "loss"), ("table", None), ("signal", None)]
)
def test_tasks_whose_metric_the_data_decide_leave_it_open(task: str, metric: str | None) -> None:
    with pytest.raises(ConfigError, match=f"task {task} has no built-in data; give a path by --data"):
        starter(task)
    assert tomllib.loads(starter(task, data="x")).get("metric") == metric
    assert ("# By default" in starter(task, data="x")) == (metric is None)


def test_a_target_is_set_where_the_task_predicts_one() -> None:
    assert tomllib.loads(starter("table", data="x.csv", target="price"))["task"]["target"] == "price"
    with pytest.raises(ConfigError, match="got 'price', but the task language predicts no column"):
        starter("language", data="x.txt", target="price")


def test_the_earlier_name_of_a_task_is_read() -> None:
    assert starter("image_classification") == starter("classification") == starter()


def test_sizes_that_it_shows_are_those_that_the_space_has_anyway() -> None:
    from trainables.networks import sized_network

    shown = commented(starter())
    anyway = sized_network("nb201", None, channels=None, cells=None, layers=None)
    assert {key: int(shown[f".{key}"][0]) for key in ("channels", "cells")} == anyway


def test_a_folder_is_scaled_and_a_known_name_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainables.data.named import TORCHVISION
    from trainables.data.reading import ROOT_VARIABLE as theirs

    assert theirs == ROOT_VARIABLE
    assert set(STARTERS["classification"].downloads) == set(TORCHVISION)
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
    with pytest.raises(ConfigError, match=r"no 'clasification'; did you mean 'classification'\?"):
        starter("clasification")


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
