"""What the driver sends to a Ray worker, and the name of the node on which a worker runs."""

from __future__ import annotations

import os
import pickle  # only the name of its error
import socket
import sys
from dataclasses import dataclass

import ray
from ray import cloudpickle

from nas_tune.coordination.registrations import register_missing, take
from nas_tune.errors import ConfigError
from nas_tune.executors.job import Job
from search_spaces import Space

__all__ = ["Parcel", "node_name"]

_LARGEST_PARCEL = 64 * 2**20


@dataclass(frozen=True)
class Parcel:
    """A packed job and the space of its architectures, for a worker, with the driver's import paths and folder.

    Ray gives its workers the folder and script of the process that started it. A trainable may come from elsewhere, and
    a relative path in its settings belongs to the folder of the search.

    Attributes:
        packed: the job and the space, by cloudpickle.
        paths: the driver's `sys.path`.
        folder: the driver's current folder.
    """

    packed: bytes
    paths: tuple[str, ...]
    folder: str

    @classmethod
    def of(cls, job: Job, space: Space) -> Parcel:
        """Pack a job in the driver.

        Args:
            job: what the workers run.
            space: of the architectures.

        Returns:
            The parcel.

        Raises:
            ConfigError: the job is too large, or holds an object that cannot be shipped.
        """
        try:
            packed = cloudpickle.dumps((job, space))
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise ConfigError(
                f"trainable: it cannot be sent to workers: {error}; create the part that cannot be sent inside setup()"
            ) from error
        if len(packed) > _LARGEST_PARCEL:
            raise ConfigError(
                f"trainable: it holds {len(packed) / 2**20:.0f} MiB, more than the {_LARGEST_PARCEL // 2**20} that are "
                "sent to workers; load data inside setup(), or inside the function"
            )
        return cls(packed, tuple(sys.path), os.getcwd())

    def unpack(self) -> tuple[Job, Space]:
        """Unpack in a worker, which can import from then on what the driver could, and works in the same folder.

        A node that lacks the folder stays where it is.

        Returns:
            The job and the space. What the job needs by name is registered.
        """
        if os.path.isdir(self.folder):
            os.chdir(self.folder)
        sys.path.extend(path for path in self.paths if path not in sys.path)
        packed: tuple[Job, Space] = cloudpickle.loads(self.packed)
        take(packed[0].carried)
        register_missing(packed[0].registered)
        return packed


def node_name() -> str:
    """Name the node of this process. Several nodes may run on one host, for tests and on large machines.

    Returns:
        The host's name and the first eight characters of Ray's id of the node.
    """
    return f"{socket.gethostname()}/{ray.get_runtime_context().get_node_id()[:8]}"
