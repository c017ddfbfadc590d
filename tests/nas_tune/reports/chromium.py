"""A headless Chromium, driven over its debugging pipe: nothing but the browser is needed.

with Browser() as browser:
    page = browser.open(path, width=400)
    page.value("document.title")
    page.problems          # what the console said that is an error or a warning, and uncaught exceptions
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

__all__ = ["Browser", "Page", "program"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE = 60.0


def program() -> str | None:
    """Where Chromium is, or None."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """One browser without network and with a profile of its own, which is gone afterwards."""

    def __enter__(self) -> Self:
        found = program()
        assert found is not None
        self._profile = tempfile.TemporaryDirectory(prefix="nas-tune-chromium-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        flags += ["--remote-debugging-pipe", "--no-first-run", f"--user-data-dir={self._profile.name}"]
        flags += ["--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        # Chromium reads commands from descriptor 3 and answers on 4.
        shell = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", shell, "bash", str(theirs_in), str(theirs_out), found, *flags, "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._left, self._count = b"", 0
        self.events: list[dict[str, Any]] = []
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._out)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        self._profile.cleanup()

    def open(self, path: Path, width: int = 1400, height: int = 900, dark: bool = False) -> Page:
        """The page of a file, loaded and drawn."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session, path, width, height, dark)

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """The answer to one command; what happens meanwhile is kept in `events`."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._in], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"Chromium said nothing for {_PATIENCE:.0f} s")
            got = os.read(self._in, 1 << 20)
            if not got:
                raise EOFError(f"Chromium ended with code {self._process.wait(5)}")
            self._left += got
        message, self._left = self._left.split(b"\0", 1)
        made: dict[str, Any] = json.loads(message)
        return made


class Page:
    """A page that has loaded."""

    def __init__(self, browser: Browser, session: str, path: Path, width: int, height: int, dark: bool) -> None:
        self._browser, self._session, self._width = browser, session, width
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.resize(width, height)
        went = self.ask("Page.navigate", url=path.absolute().as_uri())
        assert "errorText" not in went, went
        until = time.monotonic() + _PATIENCE
        while self.value("document.readyState") != "complete" and time.monotonic() < until:
            time.sleep(0.02)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """A command to this page."""
        return self._browser.ask(method, self._session, **params)

    def value(self, expression: str) -> Any:
        """What JavaScript says, as JSON."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def resize(self, width: int, height: int) -> None:
        """Another size of the window, in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)

    def screenshot(self, out: Path) -> None:
        """The whole page as PNG."""
        tall = self.value("document.documentElement.scrollHeight")
        self.resize(self._width, int(tall))
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
        out.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))

    @property
    def problems(self) -> list[str]:
        """Errors and warnings of the console, exceptions, and requests to anywhere but a file."""
        self.value("1")
        found = []
        for event in self._browser.events:
            if event.get("sessionId") == self._session:
                found += _problem(event["method"], event["params"])
        return found


def _problem(method: str, params: dict[str, Any]) -> list[str]:
    if method == "Runtime.exceptionThrown":
        return [json.dumps(params["exceptionDetails"])[:400]]
    if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
        return [json.dumps(params["args"])[:400]]
    if method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
        return [params["entry"]["text"]]
    if method == "Network.requestWillBeSent" and not params["request"]["url"].startswith(("file:", "data:")):
        return [f"asks for {params['request']['url']}"]
    return []
