"""What a worker of Ray's is sent, and what it says of the place where it runs."""

from __future__ import annotations

import pickle  # only the name of its error
import socket
import sys
from dataclasses import dataclass

import ray
from ray import cloudpickle

from nas_tune.coordination.registrations import restore
from nas_tune.errors import ConfigError
from nas_tune.executors.job import Job
from search_spaces import Space

__all__ = ["Parcel", "node_name"]

_LARGEST_PARCEL = 64 * 2**20


@dataclass(frozen=True)
class Parcel:
    """A job and the space of its architectures on their way to a worker, with the places from which the driver imports.

    Ray tells its workers of the driver's folder and script only; a trainable may come from elsewhere.
    """

    packed: bytes
    paths: tuple[str, ...]

    @classmethod
    def of(cls, job: Job, space: Space) -> Parcel:
        """Pack a job in the driver.

        Raises:
            ConfigError: it is too large, or cannot be shipped at all.
        """
        try:
            packed = cloudpickle.dumps((job, space))
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise ConfigError(
                f"trainable: it cannot be shipped to workers: {error}; make that inside setup()"
            ) from error
        if len(packed) > _LARGEST_PARCEL:
            raise ConfigError(
                f"trainable: it holds {len(packed) / 2**20:.0f} MiB, more than the {_LARGEST_PARCEL // 2**20} that are "
                "sent to workers; load data inside setup(), or inside the function"
            )
        return cls(packed, tuple(sys.path))

    def unpack(self) -> tuple[Job, Space]:
        """Job and space, in a worker, which can import from then on what the driver could."""
        sys.path.extend(path for path in self.paths if path not in sys.path)
        packed: tuple[Job, Space] = cloudpickle.loads(self.packed)
        restore(packed[0].registered)
        return packed


def node_name() -> str:
    """Where this process runs: several nodes may run on one host, for tests and on large machines."""
    return f"{socket.gethostname()}/{ray.get_runtime_context().get_node_id()[:8]}"
