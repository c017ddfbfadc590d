"""The code that the settings of a trainable name: a task of one's own, its loss, its metrics, its transforms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_tune.config.references import current_reference, load_reference, source_fingerprint
from nas_tune.errors import ConfigError, ResumeRefusedError
from nas_tune.session.trust import named_by_settings

__all__ = ["check_settings_code", "settings_code"]

_LIBRARIES = ("torch", "torchmetrics", "torchvision")
"""Packages whose versions say what changed; the run keeps and compares those apart from this."""


def settings_code(settings: Mapping[str, Any]) -> dict[str, str]:
    """Compute a digest of each class and function that settings name by "module:attribute".

    Args:
        settings: of a trainable.

    Returns:
        The digest of the source text by the reference; what has no source to read is left out.
    """
    found = {}
    for named in named_by_settings(settings):
        if named.reference.partition(":")[0].partition(".")[0] in _LIBRARIES:
            continue
        try:
            digest = source_fingerprint(load_reference(current_reference(named.reference)))
        except ConfigError:
            continue  # whoever uses it says what is wrong
        if digest is not None:
            found[named.reference] = digest
    return found


def check_settings_code(kept: object, settings: Mapping[str, Any]) -> None:
    """Check that the code is that with which a run began.

    Args:
        kept: what `settings_code` returned then; runs of earlier versions have nothing.
        settings: of the trainable, now.

    Raises:
        ResumeRefusedError: the source text of a class or function is another one.
    """
    if not isinstance(kept, Mapping):
        return
    for reference, now in settings_code(settings).items():
        before = kept.get(reference, now)
        if before != now:
            raise ResumeRefusedError(
                f"the code of {reference} changed since the run began (source {before}, now {now}): its results would "
                "mix with the old ones; take the old code, start a new run, or say accept_code_change "
                "(--accept-code-change) if the change does not matter"
            )
