"""What every test gets: repeatable property tests, one Ray for all, and no talk to the world outside."""

from __future__ import annotations

import atexit
import functools
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.testing
from hypothesis import settings

# Read by Ray when it starts; set before any test can start it.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# The tests share the cores already: threads of small networks would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Hundreds of ledgers wait for the disk at every commit, and no test needs what survives a power cut: their folders
# lie in memory where there is enough of it.
_MEMORY = Path("/dev/shm")
if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
# What a search notes of this user's runs goes here, never to the real home.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="nas-tune-tests-")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

# The machine is shared, so no deadline; the same examples each time, so that a red run can be repeated.
settings.register_profile("project", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("project")

# A call of `CliRunner` makes all commands of the app before it runs one, which takes longer than most of them.
typer.testing._get_command = functools.cache(typer.testing._get_command)


def pytest_collection_finish() -> None:
    """Let the collector of garbage leave alone what lives as long as the suite: thousands of tests, and libraries."""
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Read the operators of ONNX once: torch's exporter compiles all of them before each file, for most of a second."""
    registration = sys.modules.get("torch.onnx._internal.exporter._registration")
    made = getattr(getattr(registration, "ONNXRegistry", None), "from_torchlib", None)
    if made is not None and not hasattr(made, "cache_info"):
        registration.ONNXRegistry.from_torchlib = staticmethod(functools.cache(made))  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """One Ray on this machine for all tests that need one: starting it costs more than most of them."""
    import ray

    from nas_tune.executors.ray_cluster import prepare

    prepare()
    # Searches find Ray connected, use it and leave it as it is.
    ray.init(address="local", num_cpus=2, num_gpus=0, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()
