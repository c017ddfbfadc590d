"""The command line, from the program's own commands."""

from __future__ import annotations

import inspect
from typing import Any

from typer.main import get_command

from _site.text import as_markdown
from nas_tune import errors
from nas_tune.cli.app import app

__all__ = ["every_command", "exit_codes"]

_ALWAYS = {
    "0": "Done.",
    "1": "An unexpected error, or one of several steps failed; the message says which.",
    "2": "Usage or configuration.",
    "3": "The search ended, and no trial has a value.",
    "4": "The run folder is missing, damaged, in use by another process, or on a full disk.",
    "5": "The resume is refused: the run was started with something else.",
    "6": "The machine or the cluster does not have the resources.",
    "130": "Stopped by Ctrl-C (SIGINT). The run can be resumed.",
    "143": "Ended by SIGTERM. The run can be resumed.",
}


def every_command() -> str:
    """A section a command: what it does, its arguments and its options."""
    return "\n\n".join(_section(name, command) for name, command in get_command(app).commands.items())


def exit_codes() -> str:
    """A row a code: its meaning, and the errors that end with it."""
    named: dict[str, list[str]] = {}
    for _, error in inspect.getmembers(errors, inspect.isclass):
        named.setdefault(str(error.exit_code), []).append(error.__name__)
    rows = ["| code | errors |", "| --- | --- |"]
    for code in sorted({*_ALWAYS, *named}, key=int):
        kinds = ", ".join(f"`{name}`" for name in named.get(code, []))
        rows.append(f"| {code} | {' '.join(filter(None, [_ALWAYS.get(code), kinds]))} |")
    return "\n".join(rows)


def _section(name: str, command: Any) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context))
    return "\n\n".join(
        [
            f"## {name}",
            as_markdown(inspect.cleandoc(command.help or "")),
            f"```text\nnas-tune {name} {usage}\n```",
            *(_parameter(one) for one in command.params),
        ]
    )


def _parameter(parameter: Any) -> str:
    """A term and its meaning."""
    meaning = as_markdown(" ".join((parameter.help or "").split())).replace("[default:", "Default:").replace("]", "")
    if parameter.required:
        meaning += " Required."
    elif isinstance(parameter.default, str | int) and parameter.default not in ("", True, False):
        meaning += f" Default: `{parameter.default}`."
    return f"{', '.join(f'`{text}`' for text in _spellings(parameter))}\n: {meaning}"


def _spellings(parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        return [parameter.metavar or parameter.name.upper()]
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return [f"{option}{value}" for option in (*parameter.opts, *parameter.secondary_opts)]
