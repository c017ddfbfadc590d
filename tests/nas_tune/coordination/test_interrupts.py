"""Ctrl-C and SIGTERM: once in good order, twice at once, never in the middle of a write."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_tune.coordination.interrupts import Interrupted, Interrupts

ROOT = Path(__file__).parents[3]
SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Whatever a test does, the handlers are as they were, and none of them is left behind by the code."""
    before = [signal.getsignal(signum) for signum in SIGNALS]
    yield
    assert [signal.getsignal(signum) for signum in SIGNALS] == before


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_is_raised_where_the_search_is(signum: signal.Signals) -> None:
    with pytest.raises(Interrupted, match=signum.name) as caught, Interrupts():
        signal.raise_signal(signum)
    assert caught.value.signum == signum


def test_what_the_caller_sees_is_what_python_would_have_raised() -> None:
    assert isinstance(Interrupted(signal.SIGINT).as_exit(), KeyboardInterrupt)
    left = Interrupted(signal.SIGTERM).as_exit()
    assert isinstance(left, SystemExit)
    assert left.code == 143


def test_a_broad_except_does_not_swallow_it() -> None:
    assert not issubclass(Interrupted, Exception)


def test_a_shielded_block_is_finished_first() -> None:
    done: list[str] = []

    def shielded(interrupts: Interrupts) -> None:
        with interrupts.shield():
            with interrupts.shield():
                signal.raise_signal(signal.SIGINT)
                done.append("inner")
            done.append("outer")
        done.append("after")

    with pytest.raises(Interrupted), Interrupts() as interrupts:
        shielded(interrupts)
    assert done == ["inner", "outer"]


def test_a_long_shield_lets_the_signal_out_where_it_says() -> None:
    reached: list[int] = []

    def long_shield(interrupts: Interrupts) -> None:
        with interrupts.shield():
            interrupts.check()
            signal.raise_signal(signal.SIGTERM)
            for step in range(5):
                reached.append(step)
                if step == 2:
                    interrupts.check()

    with pytest.raises(Interrupted, match="SIGTERM"), Interrupts() as interrupts:
        long_shield(interrupts)
    assert reached == [0, 1, 2]


def test_a_shield_that_no_signal_met_is_nothing() -> None:
    with Interrupts() as interrupts, interrupts.shield():
        interrupts.check()


def test_an_error_inside_a_shield_comes_through() -> None:
    def failing(interrupts: Interrupts) -> None:
        with interrupts.shield():
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Interrupts() as interrupts:
        failing(interrupts)


def test_one_that_was_never_entered_holds_nothing_back() -> None:
    interrupts = Interrupts()
    with interrupts.shield():
        interrupts.check()


def test_outside_the_main_thread_nothing_is_installed() -> None:
    before, found = signal.getsignal(signal.SIGINT), []

    def enter() -> None:
        with Interrupts() as interrupts, interrupts.shield():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [before]


TWICE = """
import signal
from nas_tune.coordination.interrupts import Interrupted, Interrupts
with Interrupts() as interrupts, interrupts.shield():
    signal.raise_signal(signal.{first})
    print("once", flush=True)
    signal.raise_signal(signal.{second})
    print("twice", flush=True)
"""


@pytest.mark.parametrize(("first", "second", "code"), [("SIGINT", "SIGINT", 130), ("SIGINT", "SIGTERM", 143)])
def test_the_second_signal_ends_the_process_at_once(first: str, second: str, code: int) -> None:
    """Also inside a shield: the ledger's transaction is whole or rolled back, and nothing else matters any more."""
    command = [sys.executable, "-c", TWICE.format(first=first, second=second)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "once\n")
