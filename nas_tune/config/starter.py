"""The starter configuration of a task: a commented TOML file that runs as it stands, for `nas-tune init`.

Every key of a search is in it. The keys that a first search needs are set; each other key stands in a comment with its
default, or with an example where there is no default. The comments of the search's keys are the schema's own texts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from nas_tune.config.component import Component
from nas_tune.config.field_texts import field_texts, first_sentence
from nas_tune.config.schema import SearchConfig
from nas_tune.config.text import toml_text
from nas_tune.errors import ConfigError
from search_spaces.names import did_you_mean

__all__ = ["TASKS", "Setting", "Starter", "starter"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of one of the file's tables, `[task]` and `[trainable]`.

    Attributes:
        key, value: the setting, and what the file shows as its value.
        text: its comment.
        is_set: whether the line is in force; otherwise it stands in a comment.
    """

    key: str
    value: object
    text: str
    is_set: bool = False


@dataclass(frozen=True, slots=True)
class Starter:
    """What a task's first search looks like.

    Attributes:
        about: the first line of the file.
        chosen: the keys of the search that the file sets, with their values.
        trainable: the lines of the table `[trainable]`.
        task: the lines of the table `[task]`; without any, the trainable has the settings of the data.
        needs_data: whether data must be given, for want of some that come with this package.
        for_folders: keys of `[trainable]` that are set where the data are a folder, with their values.
        downloads: names of data sets that can be fetched.
        for_downloads: keys of `[trainable]` that are set for one of these, with their values.
    """

    about: str
    chosen: Mapping[str, object]
    trainable: tuple[Setting, ...]
    for_folders: Mapping[str, object]
    downloads: tuple[str, ...]
    for_downloads: Mapping[str, object]
    task: tuple[Setting, ...] = ()
    needs_data: bool = False


TASKS: Mapping[str, Starter] = {
    "image_classification": Starter(
        about="Which architecture classifies these images best?",
        chosen={
            "space": "nb201",
            "strategy": "auto",
            "scheduler": "asha",
            "metric": "accuracy",
            "mode": "max",
            "max_trials": 24,
            "max_epochs": 9,
            "workers": 2,
            "seed": 0,
        },
        trainable=(
            Setting("name", "image_classifier", "Trains the network of each architecture on images", is_set=True),
            Setting(
                "data",
                "digits",
                "digits, mnist, cifar10, ..; a folder with one sub-folder per class; .npz; Parquet",
                is_set=True,
            ),
            Setting("batch_size", 16, "Images a step; small, since the epochs are few", is_set=True),
            Setting("resize", 32, "Scale the shorter side to so many pixels, and cut out the centre square"),
            Setting("data_root", "data", "The folder of mnist, cifar10, ..; else the variable NAS_TUNE_DATA"),
            Setting("download", False, "Fetch what is missing below data_root"),
            Setting("validation_share", 0.2, "The part of the images that trials are judged on, where none is given"),
            Setting("test_share", 0.2, "The part of the images that the search never sees, where none is given"),
            Setting("cells", 1, "Cells in each stage of the network; more are slower and better"),
            Setting("channels", 16, "Channels of the first cells; more are slower and better"),
            Setting("optimizer", "sgd", "sgd or adamw"),
            Setting("lr", 0.05, "The highest learning rate; it falls as a cosine"),
            Setting("weight_decay", 0.0005, "The decay of the weights"),
            Setting("label_smoothing", 0.1, "The part of the target that is spread over all classes"),
            Setting("augment", True, "Shift, flip and cut out training images as below; false takes them as they are"),
            Setting("flip", False, "Mirror half of the training images, where left and right mean the same"),
            Setting("cutout", 0, "Blank a random square with a side of so many pixels"),
            Setting("amp", False, "Mixed precision, on GPUs"),
            Setting("device", "auto", "A GPU where the trial has one, else the CPU; or a name such as cuda"),
        ),
        for_folders={"resize": 32},
        downloads=("mnist", "fashion_mnist", "cifar10", "cifar100"),
        for_downloads={"data_root": "data", "download": True},
    ),
    "language": Starter(
        about="Which language model predicts this text best?",
        chosen={
            "space": {"name": "transformer_lm", "embeddings": [64, 96, 128], "depths": [1, 4]},
            "strategy": "auto",
            "scheduler": "asha",
            "metric": "loss",
            "mode": "min",
            "max_trials": 24,
            "max_epochs": 9,
            "workers": 2,
            "seed": 0,
        },
        trainable=(
            Setting("batch_size", 16, "Examples a step; small, since the epochs are few", is_set=True),
            Setting("lr", 0.003, "The highest learning rate; it falls as a cosine"),
            Setting("network", {"dropout": 0.1}, "Settings of the network, such as dropout"),
            Setting("amp", False, "Mixed precision, on GPUs"),
            Setting("device", "auto", "A GPU where the trial has one, else the CPU; or a name such as cuda"),
        ),
        for_folders={},
        downloads=(),
        for_downloads={},
        task=(
            Setting("name", "language", "Predicts the next token of a text", is_set=True),
            Setting("data", "input.txt", "A text file, token ids (.npy), or a folder of such files", is_set=True),
            Setting("context", 64, "The tokens of an example", is_set=True),
            Setting("epoch_tokens", 200_000, "The tokens of an epoch; without it the whole training part"),
            Setting("tokens", "bytes", "What a token is: characters, bytes or ids; files decide without it"),
            Setting("encoding", "utf-8", "The encoding of a text file"),
            Setting("vocabulary", 50_257, "The number of ids; without it the greatest one of training decides"),
            Setting("validation_share", 0.1, "The part of the text that trials are judged on, where none is given"),
            Setting("test_share", 0.1, "The part of the text that the search never sees, where none is given"),
        ),
        needs_data=True,
    ),
    "signal": Starter(
        about="Which network recognises these signals best?",
        chosen={
            "space": {"name": "spectrogram", "of": "nb201"},
            "strategy": "auto",
            "scheduler": "asha",
            "metric": "accuracy",
            "mode": "max",
            "max_trials": 24,
            "max_epochs": 9,
            "workers": 2,
            "seed": 0,
        },
        trainable=(
            Setting("batch_size", 32, "Signals a step", is_set=True),
            Setting("lr", 0.002, "The highest learning rate; it falls as a cosine"),
            Setting("cells", 1, "Cells in each stage of the network behind the spectrogram"),
            Setting("channels", 16, "Channels of its first cells; more are slower and better"),
            Setting("network", {"mask_bands": 0.2, "mask_frames": 0.1}, "Further settings of the network"),
            Setting("amp", False, "Mixed precision, on GPUs"),
            Setting("device", "auto", "A GPU where the trial has one, else the CPU; or a name such as cuda"),
        ),
        for_folders={},
        downloads=(),
        for_downloads={},
        task=(
            Setting("name", "signal", "Learns the class of a waveform, or a number for each", is_set=True),
            Setting("data", "words.parquet", "An .npz or Parquet file, or a folder of WAV files", is_set=True),
            Setting("kind", "classification", "Or regression; the search optimizes accuracy, or rmse", is_set=True),
            Setting("target", "label", "The column or array that is predicted; recognised without it"),
            Setting("sample_rate", 16_000, "Samples a second, which WAV files say themselves"),
            Setting("length", 16_000, "The samples of an example; longer signals are cut, shorter ones padded"),
            Setting("validation_groups", "speaker", "A column whose groups stay in one part"),
            Setting("shift", 0.1, "The greatest shift in time while training, as a share of the length"),
            Setting("noise", 0.02, "The deviation of noise while training, as a share of that of the signals"),
            Setting("mask", 0.1, "The greatest share of a signal that is masked while training"),
            Setting("validation_share", 0.2, "The part of the signals that trials are judged on, where none is given"),
            Setting("test_share", 0.2, "The part of the signals that the search never sees, where none is given"),
        ),
        needs_data=True,
    ),
}
"""The starters by the name of their task."""

_SECTIONS = {
    "What is searched, and how": ("space", "strategy", "scheduler", "initial", "warm_start", "warm_start_trials"),
    "What is better": ("metric", "mode"),
    "When it ends": ("max_trials", "max_seconds", "forever", "max_epochs"),
    "Where it runs": ("executor", "workers", "resources", "address", "deterministic", "batch", "seed"),
    "What is kept, and what happens after a failure": (
        "name",
        "run_dir",
        "keep_checkpoints",
        "storage",
        "backup_seconds",
        "max_retries",
        "epoch_timeout",
    ),
}

_EXAMPLES: Mapping[str, object] = {
    "initial": "zero_cost",
    "max_seconds": 3600.0,
    "address": "auto",
    "batch": 8,
    "name": "my-search",
    "run_dir": "runs/my-search",
    "storage": "backup",
    "epoch_timeout": 600.0,
}
"""Values of keys that have no default."""

ROOT_VARIABLE = "NAS_TUNE_DATA"
"""The variable that names the folder of data sets, as `trainables.data` has it (which imports torch)."""

_COLUMN = 34


def starter(task: str = "image_classification", *, data: str | None = None) -> str:
    """The starter configuration of a task, as TOML.

    Args:
        task: a name of `TASKS`.
        data: the data to search on: a name, or a path as the search shall see it. By default scikit-learn's digits,
            where the task is about images.

    Returns:
        The text of the file, with a comment for every key.

    Raises:
        ConfigError: there is no such task, or it needs data.
    """
    if task not in TASKS:
        known = ", ".join(TASKS)
        raise ConfigError(f"task: there is no {task!r}{did_you_mean(task, TASKS) or ';'} known tasks: {known}")
    chosen = TASKS[task]
    lines = [
        f"# {chosen.about} Run it with `nas-tune search` and the name of this file.",
        "# A line `# key = value` shows a default, or an example where there is none. Remove its # to set the key.",
    ]
    for title, keys in _SECTIONS.items():
        lines += ["", f"# {title}"]
        lines += [_search_line(chosen, key) for key in keys if key != "trainable"]
    if chosen.needs_data and data is None:
        raise ConfigError(f"task {task} has no built-in data; give a path by --data")
    given = _given(chosen, data)
    for table, settings in (("task", chosen.task), ("trainable", chosen.trainable)):
        if settings:
            lines += ["", f"[{table}]", *(_setting_line(setting, given) for setting in settings)]
    return "\n".join(lines) + "\n"


def _search_line(chosen: Starter, key: str) -> str:
    text = first_sentence(field_texts(SearchConfig)[key]).replace("`", "")
    if key in chosen.chosen:
        return _line(key, chosen.chosen[key], text, is_set=True)
    default = SearchConfig.model_fields[key].default
    if default is None:
        return _line(key, _EXAMPLES[key], f"{text} (example)", is_set=False)
    return _line(key, default, text, is_set=False)


def _given(chosen: Starter, data: str | None) -> dict[str, object]:
    """The values of settings that follow from the data."""
    given: dict[str, object] = {} if data is None else {"data": data}
    if data in chosen.downloads:
        # A user who has set the variable has the data in that folder, or wants them there.
        return given | ({} if ROOT_VARIABLE in os.environ else dict(chosen.for_downloads))
    if data is not None and os.path.isdir(data):
        return given | dict(chosen.for_folders)
    return given


def _setting_line(setting: Setting, given: Mapping[str, object]) -> str:
    value = given.get(setting.key, setting.value)
    return _line(setting.key, value, setting.text, is_set=setting.is_set or setting.key in given)


def _line(key: str, value: object, text: str, *, is_set: bool) -> str:
    assignment = f"{'' if is_set else '# '}{key} = {_toml(value)}"
    return f"{assignment:<{_COLUMN - 1}} # {text}"


def _toml(value: Any) -> str:
    """A value as it stands behind the equals sign; tables stay on the line."""
    if isinstance(value, Component):
        value = value.plain()
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    plain = list(value) if isinstance(value, tuple) else value
    return toml_text({"_": plain}).removeprefix("_ = ").strip()
