"""`nas-tune space`: shows a search space: its decisions, a member, and the costs of its members."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas_tune.cli.options import JsonOption
from nas_tune.cli.places import stderr, stdout, width_of
from nas_tune.cli.text import quantity
from nas_tune.errors import ConfigError

if TYPE_CHECKING:
    from nas_tune.cli.tables import TableColumn
    from search_spaces import Parameter, Space
    from trainables.costs.profile import Member, Profile

__all__ = ["space"]

_COSTS = {"parameters": "parameters", "macs": "MACs", "activation_bytes": "activation memory"}
_FIELDS = {"parameters": "parameters", "macs": "macs", "size": "model_bytes"}
"""The quantities that --limit takes, and their fields of a `Cost`."""
_LIMITED = {"parameters": "parameters", "macs": "MACs", "model_bytes": "of weights and buffers"}
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_AMOUNT = re.compile(r"(\d+(?:\.\d*)?(?:e[+-]?\d+)?)\s*([kmg]?)", re.IGNORECASE)


def space(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A space of nas-tune spaces, or module:attribute.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the space, such as blocks=3; may be repeated."),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Count the parameters and operations of random members.")
    ] = False,
    network: Annotated[
        list[str] | None,
        typer.Option(
            "--network", metavar="KEY=VALUE", help="A setting of the networks, such as channels=16; may be repeated."
        ),
    ] = None,
    samples: Annotated[int, typer.Option(help="How many members to draw at random for --profile.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="The seed of that draw.", min=0)] = 0,
    max_params: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="A limit of parameters, such as 600k or 3.5M. Default: none.")
    ] = None,
    max_macs: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="A limit of multiply-accumulates, such as 90M. Default: none.")
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", metavar="NAME=BOUND", help="A limit, such as macs=5M or size=1MiB; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a search space, and with --profile what its networks cost before anything is searched.

    Networks are counted on torch's meta device. A limit (--limit, --max-params, --max-macs) asks which share of the
    members keeps it; where no member of the sample keeps it, a local search looks for one that does.

    Args:
        name: a space of the catalogue, or module:attribute.
        settings: settings of the space, as KEY=VALUE.
        profile: whether to count the costs of random members.
        network: settings of the networks, as KEY=VALUE.
        samples: how many members to draw.
        seed: the seed of the draw.
        max_params: the most parameters allowed, such as 600k.
        max_macs: the most multiply-accumulates allowed, such as 90M.
        limit: limits on parameters, macs or size as in a configuration, as NAME=BOUND.
        as_json: whether to print JSON.

    Raises:
        ConfigError: a setting or limit is wrong, or an option of --profile is given without it.
    """
    from nas_tune.cli.search import parse_changes
    from nas_tune.config import Component
    from nas_tune.session.spaces import make_space

    limits = {}
    for cost, option, text in (("parameters", "--max-params", max_params), ("macs", "--max-macs", max_macs)):
        if text is not None:
            limits[cost] = _amount(option, text)
    for text in limit or ():
        field, bound = _limit(text)
        limits[field] = min(bound, limits.get(field, bound))
    if (limits or network) and not profile:
        raise ConfigError("--network, --limit, --max-params and --max-macs are about --profile; say --profile too")
    found = make_space(Component(name, parse_changes(settings or (), {})))
    if not profile:
        _print_space(found, as_json=as_json)
        return
    from trainables.costs.profile import measured_on
    from trainables.costs.profile import profile as profiled

    options = parse_changes(network or (), {})
    said = ", ".join(f"{key}={value}" for key, value in options.items()) or "settings as the builder has them"
    shape = " x ".join(map(str, measured_on(found, **options).shape[1:]))
    stderr().print(f"counting {samples:,} members of {found.name or name}: {said}, inputs of {shape}", style="dim")
    counted = profiled(found, samples=samples, seed=seed, **options)
    reached = _reached(found, counted, limits, seed, options)
    if as_json:
        stdout().print(json.dumps(_as_json(found, counted, limits, reached), indent=2))
    else:
        _print_profile(found, counted, limits, reached)


def _amount(option: str, text: str) -> float:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise ConfigError(f"{option} {text}: expected a number above 0 such as 600000, 600k or 3.5M")
    return float(match[1]) * _UNITS[match[2].lower()]


def _limit(text: str) -> tuple[str, float]:
    """The field of a `Cost` and the bound of one --limit."""
    from nas_tune.objectives.limits import limits_of
    from search_spaces.names import did_you_mean
    from trainables.costs.quantities import QUANTITIES

    name, sign, bound = text.partition("=")
    name = name.strip()
    if not sign or name not in _FIELDS:
        close = did_you_mean(name, _FIELDS) or ";"
        why = "is no count of a profile" if name in QUANTITIES else "is no limit of a profile"
        raise ConfigError(f"--limit {text}: {name!r} {why}{close} write NAME=BOUND with one of {', '.join(_FIELDS)}")
    (found,) = limits_of({name: bound.strip()})
    return _FIELDS[name], found.bound


def _print_space(found: Space, *, as_json: bool) -> None:
    from search_spaces.notation import writer

    example = found.sample(0)
    if as_json:
        described = {"size": found.size, "fingerprint": found.fingerprint, "example": example.tree}
        stdout().print(json.dumps({"name": found.name, **described, "spec": found.to_spec()}, indent=2))
        return
    from nas_tune.cli.listing import size_text
    from nas_tune.cli.tables import TableColumn, lines

    out = stdout()
    out.print(f"{found.name or 'a space without name'}: {size_text(found.size)} architectures, ", style="bold", end="")
    out.print(f"{len(found.parameters)} parameters", style="bold")
    columns = [
        TableColumn("parameter", [parameter.name for parameter in found.parameters]),
        TableColumn("kind", [parameter.kind for parameter in found.parameters]),
        TableColumn("values", [_values(parameter) for parameter in found.parameters], elastic=True),
    ]
    for line in lines(columns, width_of(out)):
        out.print(line)
    out.print(f"\na member: {writer(found)(example)}")


def _values(parameter: Parameter) -> str:
    if parameter.choices is not None:
        return ", ".join(map(str, parameter.choices))
    step = f" by {parameter.step:g}" if parameter.step not in (None, 1) else ""
    return f"{parameter.low:g} to {parameter.high:g}{step}{', logarithmic' if parameter.log else ''}"


def _reached(
    found: Space, counted: Profile, limits: Mapping[str, float], seed: int, options: Mapping[str, Any]
) -> Member | None:
    """A member within the limits, or the nearest one that a descent finds; None without limits."""
    from trainables.costs.profile import nearest, within_reach

    if not limits:
        return None
    return within_reach(found, nearest(counted.members, limits), limits, seed=seed, **options)


def _print_profile(found: Space, counted: Profile, limits: Mapping[str, float], reached: Member | None) -> None:
    from nas_tune.cli.tables import lines
    from search_spaces.notation import writer

    out, written = stdout(), writer(found)
    drawn = len(counted.members)
    rate = drawn / max(counted.seconds, 1e-9)
    out.print(f"{found.name}: {drawn:,} random members", style="bold", end="")
    out.print(f", counted in {counted.seconds:.1f} s ({rate:,.0f} a second)")
    out.print(f"duplicates by id: {counted.duplicates:,} ({counted.duplicates / drawn:.1%})\n")
    for line in lines(_quantile_columns(counted)):
        out.print(line)
    out.print()
    for cost in ("parameters", "macs"):
        for word, member in (("least", counted.smallest(cost)), ("most", counted.largest(cost))):
            amount = quantity(getattr(member.cost, cost))
            out.print(f"{word} {_COSTS[cost]}, {amount}: {written(member.architecture)}")
    for text in _limit_lines(counted, limits, reached, written):
        out.print(text)


def _quantile_columns(counted: Profile) -> list[TableColumn]:
    from nas_tune.cli.tables import TableColumn
    from trainables.costs.profile import QUANTILES

    builds = counted.build_seconds
    rows = []
    for cost in _COSTS:
        rows.append([quantity(round(value)) for value in counted.quantiles(cost)])
    rows[-1] = [f"{value}B" if value[-1].isalpha() else f"{value} B" for value in rows[-1]]
    rows.append([f"{1000 * value:.3g} ms" for value in counted.build_quantiles()])
    names = [*_COSTS.values(), f"build time ({len(builds)} built)"]
    heads = ["min", *(f"{share:.0%}" for share in QUANTILES[1:-1]), "max"]
    columns = [TableColumn("", names)]
    return columns + [TableColumn(head, [row[i] for row in rows], right=True) for i, head in enumerate(heads)]


def _limit_lines(counted: Profile, limits: Mapping[str, float], reached: Member | None, written: Any) -> Iterator[str]:
    if reached is None:
        return
    share = counted.share_within(limits)
    said = " and ".join(f"at most {_text(cost, limit)}" for cost, limit in limits.items())
    yield ""
    yield f"{said}: kept by {share:.1%} of the members"
    has = ", ".join(_text(cost, getattr(reached.cost, cost)) for cost in limits)
    if share == 0 and all(getattr(reached.cost, cost) <= limit for cost, limit in limits.items()):
        yield f"rare, but possible: a local search found {has}: {written(reached.architecture)}"
    elif share == 0:
        yield f"not met, and probably impossible: a local search reached {has} at best: {written(reached.architecture)}"


def _text(cost: str, value: float) -> str:
    """An amount with its unit, such as "2 k parameters"."""
    from trainables.costs.quantities import write_value

    amount = write_value("size", value) if cost == "model_bytes" else quantity(value)
    return f"{amount} {_LIMITED[cost]}"


def _as_json(found: Space, counted: Profile, limits: Mapping[str, float], reached: Member | None) -> dict[str, Any]:
    from trainables.costs.profile import QUANTILES

    costs: Sequence[str] = (*_COSTS, "model_bytes")
    described: dict[str, Any] = {
        "space": found.name,
        "members": len(counted.members),
        "duplicates": counted.duplicates,
        "seconds": counted.seconds,
        "quantiles": {cost: dict(zip(map(str, QUANTILES), counted.quantiles(cost), strict=True)) for cost in costs},
        "build_seconds": list(counted.build_seconds),
        "extremes": {
            cost: {"least": _member_json(counted.smallest(cost)), "most": _member_json(counted.largest(cost))}
            for cost in ("parameters", "macs")
        },
    }
    if reached is not None:
        met = all(getattr(reached.cost, cost) <= limit for cost, limit in limits.items())
        names = {field: name for name, field in _FIELDS.items()}
        described["limits"] = {names[cost]: limit for cost, limit in limits.items()}
        described["share_within"] = counted.share_within(limits)
        described["can_be_met"] = met
        described["nearest"] = _member_json(reached)
    return described


def _member_json(member: Member) -> dict[str, Any]:
    from dataclasses import asdict

    return {"architecture": member.architecture.tree, "id": member.architecture.id, **asdict(member.cost)}
