"""`nas_tune.measure`: measures networks, ONNX files, architectures or the members of a run on a device, as a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from nas_tune.errors import ConfigError
from nas_tune.session.arguments import check_flags
from nas_tune.winners.measure.subjects import Chosen, NamedSubject, subjects_of
from trainables.hardware.device import Device
from trainables.hardware.measuring import Measurement
from trainables.hardware.measuring import measure as measured

if TYPE_CHECKING:
    from search_spaces import Space
    from trainables.registry import TrainableTarget
    from trainables.training.batches import Batch

__all__ = ["measure"]


def measure(
    what: object,
    device: Device | Mapping[str, Any] | str | None = None,
    *,
    quantities: Sequence[str] = ("latency",),
    inputs: Batch = None,
    space: str | Space | None = None,
    settings: Mapping[str, Any] | None = None,
    k: int = 5,
    trial: int | None = None,
    rounds: int = 10,
    runs: int = 3,
    seed: int = 0,
    trainable: TrainableTarget | None = None,
    allow_code: bool = False,
) -> pd.DataFrame:
    """Measure what networks cost on a device, all in one session.

    The subjects take turns in random order, so that other load of the machine meets all alike; see
    `trainables.hardware.measuring`.

    Args:
        what: a run or its folder; a network of torch; the path of an ONNX file; an architecture or its tree; a list of
            these; or a mapping of networks and files by name.
        device: a `trainables.hardware.device.Device`, a table with its attributes, or the name of its engine. By
            default that of the run, else onnxruntime on one thread.
        quantities: "latency" (ms), "throughput" (examples in a second), "energy" (mJ); counted without running:
            "parameters", "macs", "size" and "peak_memory" (bytes in the precision of the device).
        inputs: an example of the input of networks that are given as modules, (n, ...).
        space: the space of given architectures: its name, or a `Space`.
        settings: of the networks of that space, as for `trainables.build`.
        k: how many of the best members of a run.
        trial: the number of a trial of a run, instead of its best members.
        rounds: how often each subject has its turn.
        runs: counted runs in one turn.
        seed: of the order of the turns.
        trainable: the trainable of a run, if it cannot be imported by name.
        allow_code: import the code, and run the command, that a run from elsewhere names.

    Returns:
        A row for each subject: `name`; `trial` and `architecture` (the canonical id) where it has them; each quantity,
        where it is measured with the ends of its interval of 95 % in `<quantity>_low` and `<quantity>_high` and how it
        was found in `<quantity>_by`; `reference`, the milliseconds of the reference network in the same session; and
        `device`, its fingerprint.

    Raises:
        ForeignCodeError: a run comes from elsewhere, and names code or a command.
        ConfigError: nothing that can be measured is given, or something that it needs is missing.
        TrainableError: the device cannot be used here, or a subject does not run on it.
    """
    check_flags(allow_code=allow_code)
    chosen = Chosen(inputs, space, settings, k, trial, trainable, allow_code, reaches=() if device else ("device",))
    subjects = subjects_of(what, chosen)
    where = Device.of(device) if device else _device_of_runs(subjects)
    by_name = {one.name: one.subject for one in subjects}
    found = measured(by_name, where, quantities, rounds=rounds, runs=runs, seed=seed)
    return _frame(subjects, found)


def _device_of_runs(subjects: Sequence[NamedSubject]) -> Device:
    """The device of the runs that the subjects are of; the default one where they are of none."""
    devices = list(dict.fromkeys(one.device for one in subjects if one.device is not None))
    if len(devices) > 1:
        raise ConfigError(
            f"the runs have several devices ({'; '.join(one.fingerprint() for one in devices)}), whose values do not "
            "compare; say which one: device={'engine': ..}"
        )
    return devices[0] if devices else Device()


def _frame(subjects: Sequence[NamedSubject], found: Sequence[Measurement]) -> pd.DataFrame:
    rows: dict[str, dict[str, object]] = {}
    for subject in subjects:
        rows[subject.name] = {"name": subject.name, "trial": subject.trial, "architecture": subject.architecture}
    for one in found:
        name = one.quantity
        rows[one.name][name] = one.value
        if one.rung == "measured":
            rows[one.name] |= {f"{name}_low": one.low, f"{name}_high": one.high, f"{name}_by": one.how}
    for one in sorted(found, key=lambda one: one.reference is None, reverse=True):
        rows[one.name] |= {"reference": one.reference, "device": one.device}
    frame = pd.DataFrame(list(rows.values()))
    frame["trial"] = frame["trial"].astype("Int64")
    return frame.drop(columns=[name for name in ("trial", "architecture") if frame[name].isna().all()])
