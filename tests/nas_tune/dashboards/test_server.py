"""The page of a run: on this machine only, live, and without a way to change anything."""

from __future__ import annotations

import csv
import io
import json
import socket
import threading
import urllib.error
import urllib.request
import wsgiref.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.dashboards.server import Server, guarded, optuna_page
from nas_tune.errors import ConfigError
from nas_tune.ledger import Ledger
from tests.nas_tune.results.made import begun, eventful, make, trial


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Ledger]]:
    """The page of a run with every state, and the run's ledger, to which a test may add."""
    folder = tmp_path_factory.mktemp("served")
    ledger = make(folder, *eventful())
    server = Server(optuna_page(nas_tune.open_run(folder)), 0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server.address, ledger
    server.stop()
    thread.join(5)
    assert not thread.is_alive()


def _asked(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(address + path, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_page_shows_every_trial_and_new_ones_as_they_come(served: tuple[str, Ledger]) -> None:
    address, ledger = served
    assert address.startswith("http://127.0.0.1:")
    status, page = _asked(address, "/dashboard/studies/0")
    assert (status, b"<html" in page) == (200, True)
    (about,) = json.loads(_asked(address, "/api/studies")[1])["study_summaries"]
    assert (about["study_id"], about["directions"]) == (0, ["maximize"])
    study = json.loads(_asked(address, "/api/studies/0")[1])
    states = ["Complete", "Pruned", "Fail", "Fail", "Running", "Running"]
    assert [found["state"] for found in study["trials"]] == states
    assert study["objective_names"] == ["accuracy"]
    assert study["best_trials"][0]["values"] == [0.9]
    ledger.append(*trial(6, [0.95]))
    # The page's own answers are kept for two seconds; another path asks the run at once.
    assert b"0.95" in _asked(address, "/csv/0")[1]


@pytest.mark.parametrize(
    ("path", "method"), [("/api/studies/0", "DELETE"), ("/api/studies", "POST"), ("/api/trials/4/tell", "POST")]
)
def test_nothing_can_be_changed_through_it(served: tuple[str, Ledger], path: str, method: str) -> None:
    address, ledger = served
    before = len(ledger)
    status, said = _asked(address, path, method)
    assert (status, b"copy of a run" in said) == (405, True)
    assert len(ledger) == before


@pytest.mark.parametrize("query", ["x", "-1", "1.5", "", "1e3", "%00", "%ff", "9" * 400, "%D9%A3"])
@pytest.mark.parametrize("path", ["/api/studies/0?after=", "/csv/0?trial_ids=", "/csv/0?trial_ids=1,"])
def test_a_query_that_means_nothing_is_refused_with_a_line(
    served: tuple[str, Ledger], path: str, query: str, capfd: pytest.CaptureFixture[str]
) -> None:
    status, said = _asked(served[0], path + query)
    assert (status, list(json.loads(said))) == (400, ["reason"])
    assert "Traceback" not in said.decode() + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "path", ["/api/studies/7", "/api/studies/x", "/csv/7", "/csv/0?trial_ids=77", "/api/studies/0/plot/none", "/no"]
)
def test_what_is_not_there_is_no_traceback(
    served: tuple[str, Ledger], path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    status, said = _asked(served[0], path)
    assert 400 <= status < 500
    assert "Traceback" not in said.decode() + "".join(capfd.readouterr())


def _direct(page: Any, **environ: Any) -> tuple[str, dict[str, str], str]:
    """Status, headers and body of one question, without a server."""
    told: list[Any] = []
    asked = {"HTTP_HOST": "localhost", "REQUEST_METHOD": "GET", **environ}
    wsgiref.util.setup_testing_defaults(asked)
    body = b"".join(guarded(page)(asked, lambda *given: told.append(given)))  # type: ignore[arg-type]
    return told[0][0], dict(told[0][1]), body.decode()


@pytest.mark.parametrize(("query", "status"), [("", "500 Internal Server Error"), ("a=b", "400 Bad Request")])
def test_an_error_of_the_page_is_one_line(query: str, status: str) -> None:
    def broken(environ: Any, start: Any) -> list[bytes]:
        environ["wsgi.errors"].write("Traceback (most recent call last)")
        start("500 Internal Server Error", [("Content-Type", "text/html")])
        return [b"Traceback"]

    errors = io.StringIO()
    found = _direct(broken, QUERY_STRING=query, **{"wsgi.errors": errors})
    assert (found[0], list(json.loads(found[2])), errors.getvalue()) == (status, ["reason"], "")


def test_its_csv_holds_no_formula_and_numbers_stay(tmp_path: Path) -> None:
    starts = ("=", "+", "-", "@", "\t", "\r")
    events = [begun(), *trial(0, [-0.5])]
    for number, begin in enumerate(starts, 1):
        events += trial(number, [], "failed", failure="error", message=f"{begin}cmd|' /C calc'!A0,\"b\"\nmore")
    make(tmp_path, *events).close()
    status, headers, text = _direct(optuna_page(nas_tune.open_run(tmp_path)), PATH_INFO="/csv/0")
    assert (status, headers["Content-Length"]) == ("200 OK", str(len(text.encode())))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[0]["accuracy"] == "-0.5"
    messages = [row["UserAttribute message"] for row in rows[1:]]
    assert messages == [f"'{begin}cmd|' /C calc'!A0,\"b\"\nmore".replace("\r", "\n") for begin in starts]


def test_a_page_of_somebody_else_cannot_ask_it(served: tuple[str, Ledger]) -> None:
    address, _ = served
    assert _asked(address, "/api/studies", Host="evil.example:80")[0] == 403
    assert _asked(address, "/api/studies", Host="localhost:1234")[0] == 200


def test_a_port_that_is_taken_is_said_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port} is taken .*--port 0"):
            Server(lambda environ, start: [], port)


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, begun()).close()
    monkeypatch.setitem(__import__("sys").modules, "optuna_dashboard", None)
    with pytest.raises(ConfigError, match=r"pip install 'nas-tune\[dashboard\]'"):
        optuna_page(nas_tune.open_run(tmp_path))
