"""Getting hold of Ray: what its start raises is told as an error of ours, and nothing else is."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray

from nas_tune.cli.doctor import _cluster
from nas_tune.errors import InfeasibleError
from nas_tune.executors import ray_cluster
from nas_tune.executors.ray_cluster import TrialResources, check_answers, cluster, feasible_workers, prepare


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (Exception("The current node timed out during startup"), InfeasibleError),
        (ConnectionError("refused"), InfeasibleError),
        (KeyError("a mistake of ours"), KeyError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_ray_that_does_not_come_up_is_told(
    raised: Exception, told: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**_: object) -> None:
        raise raised

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(told, match=str(raised.args[0])), cluster(None, 1, TrialResources(1.0, 0.0)):
        pass


def test_authentication_is_left_alone_where_a_cluster_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "_set_here", set())
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    prepare("HEAD:6379")
    assert "RAY_AUTH_MODE" not in os.environ
    prepare()
    assert os.environ["RAY_AUTH_MODE"] == "disabled"
    prepare("HEAD:6379")  # a search here before has not decided for this one
    assert "RAY_AUTH_MODE" not in os.environ
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    for address in (None, "HEAD:6379"):
        prepare(address)
        assert os.environ["RAY_AUTH_MODE"] == "token"


def test_a_cluster_that_refuses_the_token_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    said = b"Traceback ...\nray.exceptions.AuthenticationError: RPC error: InvalidAuthToken: it is missing"

    def refused(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command, stderr=said)

    monkeypatch.setattr(subprocess, "run", refused)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    why = r"cluster at HEAD:6379 refuses the authentication \(RAY_AUTH_MODE is disabled\).*Set RAY_AUTH_MODE=token"
    with pytest.raises(InfeasibleError, match=why):
        check_answers("HEAD:6379")
    found = _cluster("HEAD:6379")
    assert (found.verdict, "RAY_AUTH_TOKEN_PATH" in found.found) == ("broken", True)


@pytest.mark.slow
@pytest.mark.ray
def test_a_cluster_with_a_token_is_joined_with_the_users_token_and_refused_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, port = tmp_path / "token", "6397"
    token.write_text("0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    address = f"127.0.0.1:{port}"
    start = ["start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={port}", "--num-cpus=1"]
    command = [sys.executable, "-m", "ray.scripts.scripts", *start, "--include-dashboard=false"]
    head = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                check_answers(address)
                break
            except InfeasibleError:
                time.sleep(1)
        check_answers(address)
        script = (
            "from nas_tune.executors.ray_cluster import *; c = cluster({!r}, 1, TrialResources()); print(c.__enter__())"
        )
        joined = subprocess.run(
            [sys.executable, "-c", script.format(address)], capture_output=True, text=True, check=True
        )
        assert joined.stdout.strip().endswith("1")
        monkeypatch.delenv("RAY_AUTH_MODE")
        with pytest.raises(InfeasibleError, match="refuses the authentication"):
            check_answers(address)
    finally:
        head.terminate()
        head.wait(30)


# What fits


@pytest.mark.parametrize(
    ("workers", "needs", "available", "fit"),
    [
        (4, TrialResources(1.0, 0.0), {"CPU": 2.0}, 2),
        (1, TrialResources(1.0, 0.0), {"CPU": 2.0}, 1),
        (-1, TrialResources(1.0, 0.0), {"CPU": 5.0}, 5),
        (-1, TrialResources(0.1, 0.0), {"CPU": 0.3}, 3),
        (-1, TrialResources(2.0, 0.5), {"CPU": 8.0, "GPU": 1.0}, 2),
        (-1, TrialResources(1.0, 1.0, devices=2), {"CPU": 8.0, "GPU": 5.0}, 2),
        (-1, TrialResources(0.0, 0.0), {}, 1),
        (7, TrialResources(0.0, 0.0), {"CPU": 8.0}, 1),
        (2, TrialResources(2.0, 0.0), {"CPU": 2.0}, 1),
    ],
)
def test_as_many_trials_run_as_fit_and_as_are_asked_for(
    workers: int, needs: TrialResources, available: dict[str, float], fit: int
) -> None:
    assert feasible_workers(workers, needs, available) == fit


def test_a_trial_that_does_not_fit_is_told_what_there_is() -> None:
    why = r"a trial needs 4 CPUs and 1 GPUs, the cluster has 8 CPUs, 0.5 GPUs: ask for less in \[resources\]"
    with pytest.raises(InfeasibleError, match=why):
        feasible_workers(1, TrialResources(2.0, 0.5, devices=2), {"CPU": 8.0, "GPU": 0.5})
    with pytest.raises(InfeasibleError, match="needs 1 CPUs and 1 GPUs, this machine has 1 CPUs, 0 GPUs"):
        feasible_workers(-1, TrialResources(1.0, 1.0), {"CPU": 1.0}, "this machine")


@pytest.mark.parametrize(
    ("seen", "driver", "found"), [(0, False, 0.0), (2, False, 2.0), (2, True, 2.0), (0, True, ray_cluster._MANY)]
)
def test_gpus_that_torch_does_not_see_may_be_there(
    seen: int, driver: bool, found: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: seen)
    places = (str(tmp_path / "none"), str(tmp_path if driver else tmp_path / "nothing"))
    monkeypatch.setattr(ray_cluster, "_GPU_DRIVERS", places)
    assert ray_cluster._gpus_here() == found


def test_a_machine_is_asked_for_gpus_only_where_a_trial_needs_some(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(ray_cluster, "_gpus_here", lambda: asked.append(True) or 1.0)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    ray_cluster._check_machine(TrialResources(3.0, 0.0))
    assert asked == []
    ray_cluster._check_machine(TrialResources(3.0, 1.0))
    assert asked == [True]
    with pytest.raises(InfeasibleError, match="this machine has 3 CPUs, 0 GPUs"):
        ray_cluster._check_machine(TrialResources(3.5, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    with pytest.raises(InfeasibleError, match="this machine has 1 CPUs"):
        ray_cluster._check_machine(TrialResources(2.0, 0.0))


# Joining and leaving


class Ray:
    """Stands for Ray: keeps what it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, running: bool) -> None:
        self.inits: list[dict[str, object]] = []
        self.shut = 0
        monkeypatch.setattr(ray, "init", lambda **how: self.inits.append(how))
        monkeypatch.setattr(ray, "is_initialized", lambda: running)
        monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 4.0})
        monkeypatch.setattr(ray, "shutdown", self._shutdown)

    def _shutdown(self) -> None:
        self.shut += 1


def test_a_cluster_that_is_started_here_is_shut_down_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    here = Ray(monkeypatch, running=False)
    with cluster(None, 3, TrialResources(1.0, 0.0)) as workers:
        assert (workers, here.shut) == (3, 0)
    assert here.shut == 1
    assert here.inits == [
        {"address": "local", "include_dashboard": False, "logging_level": logging.WARNING, "log_to_driver": False}
    ]
    with pytest.raises(InfeasibleError), cluster(None, 3, TrialResources(5.0, 0.0)):
        pass
    assert len(here.inits) == 1, "what this machine does not have is refused before Ray starts"
    with pytest.raises(KeyError), cluster(None, 3, TrialResources(1.0, 0.0)):
        raise KeyError
    assert here.shut == 2


def test_a_cluster_that_runs_is_used_and_left_running(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Ray(monkeypatch, running=True)
    with cluster(None, -1, TrialResources(1.0, 0.0)) as workers:
        assert workers == 4
    assert (there.inits, there.shut) == ([], 0)


def test_a_given_cluster_is_joined_after_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(ray_cluster, "check_answers", asked.append)
    far = Ray(monkeypatch, running=False)
    with cluster("HEAD:6379", -1, TrialResources(1.0, 0.0)) as workers:
        assert workers == 4
    assert (asked, far.shut) == (["HEAD:6379"], 1)
    assert (far.inits[0]["address"], far.inits[0]["include_dashboard"]) == ("HEAD:6379", None)


def test_a_cluster_is_asked_for_its_health(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[str], dict[str, object]]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **how: asked.append((command, how)))
    check_answers("auto")
    check_answers("HEAD:6379")
    health = [sys.executable, "-m", "ray.scripts.scripts", "health-check"]
    how = {"check": True, "capture_output": True, "timeout": 12}
    assert asked == [(health, how), ([*health, "--address", "HEAD:6379"], how)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (subprocess.TimeoutExpired("x", 12), "no answer within 12 seconds"),
        (subprocess.CalledProcessError(1, "x", stderr=b" it is closed \n"), "it is closed"),
        (subprocess.CalledProcessError(1, "x", stderr=b""), "no answer within 12 seconds"),
        (subprocess.CalledProcessError(1, "x", stderr=b"x" * 299), "x" * 299),
        (subprocess.CalledProcessError(1, "x", stderr=b"x" * 300), "no answer within 12 seconds"),
    ],
)
def test_a_cluster_that_does_not_answer_is_told_with_its_reason(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(InfeasibleError) as caught:
        check_answers("HEAD:6379")
    assert str(caught.value).startswith(f"no Ray cluster answers at HEAD:6379: {reason}; check the address")
    assert str(caught.value).endswith(f"runs Ray {ray.__version__} on the same Python")


def test_a_client_address_is_tried_by_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check_answers(f"ray://127.0.0.1:{port}")
    with pytest.raises(InfeasibleError, match=rf"no Ray cluster answers at 127.0.0.1:{port}: "):
        check_answers(f"ray://127.0.0.1:{port}")
    with pytest.raises(InfeasibleError, match=r"answers at 127\.0\.0\.1:port: invalid literal"):
        check_answers("ray://127.0.0.1:port")


def test_what_rays_settings_were_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "_set_here", set())
    for name in ray_cluster._QUIET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AIR_NEW_OUTPUT", "1")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    prepare()
    prepare("HEAD:6379")
    assert os.environ["RAY_AUTH_MODE"] == "disabled", "the user has set it, not an earlier search"
    assert {name: os.environ[name] for name in ray_cluster._QUIET} == {**ray_cluster._QUIET, "RAY_AIR_NEW_OUTPUT": "1"}
    assert logging.getLogger("ray.tune.analysis.experiment_analysis").level == logging.ERROR
    for name in ray_cluster._QUIET:
        monkeypatch.delenv(name, raising=False)
