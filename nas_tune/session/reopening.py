"""The setup of a run, made again from its ledger. Another space or another trainable is refused."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import trainables
from nas_tune.config import SearchConfig
from nas_tune.config.references import is_ours, source_fingerprint, with_local_modules
from nas_tune.config.self_search import searches
from nas_tune.config.stored import without_remote
from nas_tune.coordination.registrations import register_missing
from nas_tune.errors import ResumeRefusedError
from nas_tune.session.guessed_task import with_guess
from nas_tune.session.held_values import held_fingerprint
from nas_tune.session.search_setup import SearchSetup, target_of
from nas_tune.session.settings_code import check_settings_code
from nas_tune.session.trust import check_code, check_commands, load_target
from search_spaces import Space, SpaceError
from trainables.kept_data import add_place
from trainables.registry import TrainableTarget

__all__ = ["reopened"]


def reopened(
    meta: Mapping[str, Any],
    changes: Iterable[Mapping[str, Any]],
    *,
    space: Space | None = None,
    target: TrainableTarget | None = None,
    accept_code_change: bool = False,
    folder: Path = Path(),
    allow_code: bool = False,
    said: Collection[str] | None = None,
) -> SearchSetup:
    """Make the setup of a run again from its ledger, with the changes that were made since.

    Args:
        meta: as the ledger has it.
        changes: keys of the configuration that resumes changed, in order.
        space: the space, where the caller gives it.
        target: the trainable, where the caller gives it.
        accept_code_change: take the trainable although its source has changed.
        folder: of the run.
        allow_code: import what the run names although it did not begin here.
        said: of the keys that lead out of this machine those that the caller gave; None where nothing is reached.

    Returns:
        The setup, checked.

    Raises:
        ForeignCodeError: the run comes from elsewhere and names code; nothing was imported.
        ResumeRefusedError: the space, the trainable, or the task that the data suggest is another one than at the start
            of the run.
    """
    add_place(folder.absolute())
    values = without_remote(folder, meta["config"])
    for change in changes:
        values.update(change)
    values["trainable"] = with_guess(values["trainable"], meta, check=said is not None)
    config = SearchConfig(**values)
    brought = [name for name, one in (("space", space), ("trainable", target)) if one is not None]
    reaches = {} if said is None else config.reaches(*(key for key in config.keys_that_lead_out() if key not in said))
    check_code(meta, folder, allow_code=allow_code, given=brought, reaches=reaches)
    register_missing(meta.get("registered", {}), accept_code_change=accept_code_change)
    space = space or _space_again(meta, config)
    _same_space(meta, space)
    target = target or _target_again(meta, config)
    if not accept_code_change:
        _same_trainable(meta, target)
        check_settings_code(meta["trainable"].get("code"), config.trainable.settings)
    setup = SearchSetup.of(config, space, target)
    if said is None or "device" not in said:
        check_commands(setup.trainable_settings, meta, folder, allow_code=allow_code)
    return setup


def _space_again(meta: Mapping[str, Any], config: SearchConfig) -> Space:
    try:
        with_local_modules()
        return Space.from_spec(meta["space"])
    except SpaceError as error:
        raise ResumeRefusedError(
            f"the space {config.space.name!r} cannot be rebuilt from the run ({error}); "
            "resume from Python: nas_tune.resume(path, space=...)"
        ) from error


def _target_again(meta: Mapping[str, Any], config: SearchConfig) -> TrainableTarget:
    name, reference = config.trainable.name, meta["trainable"]["reference"]
    is_known = name in trainables.names() or reference is None
    if searches(config.strategy.name) or (meta["trainable"]["registered"] and ":" not in name and is_known):
        return target_of(config, None)
    if reference is None:
        raise ResumeRefusedError(
            f"the trainable {config.trainable.name!r} was defined in a script or notebook and cannot be imported; "
            "resume from there: nas_tune.resume(path, trainable=...)"
        )
    return load_target(reference)


def _same_space(meta: Mapping[str, Any], space: Space) -> None:
    if space.fingerprint == meta["space_fingerprint"]:
        return
    before, now = (json.dumps(spec, indent=1).splitlines() for spec in (meta["space"], space.to_spec()))
    diff = "\n".join(difflib.unified_diff(before, now, "the run's space", "the space now", n=1, lineterm=""))
    raise ResumeRefusedError(f"the space changed since the run began; start a new run for it:\n{diff}")


def _same_trainable(meta: Mapping[str, Any], target: TrainableTarget) -> None:
    before, now = meta["trainable"]["fingerprint"], source_fingerprint(target)
    if before is not None and now is not None and now != before:
        raise ResumeRefusedError(
            f"the code of the trainable changed since the run began (source {before}, now {now}): its results would "
            "mix with the old ones; take the old code, start a new run, or say accept_code_change "
            "(--accept-code-change) if the change does not matter"
        )
    # A run of an earlier version has no such fingerprint, and one with a version attribute is known by that alone.
    held = meta["trainable"].get("held")
    if held is not None and not is_ours(target) and held != held_fingerprint(target):
        raise ResumeRefusedError(
            "the trainable holds other values than when the run began (arguments of a partial, defaults, a closure, or "
            "the state of its instance): its results would mix with the old ones; give the old values, start a new "
            "run, or say accept_code_change (--accept-code-change) if the change does not matter"
        )
