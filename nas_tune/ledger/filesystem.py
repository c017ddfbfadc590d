"""The kind of file system of a folder."""

from __future__ import annotations

from pathlib import Path

import psutil

__all__ = ["is_network_folder"]

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smbfs", "smb3", "afs", "9p", "lustre", "beegfs", "fuse.sshfs"})


def is_network_folder(folder: Path) -> bool:
    """Check whether a folder is on a network file system, by the longest mount point that contains it.

    Args:
        folder: the folder.

    Returns:
        Whether it does.
    """
    place = folder.resolve()
    mounts = [partition for partition in psutil.disk_partitions(all=True) if place.is_relative_to(partition.mountpoint)]
    nearest = max(mounts, key=lambda partition: len(partition.mountpoint), default=None)
    return nearest is not None and nearest.fstype.lower() in _NETWORK
