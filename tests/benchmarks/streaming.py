"""An epoch on images that are decoded or read while the network trains, beside one on images in memory.

    NAS_TUNE_DATA=<folder with cifar10> python tests/benchmarks/streaming.py
    NAS_TUNE_DATA=<folder with cifar10> python tests/benchmarks/streaming.py --only arrays
    python tests/benchmarks/streaming.py --only signals
    NAS_TUNE_DATA=<folder with tiny_shakespeare> python tests/benchmarks/streaming.py --only text
    python tests/benchmarks/streaming.py --only table

4,000 pictures of CIFAR-10 are written as PNG and as JPEG files of 32 x 32, and scaled by four as JPEG files of
128 x 128, which are decoded and scaled to 64. "arrays" are the same of 32 x 32 and of 128 x 128 in an `.npz` file, as
which data sets of PyTorch and of Hugging Face are written, too. "text" is tiny Shakespeare forty times, whose tokens
stay on the disk; each way is loaded in a process of its own, which says its memory, too. "signals" are 4,000 of one
second at 8 kHz, 16 bits, of random values, in an `.npz` file. "table" is a Parquet file, and a CSV file, of 1,000,000
rows of 16 numbers and 4 columns of texts; each way is loaded in a process of its own.

The alternatives are interleaved in one process. Torch has one thread beside those that decode. "data alone" goes
through the batches without a network. Seconds are CPU seconds of all threads: what streaming costs. Where a core is
idle, the wall time is that of the longer of both works.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch
from _report import heading, interleaved, line
from PIL import Image

import search_spaces
from trainables.data import DataSettings, ImageData, load_images, load_raw
from trainables.data.signals import SignalData, SignalSettings, load_signals
from trainables.data.tables import TableSettings, load_table
from trainables.data.texts import TextSettings, load_text
from trainables.tasks.learner import Learner
from trainables.training.fetching import fetched

COUNT, BATCH, ROUNDS, CHANNELS = 4000, 32, 3, 8
CPU = torch.device("cpu")
CELL = search_spaces.get("nb201").sample(3)


def written(folder: Path, kind: str, scale: int = 1) -> Path:
    raw = load_raw(DataSettings("cifar10"))
    for row in range(COUNT):
        place = folder / raw.classes[int(raw.train.labels[row])]
        place.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(raw.train.images[row].permute(1, 2, 0).numpy())
        if scale > 1:
            picture = picture.resize((32 * scale, 32 * scale), Image.Resampling.BICUBIC)
        picture.save(place / f"{row}.{kind}")
    return folder


def written_arrays(file: Path, scale: int) -> Path:
    raw = load_raw(DataSettings("cifar10"))
    images = raw.train.images.index_select(0, torch.arange(COUNT))
    images = images.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    np.savez(file, x=images.numpy(), y=raw.train.labels[:COUNT].numpy())
    return file


def alone(data: ImageData | SignalData) -> Callable[[], object]:
    def epoch() -> None:
        order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))
        with fetched(data.train, order.split(BATCH)) as coming:
            for images, _ in coming:
                data.normalize(images)

    return epoch


def learned(path: Path, resize: int | None, **how: object) -> Callable[[], object]:
    settings = {"task": "classification", "data": str(path), "resize": resize, "space": "nb201", "device": "cpu"}
    made = Learner(**{**settings, "channels": CHANNELS, "cells": 1, "batch_size": BATCH, **how})
    made.setup(CELL, seed=0, max_epochs=10**6)
    training = made._run.training
    return training.train_epoch


def compare(title: str, path: Path, resize: int | None = None) -> None:
    ways: dict[str, dict[str, object]] = {"in memory": {"stream": False}}
    ways |= {f"streamed, {count} loaders": {"stream": True, "loaders": count} for count in (1, 2)}
    parts = {name: load_images(DataSettings(str(path), resize=resize, **how), CPU) for name, how in ways.items()}  # type: ignore[arg-type]
    seconds = interleaved({name: alone(data) for name, data in parts.items()}, ROUNDS, seconds=cpu_seconds)
    heading(f"{title}, {len(parts['in memory'].train)} images, data alone")
    report(seconds)
    seconds = interleaved(
        {name: learned(path, resize, **how) for name, how in ways.items()}, ROUNDS, seconds=cpu_seconds
    )
    heading(f"{title}, with a network of nb201 of {CHANNELS} channels and one cell a stage")
    report(seconds)


def signals() -> None:
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "signals.npz"
        waves = generator.integers(-3000, 3000, (COUNT, 8000), dtype=np.int16)
        np.savez(path, x=waves, y=np.arange(COUNT) % 10)
        ways: dict[str, dict[str, Any]] = {"in memory": {"stream": False}}
        ways |= {f"streamed, {count} loaders": {"stream": True, "loaders": count} for count in (1, 2)}
        parts = {name: load_signals(SignalSettings(data=str(path), **how), CPU) for name, how in ways.items()}
        heading(f"signals of 8,000 samples, {len(parts['in memory'].train)} of them, data alone")
        report(interleaved({name: alone(data) for name, data in parts.items()}, ROUNDS, seconds=cpu_seconds))


def text_ways() -> None:
    original = (Path(os.environ["NAS_TUNE_DATA"]) / "tiny_shakespeare" / "input.txt").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text(original * 40, encoding="utf-8")
        heading(f"a text of {len(original) * 40:,} characters")
        for stream in (False, True):
            command = [sys.executable, __file__, "--text", str(path), *(["--stream"] if stream else [])]
            subprocess.run(command, check=True)


def text_way(path: Path, *, stream: bool) -> None:
    way = "streamed" if stream else "in memory"
    start, before = time.process_time(), psutil.Process().memory_info().rss
    data = load_text(TextSettings(data=str(path), stream=stream), CPU)
    line(f"{way}: loaded", time.process_time() - start, "CPU s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    line(f"{way}: most memory while it is loaded", peak / 2**20, "MiB")
    generator = torch.Generator().manual_seed(0)
    seconds = []
    for _ in range(ROUNDS):
        order = torch.randint(len(data.train), (1000, BATCH), generator=generator)
        start = time.process_time()
        for rows in order:
            data.train.rows(rows)
        seconds.append(time.process_time() - start)
    line(f"{way}: a batch of {BATCH} examples of {data.context}", 1000 * min(seconds), "microseconds")


def table_ways(rows: int) -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({f"number {column}": generator.normal(size=rows) for column in range(16)})
    for column in range(4):
        frame[f"text {column}"] = generator.choice([f"category {one}" for one in range(50)], rows)
    frame["price"] = frame["number 0"] + generator.normal(size=rows)
    with tempfile.TemporaryDirectory() as folder:
        for form in ("parquet", "csv"):
            path = Path(folder) / f"table.{form}"
            frame.to_parquet(path) if form == "parquet" else frame.to_csv(path, index=False)
            heading(f"a {form} file of {rows:,} rows, 16 numbers and 4 texts, {path.stat().st_size / 2**20:.0f} MiB")
            for stream in (False, True):
                command = [sys.executable, __file__, "--table", str(path), *(["--stream"] if stream else [])]
                subprocess.run(command, check=True)


def table_way(path: Path, *, stream: bool) -> None:
    way = "streamed" if stream else "in memory"
    load_table(TableSettings(data=pd.DataFrame({"a": range(20), "y": range(20)}), target="y"), CPU)  # imports
    start, before = time.process_time(), psutil.Process().memory_info().rss
    data = load_table(TableSettings(data=str(path), target="price", stream=stream), CPU)
    line(f"{way}: loaded", time.process_time() - start, "CPU s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    line(f"{way}: most memory while it is loaded", peak / 2**20, "MiB")
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))
        with fetched(data.train, order.split(256)) as coming:
            for inputs, _ in coming:
                data.normalize(inputs)
        seconds.append(time.process_time() - start)
    line(f"{way}: an epoch of batches of 256 rows, without a network", min(seconds), "CPU s")


def cpu_seconds(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def report(seconds: dict[str, float]) -> None:
    for name, value in seconds.items():
        line(name, value, "CPU s an epoch", f"{value / seconds['in memory']:.2f} x in memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["files", "arrays", "signals", "text", "table"])
    parser.add_argument("--text", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the table")
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    only = arguments.only
    torch.set_num_threads(1)
    if arguments.text is not None:
        text_way(arguments.text, stream=arguments.stream)
        return
    if arguments.table is not None:
        table_way(arguments.table, stream=arguments.stream)
        return
    if only in (None, "table"):
        table_ways(arguments.rows)
    if only in (None, "signals"):
        signals()
    if only in (None, "text"):
        text_ways()
    with tempfile.TemporaryDirectory() as folder:
        for scale in (1, 4) if only in (None, "arrays") else ():
            compare(f"arrays {32 * scale} x {32 * scale}", written_arrays(Path(folder) / f"{scale}.npz", scale))
        for title, kind, scale, resize in (
            ("PNG 32 x 32", "png", 1, None),
            ("JPEG 32 x 32", "jpg", 1, None),
            ("JPEG 128 x 128 scaled to 64", "jpg", 4, 64),
        ):
            if only not in (None, "files"):
                break
            compare(title, written(Path(folder) / f"{kind}{scale}", kind, scale), resize)


if __name__ == "__main__":
    main()
