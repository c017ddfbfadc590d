"""What a resume may change of a configuration, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from nas_tune.config.schema import Resources
from nas_tune.errors import ConfigError, ResumeRefusedError
from nas_tune.session.rerun import check_changes

BEFORE: dict[str, Any] = {
    "max_trials": 4,
    "max_epochs": 9,
    "workers": 1,
    "resources": {"cpus": 1.0, "gpus": 0.0, "devices": 2},
}


@pytest.mark.parametrize(
    "wanted",
    [{}, {"max_trials": 9}, {"workers": 2}, {"max_epochs": 9}, {"resources": {"cpus": 2.0, "gpus": 0.0, "devices": 2}}],
)
def test_what_mixes_no_results_may_change(wanted: dict[str, Any]) -> None:
    check_changes(BEFORE, wanted)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"max_epochs": 8}, r"cannot change max_epochs \(max_epochs was 9, now 8\)"),
        ({"resources": {"cpus": 1.0, "gpus": 0.0, "devices": 3}}, r"resources.devices \(it was 2, now 3\)"),
        ({"resources": {"cpus": 1.0, "gpus": 0.0}}, r"resources.devices \(it was 2, now 1\)"),
    ],
)
def test_what_mixes_results_is_refused(wanted: dict[str, Any], why: str) -> None:
    with pytest.raises(ResumeRefusedError, match=why):
        check_changes(BEFORE, wanted)


def test_resources_of_an_earlier_version_are_of_one_device() -> None:
    check_changes({"resources": {"cpus": 1.0}}, {"resources": {"cpus": 2.0, "devices": 1}})


def test_resources_may_be_an_object_and_what_are_none_is_said_by_the_configuration() -> None:
    with pytest.raises(ResumeRefusedError, match=r"resources.devices \(it was 2, now 3\)"):
        check_changes(BEFORE, {"resources": Resources(devices=3)})
    check_changes({"resources": {"cpus": 1.0, "devices": 1}}, {"resources": "two"})


def test_a_key_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"max_trial: unknown key.*did you mean 'max_trials'"):
        check_changes(BEFORE, {"max_trial": 1})
