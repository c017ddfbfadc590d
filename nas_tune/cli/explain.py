"""`nas-tune explain`: which decisions mattered, the neighbours of the winner, and how the best differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from nas_tune.cli.options import RunArgument
from nas_tune.cli.places import run_folder, stderr, stdout, width_of

if TYPE_CHECKING:
    from nas_tune.analysis import Explanation, Importance
    from nas_tune.analysis.neighbours import Neighbours

__all__ = ["explain"]

_WIDE = 90


def explain(
    run: RunArgument,
    evaluator: Annotated[
        str, typer.Option(help="How importance is measured: auto, fanova, mdi or ped_anova.")
    ] = "auto",
    k: Annotated[int, typer.Option("-k", min=1, help="How many of the best architectures to compare.")] = 5,
    rows: Annotated[int, typer.Option(min=1, help="At most this many rows in each table.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all rows of the tables.")] = False,
) -> None:
    """Show which decisions mattered, what one change to the winner would do, and how the best differ.

    The results come from the trials of the run; nothing is trained.

    Args:
        run: the run's folder, or its name below runs/.
        evaluator: the evaluator of the importance: auto, fanova, mdi or ped_anova.
        k: how many of the best architectures to compare.
        rows: the most rows of each table.
        as_json: whether to print JSON.
    """
    from nas_tune.analysis import explain as explained
    from nas_tune.results import Run

    opened, console = Run(run_folder(run)), stderr()
    if console.is_terminal:
        with console.status("asking which decisions mattered"):
            found = explained(opened, evaluator, k)
    else:
        found = explained(opened, evaluator, k)
    if as_json:
        stdout().print(json.dumps(found.to_dict(), indent=2, allow_nan=False))
        return
    for one in found.importance:
        _print_importance(one, found.units.get(one.metric, ""), rows)
    if found.neighbours is not None:
        _print_neighbours(found.neighbours, found.winner, _unit(found), rows)
    if len(found.top) > 1:
        _print_top(found)
    for note in found.notes:
        stdout().print(f"\nnote: {note}")


def _unit(found: Explanation) -> str:
    """The unit of the leading metric."""
    return found.units.get(found.importance[0].metric, "") if found.importance else ""


def _print_importance(one: Importance, unit: str, rows: int) -> None:
    from nas_tune.cli.tables import TableColumn, fitting, lines
    from nas_tune.cli.text import plain, titled

    out = stdout()
    out.print(f"which decisions mattered to {titled(one.metric, unit)}", style="bold")
    if one.table.empty:
        out.print(f"{one.advice}\n")
        return
    first = f" of the first {one.tested} of them" if one.tested < one.trials else ""
    how = "" if one.sample else f" by a model{first}, since the trials were chosen"
    out.print(f"({one.evaluator}, {one.source}; 90 % intervals; p: that chance alone did it{how}; Holm's correction)")
    table = one.table.head(rows)
    columns = [
        TableColumn("decision", [plain(name) for name in table["decision"]], elastic=True),
        TableColumn("share", [f"{share:.1%}" for share in table["importance"]], right=True),
        TableColumn(
            "interval", [f"{a:.0%} to {b:.0%}" for a, b in zip(table["low"], table["high"], strict=True)], right=True
        ),
        TableColumn("p", [f"{p:.2g}{'' if p < 0.05 else ' ?'}" for p in table["p"]]),
        TableColumn("values", [str(count) for count in table["values"]], right=True),
        TableColumn("active", [f"{share:.0%}" for share in table["active"]], right=True),
    ]
    width = width_of(out)
    for line in lines(fitting(columns, width), width):
        out.print(line)
    _print_rest(len(one.table) - len(table))
    _print_pairs(one, rows)
    if one.selection:
        out.print(one.selection)
    out.print(f"{one.advice}\n")


def _print_pairs(one: Importance, rows: int) -> None:
    from nas_tune.cli.tables import TableColumn, fitting, lines
    from nas_tune.cli.text import plain

    out, found = stdout(), one.pairs[one.pairs["stands_out"]]
    if found.empty:
        out.print("shares are main effects of single decisions; no interaction of two was found")
        return
    out.print("interactions of two decisions, beyond their main effects")
    shown = found.head(rows)
    columns = [
        TableColumn(
            "pair", [plain(f"{a} with {b}") for a, b in zip(shown["one"], shown["other"], strict=True)], elastic=True
        ),
        TableColumn("of the variance", [f"{share:.1%}" for share in shown["share"]], right=True),
        TableColumn("p", [f"{p:.2g}" for p in shown["p"]]),
    ]
    width = width_of(out)
    for line in lines(fitting(columns, width), width):
        out.print(line)
    _print_rest(len(found) - len(shown))


def _print_neighbours(around: Neighbours, winner: int | None, unit: str, rows: int) -> None:
    from nas_tune.cli.tables import TableColumn, fitting, lines, wrapped
    from nas_tune.cli.text import brief, measured, plain, titled

    out, table = stdout(), around.table
    seen = int(table["seen"].sum())
    out.print(f"one change to the winner, trial {winner}", style="bold")
    # The winner may have a better value at its end, which most neighbours did not reach.
    out.print(
        f"values of {around.source}, {measured(around.winner, unit)} of the winner; {seen} of {around.count} "
        f"neighbours were tried; {around.model}"
    )
    shown = table.head(rows)
    wide = zip(shown["value"], shown["low"], shown["high"], shown["seen"], strict=True)
    cells: list[str] = []
    for value, low, high, tried in wide:
        cells.append(brief(value) if tried else f"{brief(value)} ± {brief(abs(high - low) / 2)}")
    columns = [
        TableColumn(titled("value", unit), cells, right=True),
        TableColumn(
            titled("gain", unit), [f"{gain:+.4g}" if gain == gain else "-" for gain in shown["gain"]], right=True
        ),
        TableColumn(
            "known",
            [f"trial {n}" if tried else "guess" for n, tried in zip(shown["trial"], shown["seen"], strict=True)],
        ),
        TableColumn("change", [plain(text) for text in shown["change"]], elastic=True),
    ]
    width = width_of(out)
    if width is None or width >= _WIDE:
        for line in lines(fitting(columns, width), width) if len(shown) else ():
            out.print(line)
    else:  # the table is too wide: each change gets its own line, uncut
        numbers = list(lines(columns[:-1], width, header=False)) if len(shown) else []
        for line, text in zip(numbers, shown["change"], strict=True):
            out.print(line)
            out.print(f"   {wrapped(plain(text), width, 3)}")
    _print_rest(len(table) - len(shown))


def _print_top(found: Explanation) -> None:
    from nas_tune.cli.tables import wrapped
    from nas_tune.cli.text import plain, with_spread

    out = stdout()
    width = width_of(out)
    out.print(f"\nthe best {len(found.top)}, and how they differ from the winner", style="bold")
    for row in found.top.to_dict("records"):
        out.print(
            f"{row['rank']}  trial {row['trial']}  {with_spread(row['value'], row['spread'], _unit(found))}", end=""
        )
        tie = ", a tie with the winner" if row["value"] == found.top["value"].iloc[0] else ""
        out.print(f"  distance {row['distance']:.2f}{tie}" if row["rank"] > 1 else "  the winner")
        for line in str(row["changes"]).splitlines():
            out.print(f"   {wrapped(plain(line), width, 3)}")
    if found.shared:
        agreed = ", ".join(f"{name} {value}" for name, value in list(found.shared.items())[:12])
        more = f", and {len(found.shared) - 12} more" if len(found.shared) > 12 else ""
        out.print(wrapped(f"all agree on: {plain(agreed)}{more}", width, 0))


def _print_rest(count: int) -> None:
    if count > 0:
        stdout().print(f"and {count} more (--rows, --json)", style="dim")
