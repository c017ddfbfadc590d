"""The limits of a search for the model card: each with the value of the network, and how that was found."""

from __future__ import annotations

from nas_tune.results import Run
from nas_tune.results.tables import DEVICE, PREDICTED
from trainables.costs.quantities import write_value

__all__ = ["limit_lines"]


def limit_lines(run: Run, trial: int) -> tuple[str, ...]:
    """Write the limits of a search beside the values of one of its trials.

    Args:
        run: the search.
        trial: the number of the trial.

    Returns:
        A line for each limit, such as "latency <= 5 ms: 4.8 ms, measured on DEVICE, predicted 5.1 ms".
    """
    trials = run.trials()
    row = trials[trials["trial"] == trial].iloc[0].dropna()
    lines = []
    for one in run.limits:
        if one.name not in row:
            lines.append(f"{one.text}: the value of this network is not known")
            continue
        said = [write_value(one.name, float(row[one.name]))]
        if not one.holds(float(row[one.name])):
            said[0] += " (not kept)"
        if f"{one.name}{DEVICE}" in row:
            said.append(f"measured on {row[f'{one.name}{DEVICE}']}")
        if f"{one.name}{PREDICTED}" in row:
            said.append(f"predicted {write_value(one.name, float(row[f'{one.name}{PREDICTED}']))}")
        lines.append(f"{one.text}: {', '.join(said)}")
    return tuple(lines)
