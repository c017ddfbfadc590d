"""What is odd about signals: copies between the parts, silence, constant channels, classes that a part lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from trainables.data.parts import PartName
from trainables.data.signals.recordings import Clips
from trainables.errors import DataError

__all__ = ["constant_channels", "constant_targets", "noticed_signals"]

Array = np.ndarray[Any, Any]
_SHOWN = 20


def noticed_signals(clips: Mapping[PartName, Clips], classes: Sequence[str]) -> list[str]:
    """Compare the signals of the parts, and look at each.

    Args:
        clips: the signals by part, "train" among them.
        classes: the names of the classes; empty where there are none.

    Returns:
        Warnings, and which groups are in which part.
    """
    notes = []
    seen = {_digest(wave) for wave in clips["train"].waves if not _is_constant(wave)}
    for part, some in clips.items():
        copies = 0 if part == "train" else sum(_digest(wave) in seen for wave in some.waves)
        if copies:
            notes.append(
                f"warning: {copies} of {len(some.waves)} {part} signals equal a training signal; remove the copies, "
                "which flatter the score"
            )
        silent = sum(map(_is_constant, some.waves))
        if silent:
            notes.append(f"warning: {silent} of {len(some.waves)} {part} signals are constant (silence)")
        present = {str(target) for target in some.targets}
        absent = [name for name in classes if name not in present]
        if absent:
            notes.append(f"warning: no {part} signal is of class {', '.join(absent[:_SHOWN])}")
        groups = sorted(set(some.groups))
        if groups:
            more = ", .." if len(groups) > _SHOWN else ""
            notes.append(f"groups for {part}: {', '.join(groups[:_SHOWN])}{more}")
    return notes


def constant_channels(waves: Sequence[Array] | Tensor) -> list[str]:
    """Find channels that have one value in all training signals.

    Args:
        waves: the training signals, each (channels, steps); at least one.

    Returns:
        A warning; none where every channel varies.
    """
    first = waves[0][:, :1]
    flat = [all(bool((one[channel] == first[channel]).all()) for one in waves) for channel in range(len(first))]
    found = [str(channel) for channel, is_flat in enumerate(flat) if is_flat]
    if not found or len(found) == len(first):
        return []
    return [
        f"warning: channel {', '.join(found)} of {len(first)} (from 0) has one value in all training signals; leave it "
        "out, or check how it is read"
    ]


def constant_targets(name: str, targets: Tensor) -> list[str]:
    """Look for targets of which there is nothing to learn.

    Args:
        name: names the data in the message.
        targets: numbers of the training part, (n, k).

    Returns:
        A warning where some of the k numbers are the same for all examples.

    Raises:
        DataError: all of them are.
    """
    constant = (targets == targets[:1]).all(0)
    if not len(targets) or not bool(constant.any()):
        return []
    if bool(constant.all()):
        raise DataError(
            f"{name}: every target of training is {_values(targets[0])}; a regression needs targets that differ: give "
            "other targets, or more of the data"
        )
    which = ", ".join(map(str, constant.nonzero().flatten().tolist()))
    return [
        f"warning: number {which} of the targets (from 0) is {_values(targets[0, constant])} in all of training; "
        "leave it out"
    ]


def _values(row: Tensor) -> str:
    return ", ".join(f"{value:g}" for value in row.tolist())


def _is_constant(wave: Array) -> bool:
    return bool((wave == wave[:, :1]).all())


def _digest(wave: Array) -> bytes:
    content = hashlib.blake2b(f"{wave.dtype.str} {wave.shape}".encode(), digest_size=16)
    content.update(np.ascontiguousarray(wave).data)
    return content.digest()
