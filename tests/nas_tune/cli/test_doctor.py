"""What `nas-tune doctor` finds, on machines that are made up."""

from __future__ import annotations

import builtins
import importlib
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from nas_tune.cli import doctor
from nas_tune.cli.app import app
from nas_tune.cli.doctor import CheckResult

GIB = 2**30


@pytest.mark.parametrize(("free", "verdict"), [(1.99, "warning"), (2.0, "ok"), (7.5, "ok")])
def test_little_memory_is_a_warning(free: float, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = SimpleNamespace(available=int(free * GIB), total=8 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert doctor._memory() == CheckResult("memory", f"{free:.1f} GiB free of 8.0 GiB", verdict)


@pytest.mark.parametrize(("free", "verdict"), [(1.99, "warning"), (2.0, "ok")])
def test_little_disk_is_a_warning_at_the_nearest_folder(
    free: float, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(shutil, "disk_usage", lambda place: asked.append(place) or SimpleNamespace(free=free * GIB))
    found = doctor._disk(tmp_path / "a" / "runs")
    assert (asked, found) == ([tmp_path], CheckResult("disk", f"{free:.1f} GiB free at {tmp_path}", verdict))
    monkeypatch.setattr(os, "access", lambda place, how: False)
    assert doctor._disk(tmp_path) == CheckResult("disk", f"{tmp_path} cannot be written; set run_dir", "broken")


def test_packages_have_their_version_or_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name in ("torch", "nas-tune"):
            raise PackageNotFoundError
        return "1.2"

    monkeypatch.setattr(doctor, "version", version)
    assert doctor._package("pandas") == CheckResult("pandas", "1.2")
    assert doctor._package("torch") == CheckResult("torch", "missing: pip install torch", "broken")
    assert doctor._package("nas-tune") == CheckResult("nas-tune", "not installed as a package", "warning")


def test_processors_are_those_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 4}, raising=False)
    assert doctor._usable_processors() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert doctor._usable_processors() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert doctor._usable_processors() == 1


def test_gpus_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(
        is_available=lambda: True, device_count=lambda: 2, get_device_name=lambda device: f"GPU {device}"
    )
    monkeypatch.setattr(importlib, "import_module", lambda name: SimpleNamespace(cuda=cuda))
    assert doctor._gpu() == CheckResult("gpu", "2: GPU 0, GPU 1")
    cuda.is_available = lambda: False
    assert doctor._gpu() == CheckResult("gpu", "none that torch can use: trials train on the processors")

    def missing(name: str) -> None:
        raise ImportError("no torch")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert doctor._gpu() == CheckResult("gpu", "torch cannot be imported: no torch", "broken")


def test_ray_that_cannot_be_imported_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = builtins.__import__

    def imported(name: str, *more: Any) -> Any:
        if name == "ray.tune":
            raise ImportError("no ray")
        return kept(name, *more)

    monkeypatch.setattr(builtins, "__import__", imported)
    broken = "cannot be imported: no ray; only executor = 'inline' works"
    assert doctor._ray() == CheckResult("ray", broken, "broken")


def test_plug_ins_are_loaded_and_broken_ones_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("no")

    good = SimpleNamespace(name="good", value="a:b", load=lambda: None)
    bad = SimpleNamespace(name="bad", value="c:d", load=fail)
    kinds = {doctor.PLUG_IN_KINDS[0]: {"good": good}, doctor.PLUG_IN_KINDS[-1]: {"bad": bad}}
    monkeypatch.setattr(doctor, "plug_ins", lambda kind: kinds.get(kind, {}))
    assert list(doctor._plug_ins()) == [
        CheckResult("plug-in", "good (a:b)"),
        CheckResult("plug-in", "bad (c:d): ValueError: no", "warning"),
    ]
    monkeypatch.setattr(doctor, "plug_ins", lambda kind: {})
    assert list(doctor._plug_ins()) == [CheckResult("plug-ins", "none installed")]


@pytest.mark.parametrize("address", [None, "HEAD:1"])
def test_everything_is_checked_in_order(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_ray", "_memory", "_gpu"):
        monkeypatch.setattr(doctor, name, lambda name=name: CheckResult(name, ""))
    monkeypatch.setattr(doctor, "_package", lambda name: CheckResult(name, ""))
    monkeypatch.setattr(doctor, "_cluster", lambda given: CheckResult(f"cluster {given}", ""))
    monkeypatch.setattr(doctor, "_disk", lambda folder: CheckResult(f"disk {folder}", ""))
    monkeypatch.setattr(doctor, "_plug_ins", lambda: iter([CheckResult("plug-ins", "")]))
    found = list(doctor.findings(address))
    cluster = [] if address is None else ["cluster HEAD:1"]
    rest = ["processors", "_memory", "_gpu", "disk runs", "plug-ins"]
    assert [one.what for one in found] == ["python", *doctor._PACKAGES, "_ray", *cluster, *rest]
    assert found[0].found.endswith(f"at {sys.executable}")
    assert found[-5].found == f"{doctor._usable_processors()} usable of {os.cpu_count()}"


@pytest.mark.parametrize(("verdict", "mark", "code"), [("ok", "ok", 0), ("warning", " !", 0), ("broken", " X", 1)])
def test_only_what_is_broken_ends_with_code_one(
    verdict: str, mark: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = [CheckResult("memory", "a\x1b", verdict), CheckResult("disk", "b")]
    monkeypatch.setattr(doctor, "findings", lambda *address: iter(results))
    ran = CliRunner().invoke(app, ["doctor"])
    assert ran.exit_code == code
    assert ran.stdout.splitlines() == [f"{mark}  memory        a\\x1b", "ok  disk          b"]
