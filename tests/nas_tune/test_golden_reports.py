"""What reports and analyses say of numbers is what it was: times, values, scales, levels, causes, pairs of costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from nas_tune.analysis.pairs import pairs
from nas_tune.analysis.scores import Scale, deviation, even_units, mean, median
from nas_tune.analysis.units import binned, column
from nas_tune.objectives.limits import Limit
from nas_tune.reports.limits import _bound, _pairs, _rungs, _why, refused_in_words
from nas_tune.reports.summary import number_text, span
from search_spaces import Space, choice, integer, real
from tests.golden import agrees

SPACE = Space({"op": choice("a", "b", "c"), "n": integer(1, 40), "rate": real(1e-4, 1.0, log=True)}, name="reported")


def plain(values):
    if isinstance(values, list | tuple | np.ndarray):
        return [plain(one) for one in values]
    return None if values is None or values != values else float(f"{values:.8g}")


def test_times_and_values_are_written_as_they_were():
    found = {}
    for seconds in (
        0,
        0.004,
        0.5,
        9.94,
        9.95,
        99.4,
        99.5,
        100,
        5_969,
        5_971,
        6_000,
        7_200,
        7_260,
        172_799,
        172_800,
        180_000,
        190_000,
    ):
        found[f"span {seconds}"] = span(seconds)
    for value in (
        None,
        np.inf,
        np.nan,
        0,
        3,
        -7.0,
        1e11,
        1e12,
        1e13,
        0.0099,
        0.01,
        0.5,
        999.94,
        1000.5,
        123456.7,
        -0.25,
        1e-9,
    ):
        found[f"number {value}"] = [number_text(value), number_text(value, "ms")]
    for values in ([], [1.0], [1.0, 2, 4], [1e308, 1e308], [1e308, -1e308], [0.0, 0.0], [3.0, 1.0, 2.0, 9.0]):
        found[f"mean of {values}"] = [plain(one(values)) for one in (mean, deviation, median)]
        if values:
            scale = Scale.of(values)
            found[f"scale of {values}"] = plain([scale.middle, scale.width, scale.score(2.0), scale.length(2.0)])
            found[f"even {values}"] = plain(even_units(values))
    found["outlier"] = plain(even_units([1.0, 2, 3, 4, 1e308]))
    found["mostly equal"] = plain(even_units([1.0] * 6 + [2.0, 3.0, 5.0]))
    agrees("reported-numbers", found, tolerance=1e-6)


def test_levels_and_pairs_are_what_they_were():
    members = [SPACE.sample(number) for number in range(40)]
    decisions = [SPACE.params(one) for one in members]
    decisions[3] = {name: value for name, value in decisions[3].items() if name != "n"}
    columns = [column(parameter, decisions) for parameter in SPACE.parameters]
    levels = [binned(parameter, units) for parameter, units in zip(SPACE.parameters, columns, strict=True)]
    found = {"columns": plain(columns), "levels": plain(levels)}
    eight = np.array([0.1 * (number % 8) for number in range(20)])
    found["of eight"] = plain(binned(SPACE.parameters[1], eight))
    found["of nine"] = plain(binned(SPACE.parameters[1], np.append(eight, 0.95)))
    scores = np.where(levels[0] == 1, 1.0, -1.0) * np.where(levels[1] > 2, 1.0, -1.0)
    noise = np.array([(number * 7 % 11) / 40 for number in range(40)])
    for name, values in {
        "alone": levels[0] + 0.0,
        "together": scores,
        "noisy": scores + noise,
        "flat": noise * 0,
    }.items():
        values = np.nan_to_num(values)
        for families in (1, 2):
            table = pairs(["op", "n", "rate"], levels, values, None, families)
            rows = table.to_dict("records")
            found[f"pairs {name} {families}"] = [
                {key: plain(one) if isinstance(one, float) else one for key, one in row.items()} for row in rows
            ]
    few = pairs(["op", "n"], [one[:11] for one in levels[:2]], scores[:11], None, 1)
    found["few"] = [len(few), plain(few["p"].tolist())]
    found["one name"] = len(pairs(["a", "a"], levels[:2], scores, None, 1))
    agrees("reported-levels", found, tolerance=1e-5)


def test_limits_are_told_as_they_were():
    refusals = {
        ("counted", "macs"): 38,
        ("connected", ""): 3,
        ("measured", "latency"): 38,
        ("own", "x"): 1,
        ("counted", "size"): 0,
    }
    found = {
        "words": [refused_in_words(refusals), refused_in_words({}), refused_in_words({("a", "b"): 1234})],
        "rungs": [str(one) for one in _rungs(refusals)],
    }
    best = pd.DataFrame({"trial": [3], "macs": [4e6], "latency": [np.nan]})
    for name, frame in {"best": best, "none": best.iloc[:0]}.items():
        for limit in (
            Limit("macs", "<=", 4e6),
            Limit("macs", "<=", 3e6),
            Limit("latency", "<=", 2.0),
            Limit("accuracy", ">=", 0.5),
        ):
            found[f"{name} {limit.text}"] = str(_bound(limit, frame, refusals))
    for value, bound in ((5e6, 4e6), (4e6, 4e6), (3e6, 4e6), (np.nan, 4e6), (4e6, np.nan)):
        found[f"why {value} {bound}"] = _why({"quantity": "macs", "value": value, "bound": bound})
    found["why not"] = _why({"quantity": None, "value": 1.0, "bound": 2.0})
    trials = pd.DataFrame(
        {
            "trial": range(14),
            "latency": [*(float(number) for number in range(13)), np.nan],
            "latency_predicted": [1.0, *(number * 1.25 for number in range(1, 14))],
            "latency_device": ["a", *["b"] * 13],
            "energy": 1.0,
            "size_device": "a",
        }
    )
    shown, errors = _pairs(trials)
    found["pairs"] = [[str(one) for one in shown], errors]
    found["no pairs"] = [list(map(str, one)) for one in _pairs(trials[["trial", "latency"]])]
    agrees("reported-limits", found)
