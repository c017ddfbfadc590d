"""The description of a run that its ledger keeps from its start to its end."""

from __future__ import annotations

import time
from typing import Any

import trainables
from nas_tune.config.references import reference_of, source_fingerprint
from nas_tune.session.held_values import held_fingerprint
from nas_tune.session.recipe import Recipe
from nas_tune.session.trust import signed
from nas_tune.session.versions import versions
from search_spaces import Parameter

__all__ = ["described"]


def described(recipe: Recipe) -> dict[str, Any]:
    """Describe a run for its ledger.

    Args:
        recipe: of the run.

    Returns:
        Plain data, signed by this user.
    """
    meta = {
        "config": recipe.config.to_dict(),
        "space": recipe.space.to_spec(),
        "space_fingerprint": recipe.space.fingerprint,
        "parameters": [[parameter.name, _kind(parameter)] for parameter in recipe.space.parameters],
        "metric": recipe.objectives[0].metric,
        "mode": recipe.objectives[0].mode,
        **({"objectives": [[one.metric, one.mode] for one in recipe.objectives]} if len(recipe.objectives) > 1 else {}),
        "trainable": {
            "registered": _is_registered(recipe),
            "reference": reference_of(recipe.target),
            "fingerprint": source_fingerprint(recipe.target),
            "held": held_fingerprint(recipe.target),
            "settings": recipe.trainable_settings,
        },
        **({"registered": found} if (found := recipe.registered) else {}),
        "versions": dict(versions()),
        "created": time.time(),
    }
    return signed(meta)


def _is_registered(recipe: Recipe) -> bool:
    """Whether the name leads to the target: a function of a notebook may be called as a registered one is."""
    name = recipe.config.trainable.name
    return recipe.searches or (name in trainables.names() and trainables.get(name) is recipe.target)


def _kind(parameter: Parameter) -> str:
    if parameter.choices is None:
        return "int" if parameter.kind == "integer" else "float"
    kinds = {type(choice).__name__ for choice in parameter.choices}
    return f"categorical:{kinds.pop() if len(kinds) == 1 else 'str'}"
