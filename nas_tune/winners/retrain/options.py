"""What a retraining is asked to do: the arguments of `retrain`, with their defaults and their rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from nas_tune.config import SearchConfig
from nas_tune.errors import ConfigError
from nas_tune.session.arguments import check_flags
from search_spaces.names import did_you_mean
from search_spaces.whole_numbers import is_whole
from trainables.registry import TrainableTarget

__all__ = ["RetrainingOptions"]


@dataclass(frozen=True, kw_only=True)
class RetrainingOptions:
    """The arguments of a retraining; `nas_tune.retrain` documents each.

    Attributes:
        trial, top, seeds, epochs, baselines, settings, trainable, metric, mode, seed, new, devices, allow_code: as in
            `nas_tune.retrain`.
        places: keys of place and speed (workers, executor, address, resources); None for that of the run.
    """

    trial: int | None = None
    top: int = 1
    seeds: int = 3
    epochs: int | None = None
    baselines: int = 1
    settings: Mapping[str, Any] | None = None
    trainable: str | TrainableTarget | None = None
    metric: str | None = None
    mode: str | None = None
    seed: int | None = None
    new: bool = False
    devices: int | None = None
    allow_code: bool = False
    places: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, searched: SearchConfig, trial: int | None, asked: Mapping[str, Any]) -> RetrainingOptions:
        """Make the options from the arguments of a call.

        Args:
            searched: the configuration of the run, which says what the keys of place and speed are.
            trial: the number of the trial, or None.
            asked: the other arguments by name.

        Returns:
            The options.

        Raises:
            ConfigError: there is no such argument, or a value breaks its rule.
        """
        names = [field.name for field in fields(cls) if field.name != "places"]
        of_places = searched.keys_that_decide("trials")
        for key in asked:
            if key not in names and key not in of_places:
                raise ConfigError(f"retrain: {_unknown(key, [*names, *of_places])}")
        own = {key: value for key, value in asked.items() if key in names}
        places = {key: value for key, value in asked.items() if key not in names}
        options = cls(**{"trial": trial, **own}, places=places)
        for name, least in (("seeds", 1), ("epochs", 1), ("baselines", 0)):
            value = getattr(options, name)
            if not (is_whole(value, least) or (name == "epochs" and value is None)):
                raise ConfigError(f"{name} is {value!r}; it is a whole number, at least {least}")
        check_flags(new=options.new, allow_code=options.allow_code)
        return options

    @property
    def given_places(self) -> dict[str, Any]:
        """The keys of place and speed that are given, without those that the run decides."""
        return {key: value for key, value in self.places.items() if value is not None}


def _unknown(key: str, known: list[str]) -> str:
    if key == "max_epochs":
        return "'max_epochs' is not an argument; here it is called 'epochs'"
    hint = did_you_mean(key, known) or f"; the arguments: {', '.join(known)}"
    return f"{key!r} is not an argument{hint}"
