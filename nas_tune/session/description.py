"""The description of a run that its ledger keeps from its start to its end."""

from __future__ import annotations

import time
from typing import Any

import trainables
from nas_tune.config.references import reference_of, source_fingerprint
from nas_tune.session.guessed_task import guess_of
from nas_tune.session.held_values import held_fingerprint
from nas_tune.session.search_setup import SearchSetup
from nas_tune.session.settings_code import settings_code
from nas_tune.session.trust import signed
from nas_tune.session.versions import versions
from search_spaces import Parameter

__all__ = ["describe_run"]


def describe_run(setup: SearchSetup) -> dict[str, Any]:
    """Describe a run for its ledger.

    Args:
        setup: of the run.

    Returns:
        Plain data, signed by this user.
    """
    meta = {
        "config": setup.config.to_dict(),
        "space": setup.space.to_spec(),
        "space_fingerprint": setup.space.fingerprint,
        "parameters": [[parameter.name, _kind(parameter)] for parameter in setup.space.parameters],
        "metric": setup.objectives[0].metric,
        "mode": setup.objectives[0].mode,
        **({"objectives": [[one.metric, one.mode] for one in setup.objectives]} if len(setup.objectives) > 1 else {}),
        **({"metrics": [one.to_dict() for one in found]} if (found := setup.metrics) else {}),
        "trainable": {
            "registered": _is_registered(setup),
            "reference": reference_of(setup.target),
            "fingerprint": source_fingerprint(setup.target),
            "held": held_fingerprint(setup.target),
            "settings": (settings := _settings(setup)),
            "code": settings_code(settings),
        },
        **({"registered": names} if (names := setup.registered) else {}),
        "versions": dict(versions()),
        "created": time.time(),
    }
    return signed(meta)


def _settings(setup: SearchSetup) -> dict[str, Any]:
    """The settings of the trainable; where the data decide the task, the task that they decide now."""
    settings = setup.trainable_settings
    if settings.get("task") != "auto":
        return settings
    return {**settings, "task": guess_of(settings)[0]}


def _is_registered(setup: SearchSetup) -> bool:
    """Whether the name leads to the target: a function of a notebook may be called as a registered one is."""
    name = setup.config.trainable.name
    return setup.searches or (name in trainables.names() and trainables.get(name) is setup.target)


def _kind(parameter: Parameter) -> str:
    if parameter.choices is None:
        return "int" if parameter.kind == "integer" else "float"
    kinds = {type(choice).__name__ for choice in parameter.choices}
    return f"categorical:{kinds.pop() if len(kinds) == 1 else 'str'}"
