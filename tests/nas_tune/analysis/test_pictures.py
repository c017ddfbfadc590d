"""The pictures of courses, regrets and fronts: their lines, axes and colours, without their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import nas_tune
from nas_tune.analysis.picture import draw_courses
from nas_tune.benchmarks.races import Race, picture, score_strategies
from nas_tune.benchmarks.races.picture import _floor, draw_regret
from nas_tune.ledger import Asked, Ended, Event, Reported
from nas_tune.results.picture import draw_front, drawable
from tests.nas_tune.analysis.made_runs import run_of
from tests.nas_tune.results.made import begun, make, mixed

FIRST, SECOND = "#0072B2", "#D55E00"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Figure, dict[str, Any]]]:
    """The figures that are saved, and how."""
    found: list[tuple[Figure, dict[str, Any]]] = []

    def save(figure: Figure, out: Any, **how: Any) -> None:
        Path(out).touch()
        found.append((figure, how))

    monkeypatch.setattr(Figure, "savefig", save)
    return found


def is_plain(axes: Axes) -> bool:
    """Whether it has a grid, and no frame above, to the right or around its legend."""
    ends = [axes.spines[side].get_visible() for side in ("top", "right", "bottom", "left")]
    legend = axes.get_legend()
    gridded = all(line.get_visible() for line in axes.get_xgridlines())
    return ends == [False, False, True, True] and gridded and (legend is None or not legend.get_frame_on())


def test_courses_are_steps_against_trials_and_time(tmp_path: Path, drawn: list[tuple[Figure, dict[str, Any]]]) -> None:
    runs = [run_of(tmp_path / f"r{seed}", [0.5, 0.4, 0.6], seed=seed, strategy="random") for seed in (0, 1)]
    runs.append(run_of(tmp_path / "tpe", [0.7], strategy="tpe"))
    found = nas_tune.compare(runs)
    draw_courses(found, tmp_path / "courses.svg")
    ((figure, how),) = drawn
    assert how == {"dpi": 150, "format": "svg"}
    assert figure.get_size_inches().tolist() == [11, 4.4]
    left, right = figure.axes
    assert [(axes.get_xlabel(), axes.get_ylabel(), is_plain(axes)) for axes in (left, right)] == [
        ("trials", "best accuracy so far, of complete trials", True),
        ("seconds since the first trial", "", True),
    ]
    assert left.get_shared_y_axes().joined(left, right)
    for axes, across in ((left, "trials"), (right, "seconds")):
        assert [line.get_color() for line in axes.lines] == [SECOND, SECOND, FIRST], "the best group is the first"
        assert [line.get_drawstyle() for line in axes.lines] == ["steps-post"] * 3
        for line, name in zip(axes.lines, ("r0", "r1", "tpe"), strict=True):
            assert np.allclose(line.get_xdata(), getattr(found.courses[name], across))
            assert np.allclose(line.get_ydata(), found.courses[name].best)
    legend = left.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["random + asha", "tpe + asha"]


@pytest.mark.slow
def test_regrets_have_a_line_a_band_and_a_style_each(
    tmp_path: Path, drawn: list[tuple[Figure, dict[str, Any]]]
) -> None:
    races = []
    for place in range(17):
        for seed in range(2):
            score = 0.9 - place / 40 - seed / 100
            races.append(Race(f"s{place}", seed, (10.0,), (score,), (score,), 3))
    scores = score_strategies(races, 100.0, best=1.0)
    draw_regret(scores, tmp_path / "regret.png")
    ((figure, how),) = drawn
    (axes,) = figure.axes
    assert (how, figure.get_size_inches().tolist(), is_plain(axes)) == ({"dpi": 150}, [8, 5], True)
    assert [line.get_label() for line in axes.lines] == [f"s{place}" for place in range(17)]
    assert [line.get_color() for line in axes.lines][:9] == [FIRST, SECOND, *picture._COLOURS[2:], FIRST]
    assert [line.get_linestyle() for line in axes.lines] == ["-"] * 8 + ["--"] * 8 + [":"]
    assert axes.get_yscale() == "log"
    assert axes.get_xlabel() == "virtual seconds"
    assert axes.get_ylabel() == "regret by test score, from the best of the table (mean, quartiles)"
    first = scores.standings[0]
    known = np.isfinite(first.regret)
    assert known.sum() == 91
    assert np.allclose(axes.lines[0].get_xdata(), scores.seconds[known])
    assert np.allclose(axes.lines[0].get_ydata(), first.regret[known])
    band = axes.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((first.regret_low[-1], first.regret_high[-1]))
    assert axes.get_ylim()[0] == pytest.approx(first.regret[-1] / 2)


def test_the_bottom_of_the_axis_is_half_the_least_regret_above_nothing() -> None:
    races = [Race(name, 0, (10.0,), (score,), (score,), 3) for name, score in {"a": 1.0, "b": 0.5}.items()]
    assert _floor(score_strategies(races, 100.0, best=1.0)) == 0.25
    assert _floor(score_strategies(races[:1], 100.0, best=1.0)) == 1e-3


def front(folder: Path, losses: list[float], modes: tuple[str, str] = ("max", "min")) -> nas_tune.Run:
    events: list[Event] = [begun()]
    for number, loss in enumerate(losses):
        events += [Asked(number, number, mixed().sample(number).tree, f"{number:016x}", number)]
        metrics = {"accuracy": 0.5 + number / 100, "loss": loss}
        events += [Reported(number, 1, metrics, 1.0), Ended(number, "complete", metrics["accuracy"])]
    folder.mkdir(exist_ok=True)
    make(folder, *events, meta={"objectives": [["accuracy", modes[0]], ["loss", modes[1]]]}).close()
    return nas_tune.open_run(folder)


@pytest.mark.parametrize(("losses", "scale"), [([1.0, 30.0], "linear"), ([1.0, 30.1], "log"), ([0.0, 90.0], "linear")])
def test_a_front_is_drawn_over_all_complete_trials(
    losses: list[float], scale: str, tmp_path: Path, drawn: list[tuple[Figure, dict[str, Any]]]
) -> None:
    draw_front(front(tmp_path / "run", losses), tmp_path / "front.pdf")
    ((figure, how),) = drawn
    (axes,) = figure.axes
    assert (how, figure.get_size_inches().tolist()) == ({"dpi": 150, "format": "pdf"}, [8, 4.4])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("loss (less is better)", "accuracy (more is better)")
    assert (axes.get_xscale(), is_plain(axes)) == (scale, True)
    (points,), (line,) = axes.collections, axes.lines
    assert np.allclose(np.asarray(points.get_offsets()), [[losses[0], 0.5], [losses[1], 0.51]])
    assert np.allclose(line.get_xdata(), losses)
    assert np.allclose(line.get_ydata(), [0.5, 0.51])
    assert (line.get_color(), line.get_drawstyle(), line.get_marker()) == (SECOND, "steps-post", "o")


def test_the_steps_of_a_front_turn_with_the_mode(tmp_path: Path, drawn: list[tuple[Figure, dict[str, Any]]]) -> None:
    draw_front(front(tmp_path / "run", [1.0, 2.0], ("max", "max")), tmp_path / "front.svg")
    (axes,) = drawn[0][0].axes
    assert axes.lines[0].get_drawstyle() == "steps-pre"
    assert axes.get_xlabel() == "loss (more is better)"
    assert axes.lines[0].get_xdata().tolist() == [2.0], "the second trial is better in both"


def test_numbers_are_limited_to_what_can_be_drawn() -> None:
    found = drawable(np.array([1e308, -1e308, 1e300, 0.5, np.nan]))
    assert found[:4].tolist() == [1e300, -1e300, 1e300, 0.5]
    assert np.isnan(found[4])
