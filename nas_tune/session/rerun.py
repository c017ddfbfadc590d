"""Going on with a run: what may differ from when it began, and the call that does it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas_tune.config import SearchConfig
from nas_tune.config.references import why_not
from nas_tune.errors import ConfigError, ResumeRefusedError
from nas_tune.session.own_networks import Given, is_importable
from nas_tune.session.search_setup import CHANGEABLE
from search_spaces import Space
from search_spaces.names import did_you_mean
from trainables.registry import TrainableTarget

__all__ = ["changed_since", "check_changes", "way_on"]


def changed_since(folder: Path, before: Mapping[str, Any], config: SearchConfig) -> dict[str, Any]:
    """Find the keys of a configuration that differ from those of a run.

    Args:
        folder: of the run.
        before: the configuration of the run, as plain data.
        config: the configuration that is asked for now.

    Returns:
        The keys that differ, with their values now; a resume may change each of them.

    Raises:
        ResumeRefusedError: another key differs, so that this is another search.
    """
    now = config.to_dict()
    # Two spellings may name one folder.
    compared = [key for key in now if key not in config.keys_that_decide("folder")]
    differs = {key: now[key] for key in compared if now[key] != before.get(key)}
    others = [key for key in differs if key not in CHANGEABLE]
    if others:
        lines = "; ".join(f"{key} was {before.get(key)!r}, now {now[key]!r}" for key in others)
        raise ResumeRefusedError(
            f"{folder} holds the run of another configuration ({lines}): its trials would not compare; take another "
            "run_dir, or start beside it (new=True, --new)"
        )
    return differs


def check_changes(config: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Check whether a resume may change the keys that it is asked to.

    Args:
        config: the configuration of the run, as plain data.
        wanted: the keys to change, with their values.

    Raises:
        ConfigError: there is no such key.
        ResumeRefusedError: the change would mix results of different searches.
    """
    for key in wanted:
        if key not in config:
            raise ConfigError(
                f"{key}: unknown key{did_you_mean(key, config)}; a resume may change: {', '.join(CHANGEABLE)}"
            )
    differs = [key for key in wanted if key not in CHANGEABLE and wanted[key] != config[key]]
    if "resources" in wanted and _devices(wanted["resources"]) != _devices(config["resources"]):
        raise ResumeRefusedError(
            f"a resume cannot change resources.devices (it was {_devices(config['resources'])}, now "
            f"{_devices(wanted['resources'])}): batch norm sees other shares, so that its trials would not compare; "
            "start a new run"
        )
    if differs:
        lines = "; ".join(f"{key} was {config[key]!r}, now {wanted[key]!r}" for key in differs)
        raise ResumeRefusedError(
            f"a resume cannot change {', '.join(differs)} ({lines}): its trials would not compare; start a new run. "
            f"What may change: {', '.join(CHANGEABLE)}"
        )


def way_on(folder: Path, space: Given | None, target: TrainableTarget | None) -> str:
    """Say how to go on with a run that holds the folder of a new one.

    Args:
        folder: of the run.
        space: the space, or networks of one's own, that the caller gave as an object.
        target: the trainable that the caller gave as an object.

    Returns:
        A clause with the call and the command.
    """
    given = ""
    if target is not None and why_not(target):
        given += f", trainable={getattr(target, '__name__', 'TRAINABLE').strip('<>')}"
    if space is not None and _made_here(space):
        given += ", space=SPACE"
    if given:
        return f"go on with it: nas_tune.resume({str(folder)!r}{given}), or search(..., resume=True)"
    return f"go on with it (nas-tune resume {folder}, or search with resume=True, --resume)"


def _made_here(space: Given) -> bool:
    """Whether no other process could make the space from what a run keeps of it."""
    if not isinstance(space, Space):
        return not is_importable(space)
    rules = (type(space), space.valid, space.canonical)
    # A rule with a state is kept by its class.
    return any(why_not(rule if hasattr(rule, "__qualname__") else type(rule)) for rule in rules if rule is not None)


def _devices(resources: object) -> object:
    """How many train one architecture together; runs of earlier versions do not have the key: one."""
    return resources.get("devices", 1) if isinstance(resources, Mapping) else getattr(resources, "devices", 1)
