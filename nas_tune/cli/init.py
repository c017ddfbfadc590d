"""`nas-tune init`: writes a commented starter configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from nas_tune.cli.places import shown, stderr, stdout
from nas_tune.errors import ConfigError

__all__ = ["init"]


def init(
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            metavar="TASK",
            help="The task: classification or regression of images, detection, segmentation, table, language, signal.",
            show_default="what the data look like",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="A folder with one sub-folder of images per class, a table, a text, signals, or a name.",
            show_default="digits",
        ),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="COLUMN",
            help="The column that is predicted; a table needs it. Give it again for each of several columns.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")] = Path("nas.toml"),
) -> None:
    """Write a commented configuration of a first search, which runs unchanged.

    Without --data and --task it searches scikit-learn's handwritten digits, which need no download. Prints the path of
    the file.

    Args:
        task: a name of `nas_tune.config.starters.STARTERS`; by default the task that the data suggest.
        data: a path or a name; by default scikit-learn's digits, where the task is a classification.
        target: the columns that are predicted; by default the column that the data have, where they are not a table.
        out: the file to write, which must not exist.

    Raises:
        ConfigError: there is no such task, it needs data, or the file exists or cannot be written.
        DataError: there are no data to train on.
    """
    from nas_tune.config.starter import starter

    columns = target[0] if target and len(target) == 1 else target or None
    name = task or _guessed(data, columns)
    text = starter(name, data=data, target=columns)
    if data is not None:
        text = starter(name, data=data, target=columns, needed=_needed(text), space=_fitting(text))
    _check_free(out)
    if data is not None:
        for line in _found(text):
            stderr().print(line)
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        _check_free(out)
    except OSError as error:
        raise ConfigError(f"--out {shown(out)}: cannot be written: {error.strerror}") from error
    stderr().print(f"run it with: nas-tune search {shown(out)}")
    stdout().print(shown(out))


def _guessed(data: str | None, target: str | list[str] | None) -> str:
    """The task that the data suggest; a note says which."""
    from nas_tune.config.starters import STARTERS

    images = STARTERS["classification"]
    if data is None or data in (images.data, *images.downloads):
        return "classification"
    from trainables.tasks.registry import guessed

    task, why = guessed({"data": data, "target": target})
    stderr().print(why)
    return task


def _check_free(out: Path) -> None:
    if os.path.lexists(out):
        raise ConfigError(f"--out {shown(out)}: exists, and is not overwritten; remove it, or give another name")


def _needed(text: str) -> Mapping[str, object]:
    """The settings that the task of a configuration needs for its data."""
    from nas_tune.config import SearchConfig
    from trainables.tasks.learner import Learner
    from trainables.tasks.task import Starting

    task = Learner.task_of(SearchConfig.from_toml(text).trainable.settings)
    return task.starting() if isinstance(task, Starting) else {}


def _fitting(text: str) -> str | None:
    """The name of the space that fits the data of a configuration, where their task chooses one."""
    from nas_tune.config import SearchConfig
    from trainables.tasks.learner import Learner
    from trainables.tasks.task import Choosing

    config = SearchConfig.from_toml(text)
    task = Learner.task_of(config.trainable.settings)
    return task.fitting(config.space.name) if isinstance(task, Choosing) else None


def _found(text: str) -> list[str]:
    """Check the data of a configuration, and return what its trainable says about them."""
    import trainables
    from nas_tune.config import SearchConfig
    from trainables.protocol import Checking, Describing

    config = SearchConfig.from_toml(text)
    trainable = trainables.get(config.trainable.name)(**{**config.trainable.settings, "space": config.space.name})
    if isinstance(trainable, Checking):
        trainable.check()
    return list(trainable.about()) if isinstance(trainable, Describing) else []
