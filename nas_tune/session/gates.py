"""Makes the gate of a search: which limits it judges, by what its trainable counts and its device measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nas_tune.coordination.expectations import Predictor
from nas_tune.coordination.gate import Gate, Meter
from nas_tune.errors import NasTuneError
from trainables.costs.quantities import QUANTITIES
from trainables.hardware.device import Device
from trainables.metrics import declared_metrics
from trainables.protocol import Building, Costing
from trainables.registry import adapt
from trainables.trial.repeated import one_of

if TYPE_CHECKING:
    from nas_tune.session.search_setup import SearchSetup

__all__ = ["gate_of", "gate_of_paths"]


def gate_of(setup: SearchSetup) -> Gate | None:
    """Make what judges the architectures of a search before they are trained.

    Args:
        setup: of the search.

    Returns:
        The gate; None where neither a limit nor an objective is a cost, or where each trial is a search.
    """
    trainable = one_of(adapt(setup.target, setup.trainable_settings))
    if setup.searches or not isinstance(trainable, Costing):
        return None
    if not isinstance(trainable, Building) or not getattr(trainable, "can_build", True):
        return _gate(setup, trainable, trainable.counts)
    from nas_tune.session.device_meter import DeviceMeter  # torch, which a gate of look-ups does not need
    from nas_tune.session.device_predictor import DevicePredictor
    from trainables.hardware.device_costs import DeviceCosts

    device, counting = Device.of(setup.config.device), _counting(setup, trainable)
    costs = DeviceCosts(trainable, trainable, device) if counting else trainable
    measured = [name for name in _measured(setup, trainable) if name in _aims(setup)]
    if not measured:
        return _gate(setup, costs, costs.counts)
    within = Gate([one for one in setup.limits if one.name in costs.counts], costs).space(setup.space)
    predictors = {}
    for one in setup.limits:
        if one.name in measured:
            predictors[one.name] = DevicePredictor(within, trainable, one.name)
    return _gate(setup, costs, [*costs.counts, *measured], DeviceMeter(trainable, device, measured), predictors)


def gate_of_paths(setup: SearchSetup) -> Gate | None:
    """Make what counts the costs of architectures for a supernet that is searched under limits.

    Such a search keeps its limits by itself; this tells before the first trial what they leave of the space.

    Args:
        setup: of the search.

    Returns:
        The gate; None where no trial searches a supernet by paths, or without limits on counted costs.
    """
    if not setup.searches or not setup.limits:
        return None
    costing = getattr(one_of(adapt(setup.target, setup.trainable_settings)), "costing", None)
    if costing is None:
        return None
    from trainables.hardware.device_costs import DeviceCosts

    costs = DeviceCosts(costing, costing, Device.of(setup.config.device))
    limits = [one for one in setup.limits if one.name in costs.counts]
    return Gate(limits, costs) if limits else None


def _gate(
    setup: SearchSetup,
    costs: Costing,
    known: Sequence[str],
    meter: Meter | None = None,
    predictors: Mapping[str, Predictor] | None = None,
) -> Gate | None:
    """The gate for limits and objectives on costs that are known; None where there are none."""
    limits = [one for one in setup.limits if one.name in known]
    wanted = [one.metric for one in setup.objectives if one.metric in known]
    return Gate(limits, costs, wanted, meter, predictors, setup.config.audit) if limits or wanted else None


def _aims(setup: SearchSetup) -> list[str]:
    return [*(one.name for one in setup.limits), *(one.metric for one in setup.objectives)]


def _reported(setup: SearchSetup) -> set[str]:
    """The metrics that the trainable declares; what it reports itself is neither counted nor measured."""
    try:
        return {one.name for one in declared_metrics(setup.target, setup.trainable_settings)}
    except NasTuneError:
        return set()


def _counting(setup: SearchSetup, trainable: Costing) -> bool:
    """Whether a limit or objective needs a count that depends on the device, or that the trainable does not make."""
    of_device = setup.config.device is not None
    names = [name for name in _aims(setup) if name in QUANTITIES and name not in _reported(setup)]
    return any(name not in trainable.counts or of_device for name in names)


def _measured(setup: SearchSetup, trainable: Costing) -> list[str]:
    """The quantities that a device measures, without those that the trainable counts or reports itself."""
    known = {*_reported(setup), *trainable.counts}
    return [name for name, one in QUANTITIES.items() if one.rung == "measured" and name not in known]
