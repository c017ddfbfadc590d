"""The engine "command": the user's own program measures an ONNX file, on a phone, a board or another machine.

The program gets the path of the file as its last argument, and the size of a batch in the variable `NAS_TUNE_BATCH`. It
writes milliseconds for one batch to stdout, and nothing else; stderr is free. No shell is involved.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
from pathlib import Path

from trainables.errors import TrainableError
from trainables.hardware.device import Device

__all__ = ["BATCH_VARIABLE", "check_command", "run_command"]

BATCH_VARIABLE = "NAS_TUNE_BATCH"
_SHOWN = 200


def check_command(device: Device) -> None:
    """Check that the program of a device is there.

    Args:
        device: one with the engine "command".

    Raises:
        TrainableError: there is no such program, or it may not be run.
    """
    program = device.words[0]
    if shutil.which(program) is None:
        raise TrainableError(
            f"device: there is no program {program!r} that can be run; give its path, and make it executable "
            "(chmod +x), or begin the command with its interpreter, such as 'python phone.py'"
        )


def run_command(device: Device, file: Path) -> float:
    """Let the program of a device measure an ONNX file.

    Args:
        device: one with the engine "command".
        file: the file.

    Returns:
        The milliseconds that the program wrote.

    Raises:
        TrainableError: it did not end in time, it failed, or it did not write one number above 0.
    """
    called = f"device: the command {device.command!r}"
    process = subprocess.Popen(  # noqa: S603 -- the user's own program, which trust has let through
        [*device.words, os.fspath(file.absolute())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, BATCH_VARIABLE: str(device.batch)},
        start_new_session=True,
    )
    try:
        out, errors = process.communicate(timeout=device.timeout)
    except subprocess.TimeoutExpired:
        raise TrainableError(
            f"{called} did not end within {device.timeout:g} seconds; give it more (timeout), or see why it hangs"
        ) from None
    finally:
        # What the program has started ends with it: it may hold the pipes, and the phone.
        _end(process)
    if process.returncode:
        said = _last_line(errors) or _last_line(out) or "it said nothing"
        raise TrainableError(f"{called} failed with exit code {process.returncode}: {said}")
    return _milliseconds(out.decode(errors="replace"), called)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # it has ended, with all that it started
    finally:
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _milliseconds(answer: str, called: str) -> float:
    words = answer.split()
    rule = "it must write the milliseconds of one batch to stdout, one number above 0, such as 3.25"
    if len(words) != 1:
        raise TrainableError(f"{called} wrote {_shown(answer)}, {len(words)} words; {rule} (stderr is free)")
    try:
        found = float(words[0])
    except ValueError:
        raise TrainableError(f"{called} wrote {_shown(answer)}, which is no number; {rule}") from None
    if not math.isfinite(found) or found <= 0:
        raise TrainableError(f"{called} wrote {_shown(answer)}; {rule}")
    return found


def _shown(answer: str) -> str:
    text = answer.strip()
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...") if text else "nothing"


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1][:_SHOWN] if lines else ""
