"""Checks of a setup before a trial starts: each part can be made, and the parts go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nas_tune.config.references import why_not
from nas_tune.config.self_search import kind_of
from nas_tune.coordination.registrations import check_travelling
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import check_several
from nas_tune.schedulers import SCHEDULERS
from nas_tune.session.initial_design import make as make_initial
from nas_tune.session.limit_checks import check_limits
from nas_tune.strategies import STRATEGIES
from trainables.protocol import Checking, Deciding, Searching, Trainable, is_parallel
from trainables.registry import adapt
from trainables.trial.repeated import one_of
from trainables.trial.reports import is_reserved

if TYPE_CHECKING:
    from nas_tune.session.search_setup import SearchSetup

__all__ = ["check_setup"]


def check_setup(setup: SearchSetup) -> None:
    """Make every part of a setup once, so that a wrong setting is refused before a trial starts.

    Args:
        setup: to check.

    Raises:
        ConfigError: a part cannot be combined with another one.
        NasTuneError: a part cannot be made.
    """
    config = setup.config
    setup.space.sample(0)
    setup.scheduler()
    if setup.searches and config.strategy.name in STRATEGIES:
        raise ConfigError(
            f"strategy: {config.strategy.name!r} is the name of a strategy and of "
            f"{kind_of(config.strategy.name)}; give that one another name"
        )
    if not setup.searches:
        check_several("strategy", STRATEGIES, config.strategy.name, setup.objectives)
    check_several("scheduler", SCHEDULERS, config.scheduler.name, setup.objectives)
    setup.sampler(0)
    made = adapt(setup.target, setup.trainable_settings)
    trainable = one_of(made)
    # The nodes of a cluster may have what this machine has not.
    if isinstance(trainable, Checking) and config.address is None:
        trainable.check()
    # A property of the class may have no value before `setup`.
    finds = hasattr(type(trainable), "architecture") or isinstance(trainable, Searching)
    if isinstance(trainable, Deciding) and (setup.searches or not finds):
        trainable.check_decisions(setup.space)
    if setup.searches and not finds:
        raise ConfigError(
            f"strategy: {config.strategy.name} searches by {type(trainable).__name__}, which has no attribute "
            "`architecture`; give its class that property (trainables.protocol.Searching)"
        )
    check_limits(setup)
    _check_together(setup, made)
    if config.initial is not None:
        make_initial(config.initial).check(trainable)
    for metric in (one.metric for one in setup.objectives):
        if is_reserved(metric):
            raise ConfigError(
                f"metric: {metric!r} is the name of a column of the result tables; report the metric under another name"
            )
    if config.executor != "ray" and config.epoch_timeout is not None:
        raise ConfigError(
            f"epoch_timeout: the {config.executor} executor cannot end a hung epoch; use executor = 'ray'"
        )
    _check_importable(setup)
    if config.executor == "ray":
        check_travelling(setup.registered)


def _check_together(setup: SearchSetup, trainable: Trainable) -> None:
    """Several devices train one architecture only where the trainable says that it can be trained so."""
    devices = setup.config.resources.devices
    if devices == 1:
        return
    if not is_parallel(trainable):
        raise ConfigError(
            f"resources.devices: got {devices}, but {setup.config.trainable.name} cannot be trained by several "
            "processes together (image_classifier can, and a class with parallel and join(group), see "
            "trainables.protocol.Parallel); set devices = 1"
        )
    from trainables.training.parallel import Group

    trainable.join(Group(0, devices))


def _check_importable(setup: SearchSetup) -> None:
    """Ray could ship any function, but a resume could not find a lambda or a local one again."""
    why = why_not(setup.target)
    # What a script or notebook defines at its top level is given to the resume by that script.
    local = any(part in getattr(setup.target, "__qualname__", "") for part in ("<locals>", "<lambda>"))
    if setup.config.executor == "ray" and why and local:
        raise ConfigError(f"trainable: {why}, or use executor = 'inline'")
