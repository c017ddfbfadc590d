"""`nas-tune doctor`: checks whether this machine has what a search needs; changes and starts nothing."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from nas_tune.cli.places import stdout
from nas_tune.errors import InfeasibleError
from search_spaces.plug_ins import PLUG_IN_KINDS, plug_ins

__all__ = ["CheckResult", "doctor", "findings"]

_PACKAGES = ("nas-tune", "optuna", "torch", "torchvision", "pandas", "pyarrow", "duckdb", "safetensors")
_LITTLE_DISK, _LITTLE_MEMORY = 2.0, 2.0
_MARKS = {"ok": ("ok", "green"), "warning": ("!", "yellow"), "broken": ("X", "red")}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    Attributes:
        what: what was checked, such as "memory".
        found: the result in words.
        verdict: ok, warning or broken.
    """

    what: str
    found: str
    verdict: str = "ok"


def doctor(
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help='Also check this Ray cluster, or "auto" for that of this machine. Default: none.'
        ),
    ] = None,
) -> None:
    """Check whether this machine has what a search needs.

    Versions, processors, memory, GPUs, Ray, disk and plug-ins; exit code 1 if something is broken.

    Args:
        address: the address of a Ray cluster to check, too; "auto" for that of this machine.
    """
    from nas_tune.cli.text import plain

    broken = False
    out = stdout()
    for finding in findings() if address is None else findings(address):
        mark, style = _MARKS[finding.verdict]
        out.print(f"{mark:>2}", style=style, end="")
        out.print(f"  {finding.what:<12}  {plain(finding.found)}")
        broken = broken or finding.verdict == "broken"
    if broken:
        raise typer.Exit(1)


def findings(address: str | None = None) -> Iterator[CheckResult]:
    """Check everything, one thing after the other, because importing the engines takes seconds.

    Args:
        address: the address of a Ray cluster to check, too.

    Yields:
        The result of each check as soon as it is known.
    """
    yield CheckResult("python", f"{platform.python_version()} at {sys.executable}")
    yield from map(_package, _PACKAGES)
    yield _ray()
    if address is not None:
        yield _cluster(address)
    yield CheckResult("processors", f"{_usable_processors()} usable of {os.cpu_count()}")
    yield _memory()
    yield _gpu()
    yield _disk(Path("runs"))
    yield from _plug_ins()


def _usable_processors() -> int:
    """The number of processors that this process may use; all, where the system does not say."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def _package(name: str) -> CheckResult:
    try:
        return CheckResult(name, version(name))
    except PackageNotFoundError:
        remedy = "not installed as a package" if name == "nas-tune" else f"missing: pip install {name}"
        return CheckResult(name, remedy, "warning" if name == "nas-tune" else "broken")


def _ray() -> CheckResult:
    started = time.monotonic()
    try:
        import ray.tune  # noqa: F401 -- whether it can be imported is the question

        return CheckResult("ray", f"{version('ray')}, imported in {time.monotonic() - started:.1f} s")
    except ImportError as error:
        return CheckResult("ray", f"cannot be imported: {error}; only executor = 'inline' works", "broken")


def _cluster(address: str) -> CheckResult:
    from nas_tune.executors.ray_cluster import check_answers, prepare

    prepare(address)
    try:
        check_answers(address)
    except InfeasibleError as error:
        return CheckResult("cluster", str(error), "broken")
    return CheckResult("cluster", f"{address} answers")


def _memory() -> CheckResult:
    import psutil

    memory = psutil.virtual_memory()
    free = memory.available / 2**30
    text = f"{free:.1f} GiB free of {memory.total / 2**30:.1f} GiB"
    return CheckResult("memory", text, "warning" if free < _LITTLE_MEMORY else "ok")


def _gpu() -> CheckResult:
    try:
        cuda = importlib.import_module("torch").cuda
    except ImportError as error:
        return CheckResult("gpu", f"torch cannot be imported: {error}", "broken")
    if not cuda.is_available():
        return CheckResult("gpu", "none that torch can use: trials train on the processors")
    names = [cuda.get_device_name(device) for device in range(cuda.device_count())]
    return CheckResult("gpu", f"{len(names)}: {', '.join(names)}")


def _disk(folder: Path) -> CheckResult:
    """The free space where runs would be written, at the nearest parent folder that exists."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(place).free / 2**30
    if not os.access(place, os.W_OK):
        return CheckResult("disk", f"{place} cannot be written; set run_dir", "broken")
    return CheckResult("disk", f"{free:.1f} GiB free at {place}", "warning" if free < _LITTLE_DISK else "ok")


def _plug_ins() -> Iterator[CheckResult]:
    """Load every plug-in. A broken one is a warning, because only searches that use it fail."""
    points = [point for kinds in PLUG_IN_KINDS for point in plug_ins(kinds).values()]
    for point in points:
        try:
            point.load()
            yield CheckResult("plug-in", f"{point.name} ({point.value})")
        except Exception as error:  # noqa: BLE001 -- the module of a plug-in may raise anything
            yield CheckResult("plug-in", f"{point.name} ({point.value}): {type(error).__name__}: {error}", "warning")
    if not points:
        yield CheckResult("plug-ins", "none installed")
