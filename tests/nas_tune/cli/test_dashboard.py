"""The command that shows a run in the browser: what it says, and how it ends."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nas_tune.cli.app import app
from nas_tune.dashboards.server import Server
from nas_tune.dashboards.viewer import Viewer, command
from nas_tune.errors import ConfigError
from nas_tune.ledger import SessionEnded
from tests.nas_tune.results.made import begun, make, trial


@pytest.fixture
def run(tmp_path: Path) -> str:
    make(tmp_path, begun(), *trial(0, [0.5]), SessionEnded("done")).close()
    return str(tmp_path)


def test_it_says_where_the_page_is_and_ctrl_c_closes_it(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(server: Server) -> None:
        server._http.server_close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve", pressed)
    done = CliRunner().invoke(app, ["dashboard", run, "--port", "0"])
    assert done.exit_code == 130
    first, last = done.stderr.splitlines()
    assert first.startswith("http://127.0.0.1:")
    assert last == "ended"
    assert done.stdout == ""


@pytest.mark.parametrize("more", [[], ["--tensorboard"]])
def test_a_port_that_is_taken_is_no_traceback(run: str, more: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas_tune.dashboards.viewer.has_tensorboard", lambda: True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["dashboard", run, "--port", port, *more])
    assert done.exit_code == 2
    assert f"port {port} is taken" in done.stderr
    assert "--port 0" in done.stderr


def test_scalars_are_written_and_the_command_that_shows_them_is_told(run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas_tune.dashboards.viewer.has_tensorboard", lambda: False)
    done = CliRunner().invoke(app, ["dashboard", run, "--tensorboard"])
    assert done.exit_code == 0
    assert "pip install tensorboard" in done.stderr
    assert command(Path(run) / "tensorboard", 8080) in done.stderr
    assert list((Path(run) / "tensorboard").glob("trial-000000/events*"))


def test_a_tensorboard_that_ends_by_itself_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with (
        pytest.raises(ConfigError, match="ended with code 1; see what it says: tensorboard --logdir"),
        Viewer(tmp_path, 0),
    ):
        pass
