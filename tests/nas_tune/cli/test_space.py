"""`nas-tune space`: what a space is, and what its members cost."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner, Result

from nas_tune.cli.app import app
from search_spaces import Space, choice

TINY = ("--network", "channels=2", "--network", "cells=1", "--network", "image_size=8")


def unnamed() -> Space:
    """Two members."""
    return Space({"a": choice(1, 2)})


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["space", *arguments])


def test_a_space_is_shown_with_its_decisions_and_a_member() -> None:
    said = call("nb201").stdout
    assert "nb201: 15,625 architectures, 6 parameters" in said
    assert "edge_2_3   choice  none, skip_connect" in said
    assert "a member: |" in said
    described = json.loads(call("nb201", "--json").stdout)
    assert (described["size"], len(described["spec"]["tree"]["items"])) == (15_625, 6)


def test_a_space_without_a_name_is_told_so() -> None:
    assert call("tests.nas_tune.cli.test_space:unnamed").stdout.startswith(
        "a space without name: 2 architectures, 1 parameters\n"
    )


def test_settings_of_the_space_are_passed_on() -> None:
    assert "3 blocks" not in call("pnas").stdout
    bigger, smaller = (json.loads(call("pnas", *more, "--json").stdout)["size"] for more in ((), ("--set", "blocks=2")))
    assert bigger > smaller
    refused = call("pnas", "--set", "block=2")
    assert refused.exit_code == 2
    assert "did you mean 'blocks'" in refused.stderr


@pytest.mark.slow
def test_a_profile_counts_members_and_answers_a_limit() -> None:
    ran = call("nb201", "--profile", "--samples", "40", "--max-params", "2k", *TINY)
    assert ran.exit_code == 0
    assert "40 random members, counted in" in ran.stdout
    assert "image_size=8, inputs of 3 x 8 x 8" in ran.stderr
    for line in ("parameters", "MACs", "activation memory", "build time", "least parameters", "most MACs"):
        assert f"\n{line}" in ran.stdout
    assert re.search(r"^activation memory(  +[\d.]+ k?B)+$", ran.stdout, re.MULTILINE)
    assert "at most 2 k parameters: kept by" in ran.stdout
    counted = json.loads(call("nb201", "--profile", "--samples", "40", "--max-params", "2k", "--json", *TINY).stdout)
    assert counted["share_within"] == pytest.approx(
        float(ran.stdout.split("kept by ")[1].split("%")[0]) / 100, abs=0.001
    )
    least = counted["extremes"]["parameters"]["least"]
    assert least["parameters"] == counted["quantiles"]["parameters"]["0.0"]
    assert counted["can_be_met"] is True


@pytest.mark.slow
def test_limits_are_written_as_in_a_configuration() -> None:
    limits = ("--limit", "parameters=2k", "--limit", "size=12KiB", "--limit", "macs=5M")
    ran = call("nb201", "--profile", "--samples", "12", *limits, *TINY)
    assert (
        "at most 2 k parameters and at most 12 KiB of weights and buffers and at most 5 M MACs: kept by" in ran.stdout
    )
    counted = json.loads(call("nb201", "--profile", "--samples", "12", *limits, "--json", *TINY).stdout)
    assert counted["limits"] == {"parameters": 2000.0, "size": 12288.0, "macs": 5e6}
    old = json.loads(call("nb201", "--profile", "--samples", "12", "--max-params", "2k", "--json", *TINY).stdout)
    new = json.loads(call("nb201", "--profile", "--samples", "12", "--limit", "parameters=2k", "--json", *TINY).stdout)
    assert new["share_within"] == old["share_within"]


@pytest.mark.slow
def test_a_limit_out_of_reach_is_said_with_what_was_reached() -> None:
    few = ("--set", 'operations=["nor_conv_1x1", "nor_conv_3x3"]')
    ran = call("nb201", *few, "--profile", "--samples", "5", "--max-macs", "10", *TINY)
    assert "kept by 0.0% of the members" in ran.stdout
    assert "probably impossible: a local search reached" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nb20l",), "did you mean 'nb201'"),
        (("nb201", "--max-params", "3M"), "say --profile too"),
        (("nb201", "--limit", "macs=3M"), "say --profile too"),
        (("nb201", "--profile", "--limit", "macs=3ms"), "has the unit 'ms'"),
        (("nb201", "--profile", "--limit", "mac=3M"), "did you mean 'macs'"),
        (("nb201", "--profile", "--limit", "latency=5ms"), "'latency' is no count of a profile"),
        (("nb201", "--profile", "--limit", "macs"), "write NAME=BOUND"),
        (("nb201", "--profile", "--max-params", "three"), "--max-params three: expected a number above 0"),
        (("nb201", "--profile", "--max-macs", "0"), "--max-macs 0: expected a number above 0"),
        (("nb201", "--profile", "--network", "chanels=3"), "did you mean 'channels'"),
        (("nb201", "--profile", "--network", "image_size=0"), "image_size"),
        (("tests.toys:nothing", "--profile"), "tests.toys"),
    ],
)
def test_bad_input_is_a_message_and_exit_code_2(arguments: tuple[str, ...], said: str) -> None:
    ran = call(*arguments)
    assert ran.exit_code == 2
    assert said in ran.stderr
