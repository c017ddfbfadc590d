"""A read-only web page on 127.0.0.1, for the browser of this machine only.

A page of another site in the same browser cannot read it: a request under another host name is refused, since such a
name could lead to 127.0.0.1 (DNS rebinding), and so is every method but GET and HEAD. A query with invalid values is
refused with one line. Text in CSV files never becomes a formula.
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
    """Make the application of optuna-dashboard for a run.

    Args:
        run: the run.

    Returns:
        A WSGI application that follows the ledger of the run.

    Raises:
        ConfigError: optuna-dashboard is not installed.
    """
    try:
        from optuna_dashboard import wsgi
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the dashboard needs {error.name}, not installed here: pip install 'nas-tune[dashboard]'"
        ) from error
    from nas_tune.dashboards.storage import RunStorage

    # At every request it warns that few trials give no importances, and it prints tracebacks of errors, of which
    # `guarded` makes one line.
    logging.getLogger("optuna_dashboard").setLevel(logging.CRITICAL)
    page: WSGIApplication = wsgi(RunStorage(run))
    return page


class Server:
    """A server of one application. It holds its port from the start, and answers requests in `serve`.

    Args:
        page: the application.
        port: a port from 1 to 65535, or 0 for any free one.

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
        """The URL for a browser."""
        return f"http://{HOST}:{self._http.server_port}"

    def serve(self) -> None:
        """Answer requests until `stop` is called; an interrupt (Ctrl-C) ends it, too, and is raised."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._http.serve_forever(poll_interval=0.2)
        finally:
            self._http.server_close()

    def stop(self) -> None:
        """End `serve`; called from another thread."""
        self._http.shutdown()


def guarded(page: WSGIApplication) -> WSGIApplication:
    """Wrap an application so that only this machine can read it, and nobody can change anything.

    Args:
        page: the application.

    Returns:
        An application that answers GET and HEAD under the names 127.0.0.1 and localhost, and refuses all else.
    """

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
    """Make the error for a port that cannot be opened.

    Args:
        port: the port.
        error: the error of the operating system.

    Returns:
        An error with the reason and the remedy, for the caller to raise.
    """
    why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be opened: {error.strerror}"
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
    """The application's answer, with an internal error as one line, and CSV without formulas."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def kept(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
        begun[:] = [(status, headers)]
        return _unwritten

    # The application would print a traceback for an invalid query.
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
    """Ignore a body: this is WSGI's old way to write one, which the application does not use."""


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
        """Print nothing: a line for each request would fill the terminal."""
