"""Runs a function in several processes that form a gloo group, and gives back what each returned."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import distributed

__all__ = ["together"]

_SECONDS = 30


def together(folder: Path, function: Callable[..., Any], *arguments: Any, size: int = 2) -> list[Any]:
    """`function(*arguments)` in each of `size` processes, which end with it; half a minute is an error."""
    # A server that has imported torch once, and from which each process is forked.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "trainables.tasks.image_classifier", "sklearn.datasets", "torch._dynamo"])
    store = f"file://{folder}/store-{function.__name__}-{len(list(folder.iterdir()))}"
    pipes = [context.Pipe(duplex=False) for _ in range(size)]
    processes = [
        context.Process(target=_joined, args=(pipe[1], store, rank, size, function, arguments))
        for rank, pipe in enumerate(pipes)
    ]
    for process in processes:
        process.start()
    for _, end in pipes:
        end.close()
    try:
        return [_received(pipe[0]) for pipe in pipes]
    finally:
        for process in processes:
            process.kill()
            process.join()


def _received(pipe: Connection) -> Any:
    assert pipe.poll(_SECONDS), f"nothing came within {_SECONDS} seconds"
    return pipe.recv()


def _joined(
    pipe: Connection, store: str, rank: int, size: int, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", store, timedelta(seconds=_SECONDS), rank=rank, world_size=size)
    pipe.send(function(*arguments))
