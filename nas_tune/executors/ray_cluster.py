"""Connecting to Ray, and checking its resources before a search begins."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ray

from nas_tune.errors import InfeasibleError

__all__ = ["TrialResources", "check_answers", "cluster", "feasible_workers", "prepare"]

_NO_RAY = (ConnectionError, RuntimeError, ValueError, TimeoutError)
_PATIENCE = 12
_GPU_DRIVERS = ("/proc/driver/nvidia/gpus", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")
_MANY = 1e6
_BRIEF = 300
"""The most characters of an error message of Ray; a longer one is a traceback."""
_REFUSED = ("AuthenticationError", "InvalidAuthToken", "Unauthenticated", "authentication token")
_QUIET = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # Ray Tune's own state is scratch here: the ledger is what a run resumes from.
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
_OURS = {
    # A local `ray.init()` would turn token authentication on, and write a token into the user's home (ray#64755).
    # The owner of a given cluster decides about that one.
    "RAY_AUTH_MODE": "disabled",
}
_set_here: set[str] = set()


@dataclass(frozen=True, slots=True)
class TrialResources:
    """What one trial needs.

    Attributes:
        cpus: of each device.
        gpus: of each device; a fraction shares a GPU.
        devices: how many devices train one architecture together.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    devices: int = 1


@contextmanager
def cluster(address: str | None, workers: int, resources: TrialResources) -> Iterator[int]:
    """Connect to Ray, or start it here. What this starts, it shuts down at the end of the block.

    Args:
        address: of a running cluster, "auto" for that of this machine, None to start one here.
        workers: trials at a time; -1 for all that fit.
        resources: of one trial.

    Yields:
        How many trials may run at a time.

    Raises:
        InfeasibleError: the cluster does not answer, or not one trial fits it.
    """
    prepare(address)
    ours = not ray.is_initialized()
    if ours:
        if address is None:
            _check_machine(resources)
        _connect(address)
    try:
        yield feasible_workers(workers, resources, ray.cluster_resources())
    finally:
        if ours:
            ray.shutdown()


def prepare(address: str | None = None) -> None:
    """Set the environment variables that Ray reads, where they are not set; call it before Ray is started or joined.

    Args:
        address: of the cluster to join; None for one that is started here.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if address is None:
        absent = {name: value for name, value in _OURS.items() if name not in os.environ}
        _set_here.update(absent)
        os.environ.update(absent)
    else:
        # An earlier search of this process has set these for a Ray that it started.
        for name in _set_here:
            if os.environ.get(name) == _OURS[name]:
                del os.environ[name]
        _set_here.clear()
    # It warns, once a trial, that the result files of Ray's own loggers are missing.
    logging.getLogger("ray.tune.analysis.experiment_analysis").setLevel(logging.ERROR)


def check_answers(address: str) -> None:
    """Check that a cluster answers. Ray itself would wait for minutes for one that is not there.

    Args:
        address: of the cluster; "auto" for that of this machine.

    Raises:
        InfeasibleError: it does not answer, or it refuses the authentication.
    """
    if address.startswith("ray://"):
        _check_port(address.removeprefix("ray://"))
        return
    where = [] if address == "auto" else ["--address", address]
    try:
        # The public health check, in a process that can be ended.
        command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", *where]
        subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE)  # noqa: S603 -- our own interpreter
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise InfeasibleError(_why(address, (error.stderr or b"").decode(errors="replace"))) from error


def feasible_workers(
    workers: int, resources: TrialResources, available: dict[str, float], place: str = "the cluster"
) -> int:
    """Count the trials that fit at a time.

    Args:
        workers: the most trials at a time; -1 for all that fit.
        resources: of one trial.
        available: how much there is of "CPU" and "GPU".
        place: the name of what has the resources, for the error.

    Returns:
        How many trials may run at a time, at least 1.

    Raises:
        InfeasibleError: not one trial fits; the message says what there is.
    """
    needs = {"CPU": resources.devices * resources.cpus, "GPU": resources.devices * resources.gpus}
    fits = [int(available.get(name, 0.0) / need + 1e-9) for name, need in needs.items() if need > 0]
    most = min(fits, default=1)
    if most < 1:
        has = ", ".join(f"{available.get(name, 0.0):g} {name}s" for name in needs)
        raise InfeasibleError(
            f"a trial needs {needs['CPU']:g} CPUs and {needs['GPU']:g} GPUs, {place} has {has}: "
            "ask for less in [resources], or give the address of a larger cluster"
        )
    return most if workers == -1 else min(workers, most)


def _check_machine(resources: TrialResources) -> None:
    """Refuse resources that this machine does not have, before Ray starts on it: that takes half a minute."""
    here = {"CPU": float(os.cpu_count() or 1), "GPU": _gpus_here() if resources.gpus else 0.0}
    feasible_workers(1, resources, here, "this machine")


def _gpus_here() -> float:
    """The number of GPUs of this machine; very many where a driver is there but this torch was not built for it."""
    import torch

    seen = torch.cuda.device_count()
    has_driver = any(Path(place).exists() for place in _GPU_DRIVERS)
    return _MANY if has_driver and not seen else float(seen)


def _connect(address: str | None) -> None:
    if address is not None:
        check_answers(address)
    try:
        ray.init(
            address=address or "local",
            include_dashboard=False if address is None else None,
            logging_level=logging.WARNING,
            log_to_driver=False,
        )
    except Exception as error:
        # Where a node does not come up in time, Ray raises a bare Exception.
        if type(error) is not Exception and not isinstance(error, _NO_RAY):
            raise
        raise InfeasibleError(_why(address or "this machine", str(error))) from error


def _check_port(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except (OSError, ValueError) as error:
        raise InfeasibleError(_no_answer(address, str(error))) from error


def _why(address: str, said: str) -> str:
    """The message for a cluster that cannot be joined, from the output of Ray."""
    if not any(sign in said for sign in _REFUSED):
        return _no_answer(
            address, said.strip() if len(said) < _BRIEF and said else f"no answer within {_PATIENCE} seconds"
        )
    mode = os.environ.get("RAY_AUTH_MODE")
    return (
        f"the Ray cluster at {address} refuses the authentication (RAY_AUTH_MODE is {mode or 'not set'}): it wants a "
        "token. Set RAY_AUTH_MODE=token and give the token (RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token; "
        "`ray get-auth-token` on the head prints it), or start every node with RAY_AUTH_MODE=disabled"
    )


def _no_answer(address: str, reason: str) -> str:
    return (
        f"no Ray cluster answers at {address}: {reason}; check the address, that `ray status` works there, and that it "
        f"runs Ray {ray.__version__} on the same Python"
    )
