"""All commands, and the boundary around them: every failure ends as a message and an exit code.

    0 done   1 internal   2 usage or configuration   3 no usable trial   4 run folder locked or damaged
    5 resume refused   6 resources infeasible   130 SIGINT   143 SIGTERM

An error of the project (`NasTuneError`) is one message on stderr. Unexpected errors have a traceback, and so has every
error with `--debug`. A traceback never shows the values of variables.
"""

from __future__ import annotations

import atexit
import inspect
import re
import signal
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from nas_tune.cli.bench import bench
from nas_tune.cli.compare import compare
from nas_tune.cli.compress import compress
from nas_tune.cli.dashboard import dashboard
from nas_tune.cli.doctor import doctor
from nas_tune.cli.evaluate import evaluate
from nas_tune.cli.explain import explain
from nas_tune.cli.export_winner import export
from nas_tune.cli.init import init
from nas_tune.cli.listing import spaces, strategies
from nas_tune.cli.measure import measure
from nas_tune.cli.places import stderr
from nas_tune.cli.predict import predict
from nas_tune.cli.predictor import predictor
from nas_tune.cli.ranking import ranking
from nas_tune.cli.report import report
from nas_tune.cli.results import best, results
from nas_tune.cli.retrain import retrain
from nas_tune.cli.search import resume, search, with_kinds
from nas_tune.cli.space import space
from nas_tune.cli.specialize import specialize
from nas_tune.cli.text import harmless
from nas_tune.cli.watch import watch
from nas_tune.errors import ConfigError, NasTuneError

__all__ = ["app", "main"]


class _Boundary(TyperGroup):
    """Turns the errors of the project into messages and exit codes; other exceptions pass."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_kinds(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except NasTuneError as error:
            if ctx.params.get("debug"):
                stderr().print("".join(traceback.format_exception(error)), end="")
            else:
                console = stderr()
                console.print("error: ", style="bold red", end="")
                console.print(harmless(str(error)))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


class _Command(TyperCommand):
    """Shows the types of options in plain words, and refuses an option that has one value and is given twice."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        for param in self.get_params(ctx):
            _name_type(param)
        super().format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        for option in order:
            if (
                order.count(option) > 1
                and option.nargs == 1
                and not (option.multiple or getattr(option, "is_flag", False))
            ):
                raise ConfigError(
                    f"{option.opts[0]}: given {order.count(option)} times; it has one value, give it once"
                )
        return super().parse_args(ctx, args)


def _name_type(param: Any) -> None:
    """Give the column of types a value's kind: none for a flag, INT for numbers with bounds, of a list its items."""
    if isinstance(param, TyperArgument):
        if param.multiple or param.nargs != 1:
            param.display_type = lambda ctx: "<str>..."  # type: ignore[method-assign]
    elif param.metavar is None and getattr(param, "is_flag", False):
        param.metavar = ""
    elif param.metavar is None and param.type_descriptor.is_ranged:
        param.metavar = "<int>"


app = typer.Typer(
    name="nas-tune",
    cls=_Boundary,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"nas-tune {version('nas-tune')}")
        except PackageNotFoundError:
            typer.echo("nas-tune, not installed as a package")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", envvar="NAS_TUNE_DEBUG", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Neural architecture search: Optuna proposes, Ray Tune runs, a ledger remembers."""
    from nas_tune.config.references import allow_local_modules

    allow_local_modules()


def _help(command: object) -> str:
    """The paragraphs of a command's docstring, without its sections: each option has its own help text."""
    text = re.split(r"^(?:Args|Raises):$", inspect.getdoc(command) or "", flags=re.MULTILINE)[0]
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


for _command in (
    init,
    search,
    resume,
    results,
    best,
    watch,
    dashboard,
    report,
    explain,
    compare,
    retrain,
    export,
    compress,
    measure,
    evaluate,
    specialize,
    ranking,
    predict,
    predictor,
    spaces,
    space,
    strategies,
    bench,
    doctor,
):
    app.command(cls=_Command, help=_help(_command))(_command)


def main() -> None:
    """Run the console script `nas-tune`; ends the interpreter with an exit code."""
    # Registered first, so called last: from there on the interpreter has no handlers of its own, and a second Ctrl-C
    # would end it with the signal instead of the exit code.
    atexit.register(_ignore_signals)
    try:
        app(prog_name="nas-tune")
    except KeyboardInterrupt:
        # It came while the first one was being told.
        sys.exit(130)


def _ignore_signals() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
