"""The user's own program measures: what it gets, and every answer that is none."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from trainables.errors import TrainableError
from trainables.hardware.commands import run_command
from trainables.hardware.device import Device


@pytest.fixture
def answered(tmp_path):
    """Run a Python program as the command of a device."""

    def run(code: str, **settings) -> float:
        program = tmp_path / "measure.py"
        program.write_text(f"import os, sys, time\n{code}\n")
        command = f"'{sys.executable}' '{program}' --on board"
        return run_command(Device("command", command=command, **settings), tmp_path / "one.onnx")

    return run


def test_the_number_on_stdout_is_the_latency_and_stderr_is_free(answered):
    assert answered("print('warming up', file=sys.stderr); print(' 3.25')") == 3.25


def test_the_program_gets_the_file_last_and_the_batch_in_a_variable(answered, tmp_path):
    seen = tmp_path / "seen"
    answered(f"open({str(seen)!r}, 'w').write(repr((sys.argv[1:], os.environ['NAS_TUNE_BATCH']))); print(1)", batch=8)
    assert seen.read_text() == repr((["--on", "board", str(tmp_path / "one.onnx")], "8"))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('fast')", "wrote 'fast', which is no number"),
        ("print(1, 2)", "wrote '1 2', 2 words"),
        ("print('3.2 ms')", "2 words"),
        ("pass", "wrote nothing, 0 words"),
        ("print(-1)", "wrote '-1'; it must write"),
        ("print(0)", "number above 0"),
        ("print('nan')", "wrote 'nan'"),
        ("print('x' * 1000)", "xxx...'"),
        ("print('no phone', file=sys.stderr); sys.exit(3)", "failed with exit code 3: no phone"),
        ("sys.exit(1)", "failed with exit code 1: it said nothing"),
        ("os.write(1, bytes([255]))", "which is no number"),
    ],
)
def test_an_answer_that_is_none_is_an_error_that_shows_it(answered, code, said):
    with pytest.raises(TrainableError) as refused:
        answered(code)
    assert said in str(refused.value)


def test_a_program_that_hangs_is_ended_with_all_that_it_started(answered, tmp_path):
    alive = tmp_path / "alive"
    child = f"import time; time.sleep(2.5); open({str(alive)!r}, 'w')"
    code = f"import subprocess\nsubprocess.Popen([sys.executable, '-c', {child!r}])\ntime.sleep(60)"
    begin = time.monotonic()
    with pytest.raises(TrainableError, match=r"did not end within 1 seconds.*timeout"):
        answered(code, timeout=1)
    assert time.monotonic() - begin < 30
    time.sleep(2)
    assert not Path(alive).exists()
