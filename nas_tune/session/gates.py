"""Makes the gate of a search: which limits it judges, by what its trainable counts and its device measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nas_tune.coordination.gate import Gate
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
    aims = [*(one.name for one in setup.limits), *(one.metric for one in setup.objectives)]
    measured = [name for name in _measured(setup, trainable) if name in aims]
    known = {*trainable.counts, *measured}
    limits = [one for one in setup.limits if one.name in known]
    wanted = [one.metric for one in setup.objectives if one.metric in known]
    if not limits and not wanted:
        return None
    if not measured or not isinstance(trainable, Building):
        return Gate(limits, trainable, wanted)
    from nas_tune.session.device_meter import DeviceMeter  # torch, which no other gate needs
    from nas_tune.session.device_predictor import DevicePredictor

    within = Gate([one for one in limits if one.name not in measured], trainable).space(setup.space)
    predictors = {}
    for one in limits:
        if one.name in measured:
            predictors[one.name] = DevicePredictor(within, trainable, one.name)
    meter = DeviceMeter(trainable, Device.of(setup.config.device), measured)
    return Gate(limits, trainable, wanted, meter, predictors, setup.config.audit)


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
    limits = [one for one in setup.limits if one.name in getattr(costing, "counts", ())]
    return Gate(limits, costing) if limits and isinstance(costing, Costing) else None


def _measured(setup: SearchSetup, trainable: Costing) -> list[str]:
    """The quantities that a device measures, without those that the trainable counts or reports itself."""
    if not isinstance(trainable, Building) or not getattr(trainable, "can_build", True):
        return []
    try:
        known = {one.name for one in declared_metrics(setup.target, setup.trainable_settings)}
    except NasTuneError:
        known = set()
    known |= set(trainable.counts)
    return [name for name, one in QUANTITIES.items() if one.rung == "measured" and name not in known]
