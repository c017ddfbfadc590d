"""`nas-tune compare`: runs side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas_tune.cli.places import run_folder, stderr, stdout, width_of

if TYPE_CHECKING:
    from nas_tune.analysis import Comparison

__all__ = ["compare"]


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Two or more folders of runs, or names below runs/.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with the best value of each run over time.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Also write a page that opens offline (.html), or a picture (.png, .svg, .pdf).",
        ),
    ] = None,
) -> None:
    """Set runs side by side: what they found, and whether they differ by more than chance.

    Runs that differ in their seed only are one group. If every group has several runs, the groups are compared by the
    best value of each run. Else trials are compared: this allows no conclusion about other seeds, and has a p-value for
    random search only.

    Args:
        runs: two or more run folders, or names below runs/.
        as_json: whether to print JSON.
        out: a file for the page or the picture; its suffix selects which.
    """
    from nas_tune.analysis import compare as compared
    from nas_tune.results import Run

    write = None if out is None else _writer(out)
    found = compared([Run(run_folder(name)) for name in runs])
    if out is not None and write is not None:
        write(found, out)
        stderr().print(f"wrote {out}")
    for warning in found.warnings:
        stderr().print(f"warning: {warning}", style="yellow")
    if as_json:
        stdout().print(json.dumps(found.to_dict(), indent=2, allow_nan=False))
    else:
        _print(found)


def _writer(out: Path) -> Callable[[Comparison, Path], object]:
    """The function that writes a file with this suffix; the suffix is checked before any run is read."""
    from nas_tune.analysis.picture import SUFFIXES, draw_courses
    from nas_tune.errors import ConfigError
    from nas_tune.reports import write_comparison

    if out.suffix not in (".html", *SUFFIXES):
        raise ConfigError(f"--out {out}: the name must end with .html, {', '.join(SUFFIXES)}")
    return write_comparison if out.suffix == ".html" else draw_courses


def _print(found: Comparison) -> None:
    from nas_tune.cli.tables import TableColumn, fitting, lines
    from nas_tune.cli.text import brief, duration, plain, titled

    out = stdout()
    width = width_of(out)
    runs, groups = found.runs, found.groups
    more = "more is better" if found.mode == "max" else "less is better"
    out.print(f"{titled(found.metric, found.unit)} of complete trials; {more}", style="bold")
    columns = [
        TableColumn("run", [plain(name) for name in runs["run"]], style="bold", elastic=True),
        TableColumn("best", [brief(value) for value in runs["best"]], right=True),
        TableColumn(f"in {found.trials} trials", [brief(value) for value in runs["best_equal"]], right=True),
        TableColumn("median", [brief(value) for value in runs["median"]], right=True),
        TableColumn("trials", [str(count) for count in runs["trials"]], right=True),
        TableColumn("complete", [str(count) for count in runs["complete"]], right=True),
        TableColumn("epochs", [f"{count:,}" for count in runs["epochs"]], right=True),
        TableColumn("time", [duration(value) for value in runs["seconds"]], right=True),
        TableColumn("seed", [str(seed) for seed in runs["seed"]], right=True),
        TableColumn("group", [plain(label) for label in runs["group"]], elastic=True),
    ]
    for line in lines(fitting(columns, width), width):
        out.print(line)
    out.print(f"\nbest in {found.trials} trials, by group", style="bold")
    spread = [f"± {value:.4g}" if value == value else "" for value in groups["std"]]
    columns = [
        TableColumn("group", [plain(label) for label in groups["group"]], style="bold", elastic=True),
        TableColumn("runs", [str(count) for count in groups["runs"]], right=True),
        TableColumn("mean", [brief(value) for value in groups["mean"]], right=True),
        TableColumn("deviation", spread),
        TableColumn("from", [brief(value) for value in groups["least"]], right=True),
        TableColumn("to", [brief(value) for value in groups["most"]], right=True),
    ]
    for line in lines(fitting(columns, width), width):
        out.print(line)
    _print_tests(found)


def _print_tests(found: Comparison) -> None:
    out, tests = stdout(), found.tests.to_dict("records")
    if not tests:
        out.print("\nfewer than two groups have complete trials: nothing to test; give runs of another strategy, too")
        return
    seeds = tests[0]["about"] == "seeds"
    what = "what each run found; n is the number of seeds" if seeds else "all complete trials; n is their number"
    out.print(f"\ndifferences (Mann-Whitney U of {what}; Holm's correction)", style="bold")
    for row in tests:
        sizes = f"n = {row['n_one']} and {row['n_other']}"
        out.print(f"{row['one']} - {row['other']}: {_difference(row, found.unit)}, {sizes}, {_verdict(row)}")
    if not seeds:
        out.print("a group has one run only: this compares trials, not seeds, and leaves out stopped trials")
    elif min(row["least_p"] for row in tests) * len(tests) >= 0.05:
        least = min(row["least_p"] for row in tests)
        out.print(f"with so few seeds p cannot fall below {least:.2g} (before the correction): run more")


def _difference(row: Mapping[Hashable, Any], unit: str) -> str:
    """The difference of two groups, in words. Equal groups are better in half of the pairs, since a tie counts half."""
    if row["difference"] == 0 and row["wins"] == 0.5:
        return "no difference"
    return f"{row['difference']:+.4g}{unit and f' {unit}'}, better in {row['wins']:.0%} of pairs"


def _verdict(row: Mapping[Hashable, Any]) -> str:
    if row["why_no_p"]:
        return f"no p-value: {row['why_no_p']}"
    return f"p = {row['p']:.2g}{'' if row['differs'] else '  (could be chance)'}"
