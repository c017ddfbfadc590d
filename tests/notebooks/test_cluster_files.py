"""The files for Slurm and KubeRay, as far as they can be tried without a cluster."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from nas_tune.cli.app import app
from nas_tune.config import SearchConfig
from tests.notebooks.given import GIVEN
from tests.notebooks.pages import ROOT, blocks_of

GUIDES = ROOT / "notebooks" / "guides"
SEARCHES = """
trap 'sleep 0.3; echo closed >> "$PLACE/log"; exit 143' TERM
echo "nas-tune $*" >> "$PLACE/log"
for _ in $(seq "$TICKS"); do sleep 0.05; done
exit 3
"""
STAND_INS = {
    "scontrol": 'printf "node1\\nnode2\\n"',
    "srun": 'exec "$@"',
    "ray": 'echo "ray $*" >> "$PLACE/log"; while [ "$1" != -- ]; do [ $# = 0 ] && exit; shift; done; shift; exec "$@"',
    "nas-tune": SEARCHES,
}

WORD, NUMBER, LIST, TABLE = str, int, list, dict
CONTAINER = {"name": WORD, "image": WORD, "env": LIST, "resources": TABLE, "volumeMounts": LIST}
FIELDS: dict[str, dict[str, type]] = {
    "": {"apiVersion": WORD, "kind": WORD, "metadata": TABLE, "spec": TABLE},
    "spec": {"entrypoint": WORD, "shutdownAfterJobFinishes": bool, "backoffLimit": NUMBER, "rayClusterSpec": TABLE},
    "rayClusterSpec": {"rayVersion": WORD, "headGroupSpec": TABLE, "workerGroupSpecs": LIST},
    "headGroupSpec": {"rayStartParams": TABLE, "template": TABLE},
    "workerGroupSpecs": {
        "groupName": WORD,
        "replicas": NUMBER,
        "minReplicas": NUMBER,
        "maxReplicas": NUMBER,
        "rayStartParams": TABLE,
        "template": TABLE,
    },
    "template": {"spec": TABLE},
    "template.spec": {"containers": LIST, "volumes": LIST},
    "containers": CONTAINER,
    "volumes": {"name": WORD, "persistentVolumeClaim": TABLE},
}


def script() -> str:
    (block,) = [one for one in blocks_of(GUIDES / "slurm.md") if one.language == "bash"]
    return block.text


def rayjob() -> Any:
    (block,) = [one for one in blocks_of(GUIDES / "kuberay.md") if one.language == "yaml"]
    return yaml.safe_load(block.text)


@pytest.fixture
def job(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The script of the page, as Slurm starts it, on a machine that has stand-ins for its commands."""
    (tmp_path / "bin").mkdir()
    for name, text in STAND_INS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    (tmp_path / "job.sh").write_text(script(), encoding="utf-8")
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PLACE": str(tmp_path),
        "HOME": str(tmp_path),
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_NNODES": "2",
        "SLURM_CPUS_PER_TASK": "16",
        "TICKS": "100",
    }
    with subprocess.Popen(["bash", str(tmp_path / "job.sh")], env=environment, cwd="/") as process:
        yield process
        process.kill()


def log_of(tmp_path: Path, word: str) -> str:
    """The log of the stand-ins, once `word` stands in it."""
    for _ in range(400):
        text = (tmp_path / "log").read_text(encoding="utf-8") if (tmp_path / "log").exists() else ""
        if word in text:
            return text
        time.sleep(0.02)
    raise AssertionError(f"{word} is not in the log")


@pytest.mark.slow
def test_the_job_script_searches_on_the_cluster_that_it_starts(
    job: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = log_of(tmp_path, "\nnas-tune search")
    assert "ray get-auth-token --generate" in text
    (started,) = re.findall(r"^ray symmetric-run (.+) -- nas-tune", text, flags=re.MULTILINE)
    assert started == "--address node1:6379 --min-nodes 2 --num-cpus 16 --num-gpus 4"
    (words,) = re.findall(r"^nas-tune (search .+)$", text, flags=re.MULTILINE)
    assert "--set address=node1:6379" in words
    search_here(shlex.split(words), tmp_path, monkeypatch)


def test_the_signal_before_the_time_limit_reaches_the_search_and_the_script_waits_for_it(
    job: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    log_of(tmp_path, "\nnas-tune search")
    job.send_signal(signal.SIGTERM)
    assert job.wait(timeout=20) == 143
    assert "closed" in (tmp_path / "log").read_text(encoding="utf-8")


def test_the_script_ends_with_the_exit_code_of_the_search(tmp_path: Path) -> None:
    lines = script().splitlines()
    waits = "\n".join(lines[next(i for i, line in enumerate(lines) if line.startswith("search=")) :])
    done = subprocess.run(["bash", "-c", f"(exit 3) &\n{waits}"], check=False, cwd=tmp_path)
    assert done.returncode == 3


def search_here(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the keys of a search that is made for a cluster, and run it on this machine without them."""
    monkeypatch.chdir(folder)
    GIVEN["configurations"](folder)
    changes = [value for word, value in pairwise(words) if word == "--set"]
    wanted = dict(one.split("=", 1) for one in changes)
    gpus = float(wanted.get("resources.gpus", 0))
    SearchConfig(
        space="nb201",
        max_trials=1,
        address=wanted["address"],
        workers=int(wanted["workers"]),
        resources={"gpus": gpus},
    )
    of_the_cluster = {one for one in changes if one.startswith(("address=", "workers=", "resources."))}
    here = [one for one in words if one != "--set" and one not in of_the_cluster]
    here = [part for one in here for part in (["--set", one] if one in changes else [one])]
    done = CliRunner().invoke(app, here)
    assert done.exit_code == 0, done.output


@pytest.mark.slow
def test_the_entrypoint_of_the_rayjob_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = rayjob()["spec"]["entrypoint"].replace("/runs/", f"{tmp_path}/")
    assert command.startswith("nas-tune search ")
    search_here(shlex.split(command)[1:], tmp_path, monkeypatch)
    assert (tmp_path / "digits" / "ledger.sqlite").is_file()


def test_every_field_of_the_rayjob_exists_and_has_its_type() -> None:
    """The fields are those of KubeRay's ray.io/v1 (RayJobSpec, RayClusterSpec, HeadGroupSpec, WorkerGroupSpec)."""
    document = rayjob()
    assert (document["apiVersion"], document["kind"]) == ("ray.io/v1", "RayJob")
    spec = document["spec"]
    cluster = spec["rayClusterSpec"]
    head, (workers,) = cluster["headGroupSpec"], cluster["workerGroupSpecs"]
    parts = {"": document, "spec": spec, "rayClusterSpec": cluster, "headGroupSpec": head, "workerGroupSpecs": workers}
    for name, part in parts.items():
        check_fields(part, FIELDS[name], name)
    assert 1 <= workers["minReplicas"] <= workers["replicas"] <= workers["maxReplicas"]
    for group in (head, workers):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        check_pod(group["template"])


def check_pod(template: Mapping[str, Any]) -> None:
    check_fields(template, FIELDS["template"], "template")
    pod = template["spec"]
    check_fields(pod, FIELDS["template.spec"], "template.spec")
    (container,), (volume,) = pod["containers"], pod["volumes"]
    check_fields(container, CONTAINER, "containers")
    check_fields(volume, FIELDS["volumes"], "volumes")
    assert all(isinstance(value, str) for value in container["resources"]["limits"].values())
    assert all(set(one) == {"name", "value"} and isinstance(one["value"], str) for one in container["env"])
    assert {one["name"] for one in container["volumeMounts"]} == {volume["name"]}


def check_fields(part: Mapping[str, Any], fields: Mapping[str, type], name: str) -> None:
    assert set(part) <= set(fields), f"{name}: {set(part) - set(fields)}"
    for field, value in part.items():
        assert type(value) is fields[field], f"{name}.{field}: {value!r}"
