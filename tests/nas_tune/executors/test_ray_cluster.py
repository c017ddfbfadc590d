"""Getting hold of Ray: what its start raises is told as an error of ours, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray

from nas_tune.cli.doctor import _cluster
from nas_tune.errors import InfeasibleError
from nas_tune.executors import ray_cluster
from nas_tune.executors.ray_cluster import TrialResources, check_answers, cluster, prepare


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
