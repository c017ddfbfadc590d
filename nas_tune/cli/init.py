"""`nas-tune init`: writes a commented starter configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from nas_tune.cli.places import shown, stderr, stdout
from nas_tune.errors import ConfigError

__all__ = ["init"]

_TASKS = "image_classification, language or signal"
"""The names of `nas_tune.config.starter.TASKS`, which a help page shall not import."""


def init(
    task: Annotated[str, typer.Option("--task", metavar="NAME", help=f"The task: {_TASKS}.")] = "image_classification",
    images: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="A file, a folder (for images one sub-folder per class), or a name. Default: digits.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write.")] = Path("nas.toml"),
) -> None:
    """Write a commented configuration of a first search, which runs as it stands.

    Without --data and --task it searches scikit-learn's handwritten digits, which need no download. Prints the path of
    the file.

    Args:
        task: the task of the networks, a name of `nas_tune.config.starter.TASKS`.
        images: a folder with one sub-folder of images per class, a file, or a name; by default scikit-learn's digits,
            where the task is about images.
        out: the file to write, which must not exist.

    Raises:
        ConfigError: there is no such task, it needs data, or the file exists or cannot be written.
        DataError: there are no data to train on.
    """
    from nas_tune.config.starter import starter

    text = starter(task, data=images)
    _check_free(out)
    if images is not None:
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


def _check_free(out: Path) -> None:
    if os.path.lexists(out):
        raise ConfigError(f"--out {shown(out)}: exists, and is not overwritten; remove it, or give another name")


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
