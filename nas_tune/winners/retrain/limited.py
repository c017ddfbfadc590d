"""The limited quantities of architectures, as the trainable of the search counts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nas_tune.objectives.limits import Limit
from nas_tune.winners.retrain.origin import Origin
from search_spaces import Architecture
from trainables.protocol import Costing
from trainables.registry import adapt
from trainables.trial.repeated import one_of

__all__ = ["limited_costs"]


def limited_costs(origin: Origin, limits: Sequence[Limit]) -> Callable[[Architecture], Mapping[str, float]] | None:
    """Find how to count the limited quantities of an architecture, with the settings of the search.

    Args:
        origin: the trainable of the search.
        limits: of the search.

    Returns:
        A function that counts them; None where no limited quantity is counted.
    """
    if not limits:
        return None
    trainable = one_of(adapt(origin.target, origin.settings))
    if not isinstance(trainable, Costing):
        return None
    names = [one.name for one in limits if one.name in trainable.counts]
    known: dict[str, Mapping[str, float]] = {}

    def counted(architecture: Architecture) -> Mapping[str, float]:
        key = architecture.to_json()
        if key not in known:
            known[key] = dict(trainable.costs(architecture, names))
        return known[key]

    return counted if names else None
