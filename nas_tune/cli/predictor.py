"""`nas-tune predictor`: fits a cost predictor to a file of measured members, and shows how good it is on other ones."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas_tune.cli.options import JsonOption
from nas_tune.cli.places import shown, stderr, stdout, width_of
from nas_tune.cli.text import plain
from nas_tune.errors import ConfigError, RunFolderError

if TYPE_CHECKING:
    import pandas as pd

    from nas_tune.cli.tables import TableColumn
    from search_spaces import Space
    from trainables.hardware.cost_predictor import CostPredictor
    from trainables.hardware.cost_values import CostValues
    from trainables.hardware.predictor_scores import PredictorScore

__all__ = ["predictor"]

_MOST = 500
"""Members of a large file from which seeds are chosen, and as many that are held out by default."""


def predictor(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV or Parquet file, a row for each measured architecture.")
    ],
    space: Annotated[str | None, typer.Option(metavar="NAME", help="The space. Default: that of --load.")] = None,
    column: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of costs. Default: the only other column.")
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of architectures. Default: architecture, else the first."),
    ] = None,
    other: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="A column of another device, whose values may help. Default: none."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the space; may be repeated."),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="KEY=VALUE", help="A setting of the networks that were measured."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many rows to fit to, the most informative ones.", min=8)] = 25,
    held_out: Annotated[
        int | None, typer.Option(help="How many other rows to predict. Default: all, at most 500.", min=2)
    ] = None,
    seed: Annotated[int, typer.Option(help="The seed of the choice of rows.", min=0)] = 0,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a predictor of all these rows into this file. Default: none."),
    ] = None,
    load: Annotated[Path | None, typer.Option(metavar="FILE", help="Take this predictor. Default: fit one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit a cost predictor to measured architectures, and show its errors on others.

    Costs are latencies, energies or any other numbers above 0. Architectures are trees as JSON, or texts in the
    notation of their space. The limit of the gates is the cost at the 25 % quantile.

    Args:
        file: the measured architectures.
        space: the name of the space, or module:attribute.
        column: the column of costs.
        architecture: the column of architectures.
        other: the column of another device.
        settings: settings of the space, as KEY=VALUE.
        network: settings of the networks, as KEY=VALUE.
        seeds: how many rows to fit to.
        held_out: how many other rows to predict.
        seed: the seed of the choice of rows.
        save: the file to write the predictor to.
        load: the file of a predictor to take.
        as_json: whether to print JSON.

    Raises:
        ConfigError: the file cannot be read, a column or setting is wrong, or options exclude each other.
        RunFolderError: the predictor cannot be written.
    """
    from nas_tune.cli.search import parse_changes
    from trainables.hardware.cost_values import read_values
    from trainables.hardware.predictor_scores import score_values

    if load is not None and (save is not None or other is not None or network):
        raise ConfigError("--load takes a predictor as it is; leave out --save, --other and --network")
    frame = _frame(file)
    of = None if space is None else _space(space, settings or ())
    if load is not None:
        made = _loaded(load, of)
        values = read_values(made.space, frame, architecture=architecture, value=column)
    elif of is None:
        raise ConfigError("--space is missing; name the space of the architectures, such as --space nb201")
    else:
        known = None if other is None else read_values(of, frame, architecture=architecture, value=other)
        values = read_values(of, frame.drop(columns=other or []), architecture=architecture, value=column)
        made = _fitted(of, values, known, parse_changes(network or (), {}), seeds, seed)
    values = _held_out(made, values, held_out, seed)
    score = score_values(made, values)
    if save is not None:
        _save(made, values, save)
    if as_json:
        stdout().print(json.dumps({"predictor": made.summary(), "score": asdict(score)}, indent=2, allow_nan=False))
    else:
        _print(made, score)


def _frame(file: Path) -> pd.DataFrame:
    import pandas as pd

    ending = file.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise ConfigError(f"{shown(file)} ends neither in .csv nor in .parquet; give a file of one of these formats")
    try:
        return pd.read_csv(file) if ending == ".csv" else pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{shown(file)} cannot be read: {error}") from error


def _space(name: str, settings: Sequence[str]) -> Space:
    from nas_tune.cli.search import parse_changes
    from nas_tune.config import Component
    from nas_tune.session.spaces import make_space

    return make_space(Component(name, parse_changes(settings, {})))


def _loaded(file: Path, space: Space | None) -> CostPredictor:
    from trainables.hardware.cost_predictor import CostPredictor

    try:
        return CostPredictor.load(file, space)
    except OSError as error:
        raise ConfigError(f"{shown(file)} cannot be read: {error}") from error


def _fitted(
    space: Space, values: CostValues, other: CostValues | None, network: Mapping[str, Any], seeds: int, seed: int
) -> CostPredictor:
    """A predictor of the most informative rows."""
    from trainables.hardware.cost_predictor import fit_to_values
    from trainables.hardware.seeds import choose_seeds

    places = _drawn(len(values.values), _MOST, seed)
    if seeds >= len(places):
        raise ConfigError(
            f"--seeds {seeds}: the file has {len(places)} different architectures, and some must be held out; "
            "give a smaller number, or measure more"
        )
    pool = values.taken(places)
    chosen = {one.to_json() for one in choose_seeds(space, seeds, seed=seed, pool=pool.architectures, **network)}
    return fit_to_values(space, pool.without(set(pool.keys()) - chosen), other, network)


def _held_out(made: CostPredictor, values: CostValues, count: int | None, seed: int) -> CostValues:
    """The rows to predict."""
    others = values.without(set(made.measured.keys()))
    if count is not None and count > len(others.values):
        raise ConfigError(
            f"--held-out {count}: only {len(others.values)} architectures are left; give a smaller number"
        )
    return others.taken(_drawn(len(others.values), count or _MOST, seed))


def _drawn(count: int, most: int, seed: int) -> list[int]:
    """Places of random rows, in their order; all where there are no more than `most`."""
    return sorted(random.Random(seed).sample(range(count), min(count, most)))


def _save(made: CostPredictor, held_out: CostValues, file: Path) -> None:
    from trainables.hardware.cost_predictor import fit_to_values

    whole = fit_to_values(made.space, made.measured.joined(held_out), made.other, made.settings)
    try:
        whole.save(file)
    except OSError as error:
        raise RunFolderError(f"cannot write {shown(file)}: {error}; name a place that can be written") from error
    stderr().print(f"a predictor of all {len(whole.measured.values)} rows is in {shown(file)}", style="dim")


def _print(made: CostPredictor, score: PredictorScore) -> None:
    from nas_tune.cli.tables import lines

    out, told = stdout(), made.summary()
    out.print(f"{plain(told['cost'])} in {plain(told['space'] or 'a space without name')}: ", style="bold", end="")
    out.print(f"fitted to {told['measured']} architectures, {score.members} others predicted")
    live = "those that a graph engine runs" if made.engine == "live" else "all, dead ones included"
    out.print(f"operations that count: {live}{'; values of the other device help' if made.uses_other else ''}")
    out.print(f"median error {score.median_error:.1%} (90 % of the errors are below {score.high_error:.1%})")
    out.print(f"Kendall's tau {_tau(score)}")
    out.print(f"the interval of {score.confidence:.0%} holds for {score.inside:.1%}")
    out.print(f"\na gate at {score.limit:.4g}, the quantile at 25 %:")
    for text in lines(_gate_columns(score), width_of(out)):
        out.print(text)


def _tau(score: PredictorScore) -> str:
    if score.tau is None or score.tau_interval is None:
        return "-, all values are equal"
    return f"{score.tau:.3f} ({score.tau_interval[0]:.3f} to {score.tau_interval[1]:.3f})"


def _gate_columns(score: PredictorScore) -> list[TableColumn]:
    from nas_tune.cli.tables import TableColumn

    gates = (score.gate, score.gate_with_margin)
    return [
        TableColumn("accepts", ["by value", "by the low end"]),
        TableColumn("of all", [_share(gate.accepted) for gate in gates], right=True),
        TableColumn("infeasible before measuring", [_share(gate.infeasible) for gate in gates], right=True),
        TableColumn("feasible refused", [_share(gate.refused) for gate in gates], right=True),
    ]


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
