"""A page on 127.0.0.1, for this machine's browser alone, that can be looked at and not changed.

A page of somebody else, open in the same browser, cannot get at it: requests under another name than this machine's
are refused (a name of theirs could lead to 127.0.0.1), and so is every request that is not a mere question. A question
with values that mean nothing is refused with a line, and text in CSV is no formula.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from nas_tune.errors import ConfigError
from nas_tune.results.redaction import without_formula

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from nas_tune.results import Run

__all__ = ["HOST", "Server", "guarded", "optuna_page", "port_problem"]

HOST = "127.0.0.1"
_OWN_NAMES = (HOST, "localhost")
_WHOLE = re.compile(r"[0-9]{1,18}")


def optuna_page(run: Run) -> WSGIApplication:
    """The application of optuna-dashboard over a run; `ConfigError` where it is not installed."""
    try:
        from optuna_dashboard import wsgi
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the dashboard needs {error.name}, not installed here: pip install 'nas-tune[dashboard]'"
        ) from error
    from nas_tune.dashboards.storage import RunStorage

    # It warns of importances that few trials give, at every look at the page, and prints tracebacks of errors, which
    # `guarded` tells in a line.
    logging.getLogger("optuna_dashboard").setLevel(logging.CRITICAL)
    page: WSGIApplication = wsgi(RunStorage(run))
    return page


class Server:
    """Serves an application; bound from the start, answers in `serve`.

    Args:
        page: the application.
        port: 1 to 65535; 0 for any that is free.

    Raises:
        ConfigError: the port is taken or not allowed.
    """

    def __init__(self, page: WSGIApplication, port: int) -> None:
        try:
            self._http = make_server(HOST, port, guarded(page), _Threads, _Quiet)
        except OSError as error:
            raise port_problem(port, error) from error

    @property
    def address(self) -> str:
        """What a browser opens."""
        return f"http://{HOST}:{self._http.server_port}"

    def serve(self) -> None:
        """Answer until `stop`, or until an interrupt, which passes."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._http.serve_forever(poll_interval=0.2)
        finally:
            self._http.server_close()

    def stop(self) -> None:
        """End `serve`, from another thread."""
        self._http.shutdown()


def guarded(page: WSGIApplication) -> WSGIApplication:
    """The same application, for questions that were asked of this machine by its name."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        asked = str(environ.get("HTTP_HOST", "")).rsplit(":", 1)[0]
        if asked not in _OWN_NAMES:
            return _refused(start, "403 Forbidden", f"open this page as http://{HOST}")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _refused(start, "405 Method Not Allowed", "this is a copy of a run, which only its search changes")
        if reason := _nonsense(str(environ.get("QUERY_STRING", ""))):
            return _refused(start, "400 Bad Request", reason)
        return _answered(page, environ, start)

    return answer


def port_problem(port: int, error: OSError) -> ConfigError:
    """Why a port cannot be had, and what to do."""
    why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
    other = port + 1 if 1023 < port < 65535 else 8081
    return ConfigError(f"port {port} {why}; give another (--port {other}), or take any that is free (--port 0)")


def _nonsense(query: str) -> str:
    """Why the application could not answer this query; empty where it can."""
    for name, value in parse_qsl(query, keep_blank_values=True, errors="replace"):
        if name == "after" and not _WHOLE.fullmatch(value):
            return f"after={value!r}: the number of a trial is a whole number, at least 0"
        if name == "trial_ids" and not all(_WHOLE.fullmatch(one.strip()) for one in value.split(",")):
            return f"trial_ids={value!r}: numbers of trials are whole numbers with commas between them"
    return ""


def _answered(page: WSGIApplication, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """What the application says; an error that it did not foresee as one line, CSV without formulas."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def kept(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
        begun[:] = [(status, headers)]
        return _unwritten

    # It would print a traceback for what a browser typed.
    body = page({**environ, "wsgi.errors": io.StringIO()}, kept)
    status, headers = begun[0]
    if status.startswith("5"):
        _closed(body)
        if environ.get("QUERY_STRING"):
            return _refused(start, "400 Bad Request", "the page does not understand this query; leave it out")
        return _refused(start, status, "the page cannot show this; nas-tune results prints what the run holds")
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    if not kind.startswith("text/csv"):
        start(status, headers)
        return body
    text = b"".join(body)
    _closed(body)
    safe = _without_formulas(text.decode()).encode()
    start(status, [*(one for one in headers if one[0].lower() != "content-length"), ("Content-Length", str(len(safe)))])
    return [safe]


def _unwritten(_: bytes) -> None:
    """WSGI's old way to write a body, which the application does not use."""


def _closed(body: Iterable[bytes]) -> None:
    if close := getattr(body, "close", None):
        close()


def _without_formulas(text: str) -> str:
    made = io.StringIO()
    rows = csv.reader(io.StringIO(text, newline=""))
    csv.writer(made).writerows([without_formula(cell) for cell in row] for row in rows)
    return made.getvalue()


def _refused(start: StartResponse, status: str, reason: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/json")])
    return [json.dumps({"reason": reason}).encode()]


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a terminal is no place for a line a request."""
