"""`nas_tune.specialize`: the best architecture of a trained supernet for each of several limits, as a frame.

    nas_tune.specialize("runs/ofa", limits=["macs <= 5M", "macs <= 10M and latency <= 2ms"])

The supernet is that of a finished search by paths (spos, enas, ofa). Nothing is trained: for each limit an evolution
over paths scores architectures with the shared weights, of which every one keeps the limit. What one limit has scored
is not scored again for the next. Each row is chosen from all that were scored, so that a wider limit never has a worse
score. The costs are those of the network that the trainable of the run trains.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nas_tune.coordination.gate import Gate
from nas_tune.errors import ConfigError
from nas_tune.objectives.limits import Limit, conditions_of, limits_text
from nas_tune.results import Run
from nas_tune.session.arguments import check_flags
from nas_tune.session.limit_checks import check_met
from nas_tune.winners.retrain.candidates import chosen_of
from nas_tune.winners.retrain.origin import origin_of
from nas_tune.winners.specialize.front import check_plot, draw_scored
from nas_tune.winners.specialize.supernets import Scored, supernet_of
from search_spaces.whole_numbers import is_whole
from trainables.costs.quantities import QUANTITIES
from trainables.hardware.device import Device
from trainables.hardware.device_costs import DeviceCosts
from trainables.supernet.methods.base import Draws
from trainables.supernet.path_limits import PathLimits
from trainables.supernet.path_search import ranked_paths

__all__ = ["specialize"]


def specialize(
    run: Run | str | os.PathLike[str],
    limits: Sequence[str | Mapping[str, object]],
    *,
    trial: int | None = None,
    device: Device | Mapping[str, Any] | str | None = None,
    population: int | None = None,
    generations: int | None = None,
    seed: int = 0,
    plot: str | os.PathLike[str] | None = None,
    allow_code: bool = False,
) -> pd.DataFrame:
    """Find the best architecture of a trained supernet for each of several limits.

    Limits on counted costs hold for every architecture that is scored. Limits on measured costs, such as latency,
    judge the end: the architectures are measured in the order of their scores until one keeps them, at most 30.

    Args:
        run: a search by paths (spos, enas, ofa), or its folder.
        limits: for each row a text such as "macs <= 10M, latency <= 2ms", or a table such as {"macs": "10M"}.
        trial: the number of the trial whose supernet to take; by default the best one.
        device: where latency, throughput and energy are measured, as for `nas_tune.measure`; by default that of the
            run.
        population: architectures of a generation; by default as in the search.
        generations: generations after the first; by default as in the search.
        seed: of the draws.
        plot: a file for a picture of all scored architectures, their Pareto front and the chosen ones; .png, .svg or
            .pdf.
        allow_code: import the code that a run from elsewhere names.

    Returns:
        A row for each limit: `limits`; `architecture` (JSON) and `architecture_id`; `shared_..`, the primary metric of
        the task on the validation examples with the shared weights; `parameters`, `macs` and `size` of the network that
        the trainable of the run builds, and what was measured; `scored`, how many architectures were new; and
        `seconds` of CPU time, of which the first row has the loading of the supernet, too.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code or a command.
        ConfigError: the run has no such supernet, a limit is none, or no path keeps one.
        CheckpointError: the checkpoint of the trial is missing or damaged.
        TrainableError: the device cannot be used here.
    """
    started = time.process_time()
    check_flags(allow_code=allow_code)
    wanted = _wanted(limits)
    _check_sizes(population, generations, seed)
    check_plot(plot)
    opened = run if isinstance(run, Run) else Run.of(Path(run))
    reaches = ("device",) if device is None else ()
    origin = origin_of(opened, allow_code=allow_code, reaches=reaches)
    candidate = chosen_of(opened, trial, 1, opened.metric)[0]
    scored = supernet_of(opened, candidate.trial, allow_code=allow_code)
    at = Device.of(opened.config.device if device is None else device)
    base, costs = PathLimits({}, scored.costing, at), DeviceCosts(scored.costing, scored.costing, at)
    each = [base.limited_by({one.name: one.bound for one in several}) for several in wanted]
    for several, within in zip(wanted, each, strict=True):
        within.check()
        counted = [one for one in several if one.name in costs.counts]
        check_met(origin.space, Gate(counted, costs))
    news, seconds = [], []
    for within in each:
        news.append(_explore(scored, within, population, generations, seed))
        seconds.append(time.process_time() - started)
        started = time.process_time()
    rows = []
    for several, within, new, before in zip(wanted, each, news, seconds, strict=True):
        row = {**_chosen(scored, within, several), "scored": new}
        rows.append({**row, "seconds": before + time.process_time() - started})
        started = time.process_time()
    if plot is not None:
        draw_scored(scored, base, pd.DataFrame(rows), Path(plot))
    return pd.DataFrame(rows)


def _explore(scored: Scored, within: PathLimits, population: int | None, generations: int | None, seed: int) -> int:
    """Let paths evolve under a limit; the number of architectures that are new."""
    before, method = len(scored.metrics), scored.method
    ranked_paths(
        scored.supernet,
        scored.score,
        Draws.seeded(seed, scored.device),
        population=method.population if population is None else population,
        generations=method.generations if generations is None else generations,
        excess=within.excess,
    )
    return len(scored.metrics) - before


def _chosen(scored: Scored, within: PathLimits, several: Sequence[Limit]) -> dict[str, object]:
    """The best of all scored architectures that keep a limit, also of those that another limit brought up."""
    kept = [one for one in scored.architectures.values() if within.excess(one) <= 1]
    best = within.chosen(sorted(kept, key=scored.score, reverse=True))
    if within.notes:
        raise ConfigError(f"limits {limits_text(several)}: {within.notes[0]}")
    return {
        "limits": limits_text(several),
        "architecture": best.to_json(),
        "architecture_id": best.id,
        f"shared_{scored.primary}": scored.metrics[best.id][scored.primary],
        **within.costs(best),
    }


def _wanted(limits: Sequence[str | Mapping[str, object]]) -> list[tuple[Limit, ...]]:
    if isinstance(limits, str | Mapping) or not limits:
        raise ConfigError(f"limits is {limits!r}; give a list with one entry for each row, such as ['macs <= 5M']")
    found = [conditions_of(one, "limits") for one in limits]
    for one in (limit for several in found for limit in several):
        if one.name not in QUANTITIES:
            raise ConfigError(
                f"limits: {one.name} is no cost of a network; limit {', '.join(QUANTITIES)}. Scores with shared "
                "weights are there to put architectures in order, not to be limited"
            )
        if (one.sense == "<=") != (QUANTITIES[one.name].metric.mode == "min"):
            better = "less" if QUANTITIES[one.name].metric.mode == "min" else "more"
            raise ConfigError(f"limits: {one.text}, but {better} of it is better; turn the comparison round")
    return found


def _check_sizes(population: int | None, generations: int | None, seed: int) -> None:
    for name, value, least in (("population", population, 2), ("generations", generations, 0), ("seed", seed, 0)):
        if value is not None and not is_whole(value, least):
            raise ConfigError(f"{name} is {value!r}; it is a whole number of at least {least}")
