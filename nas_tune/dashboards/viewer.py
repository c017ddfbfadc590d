"""TensorBoard itself, where it is installed: a separate process that only this machine can reach."""

from __future__ import annotations

import importlib.util
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from nas_tune.dashboards.server import HOST, port_problem
from nas_tune.errors import ConfigError

__all__ = ["Viewer", "command", "has_tensorboard"]


def has_tensorboard() -> bool:
    """Check whether the package tensorboard is installed; tensorboardX, which writes the files, cannot show them.

    Returns:
        Whether it can be imported.
    """
    return importlib.util.find_spec("tensorboard") is not None


def command(folder: Path, port: int) -> str:
    """Write the command that starts TensorBoard by hand.

    Args:
        folder: the folder of event files.
        port: the port of the page.

    Returns:
        The command as one line for a shell.
    """
    return shlex.join(["tensorboard", *_arguments(folder, port)])


class Viewer:
    """A TensorBoard process. As a context manager it waits for the first answer, and ends the process at the end.

    Args:
        folder: the folder of event files.
        port: a port from 1 to 65535, or 0 for any free one.

    Raises:
        ConfigError: the port is taken or not allowed, or TensorBoard ends by itself.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self._port = _free(port)
        self._said = command(folder, self._port)
        self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter, and no shell
            [sys.executable, "-m", "tensorboard.main", *_arguments(folder, self._port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        try:
            while not self._answers():
                self.check()
                time.sleep(0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait()

    @property
    def address(self) -> str:
        """The URL for a browser."""
        return f"http://{HOST}:{self._port}"

    def check(self) -> None:
        """Check that the process is still running.

        Raises:
            ConfigError: it has ended by itself.
        """
        code = self._process.poll()
        if code is not None:
            raise ConfigError(f"tensorboard ended with code {code}; see what it says: {self._said}")

    def _answers(self) -> bool:
        try:
            socket.create_connection((HOST, self._port), timeout=1.0).close()
        except OSError:
            return False
        return True


def _arguments(folder: Path, port: int) -> list[str]:
    return ["--logdir", str(folder), "--host", HOST, "--port", str(port), "--reload_interval", "5"]


def _free(port: int) -> int:
    """Check that the port can be opened, and return it; for 0 choose any free one."""
    try:
        with socket.create_server((HOST, port)) as found:
            return int(found.getsockname()[1])
    except OSError as error:
        raise port_problem(port, error) from error
