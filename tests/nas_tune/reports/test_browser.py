"""The report in a real browser: no complaint, everything drawn, the table sorts and filters; offline."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import nas_tune
from nas_tune.ledger import Event, SessionEnded
from nas_tune.reports import write_comparison
from tests.nas_tune.insight.made_runs import run_of
from tests.nas_tune.reports.chromium import Browser, program
from tests.nas_tune.results.made import begun, eventful, make, mixed, trial

pytestmark = pytest.mark.skipif(
    program() is None, reason="Chromium is not here; .ci/run installs Debian's where it runs as root (apt-get)"
)
DRAWN = "[...document.querySelectorAll('.plot')].filter((e) => e.querySelector('svg path')).length"
CELLS = "[...document.querySelectorAll('#trials tbody tr')].map((tr) => tr.children[{}].textContent)"
SCALED = """[...document.querySelectorAll('.plot svg')].filter(
  (svg) => Math.abs(svg.viewBox.baseVal.width - Math.max(240, svg.clientWidth)) > 1).length"""
REDRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
WIDE = "document.documentElement.scrollWidth"
OUTSIDE = """[...document.querySelectorAll('.plot svg text')].filter((t) => {
  const box = t.getBoundingClientRect(), page = document.documentElement.clientWidth;
  return box.width && (box.left < -1 || box.right > page + 1);
}).map((t) => t.textContent)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


def _page(folder: Path, events: list[Event], **meta: object) -> Path:
    folder.mkdir(exist_ok=True)
    make(folder, *events, meta=meta).close()
    return nas_tune.report(nas_tune.open_run(folder))


def _thousand() -> list[Event]:
    rng, space, events = random.Random(0), mixed(), [begun()]
    for number in range(1000):
        good = rng.random()
        values = [good * (1 - 0.6**epoch) for epoch in range(1, 10)]
        events += trial(number, values, rng.choice(("complete", "pruned")), tree=space.sample(number % 40).tree)
    return [*events, SessionEnded("done")]


def test_a_thousand_trials_are_drawn_sorted_and_filtered(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(_page(tmp_path, _thousand()))
    assert page.value(DRAWN) == 4
    assert page.value(WIDE) == 1400
    assert page.value(OUTSIDE) == []
    assert page.value("document.querySelectorAll('#trials tbody tr').length") == 50
    page.value("document.querySelector('#trials .more button').click()")
    assert page.value("document.querySelectorAll('#trials tbody tr').length") == 1000
    _sorts(page.value)
    page.value(
        "[...document.querySelectorAll('#trials .states button')].find((b) => b.textContent === 'pruned').click()"
    )
    assert set(page.value(CELLS.format(1))) == {"complete"}
    page.value(
        "{const i = document.querySelector('#trials input'); i.value = 'accuracy > 0.9'; "
        "i.dispatchEvent(new Event('input'))}"
    )
    assert page.value(CELLS.format(2))
    assert all(float(cell) > 0.9 for cell in page.value(CELLS.format(2)))
    page.value("[...document.querySelectorAll('#progress .pick button')].forEach((b) => b.click())")
    assert page.value(DRAWN) == 4
    assert page.problems == []


def _sorts(value: object) -> None:
    """By value, the best first and then the worst; in either order full trainings are not mixed with others."""
    assert callable(value)
    for down in (True, False):
        states, values = value(CELLS.format(1)), [float(cell) for cell in value(CELLS.format(2))]
        complete = states.count("complete")
        assert states == ["complete"] * complete + ["pruned"] * (1000 - complete)
        for part in (values[:complete], values[complete:]):
            assert part == sorted(part, reverse=down)
        value("document.querySelectorAll('#trials th button')[2].click()")


def test_every_state_and_no_trial_fit_the_window(browser: Browser, tmp_path: Path) -> None:
    for name, events in {"none": [begun()], "one": [begun(), *trial(0, [0.5])], "all": eventful()}.items():
        page = browser.open(_page(tmp_path / name, list(events)), dark=name == "all")
        for width in (1400, 400):
            page.resize(width, 900)
            page.value(REDRAWN)
            assert page.value(WIDE) == width, name
            assert (page.value(OUTSIDE), page.value(SCALED)) == ([], 0), name
        page.value("dispatchEvent(new Event('beforeprint'))")
        assert page.value("document.querySelector('#progress .plot').clientWidth") > 800, "as wide as on paper"
        page.value("dispatchEvent(new Event('afterprint'))")
        assert (page.value(WIDE), page.value(SCALED)) == (400, 0), name
        assert page.problems == [], name


def test_hostile_texts_stay_texts(browser: Browser, tmp_path: Path) -> None:
    hostile = "</script><script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
    events = [begun(), *trial(0, [0.4, 0.5]), *trial(1, [], "failed", message=hostile, failure="error")]
    page = browser.open(_page(tmp_path, list(events), versions={hostile: hostile}))
    assert "owned" not in page.value("document.title")
    assert hostile in page.value("document.querySelector('#failures summary').textContent")
    assert page.problems == []
    page.value("document.body.insertAdjacentHTML('beforeend', '<img src=\"https://example.org/x.png\">')")
    assert any("Content Security Policy" in problem for problem in page.problems)


def test_compared_runs_are_drawn_and_their_names_are_text(browser: Browser, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    runs = [
        run_of(tmp_path / f"{strategy}{hostile}{seed}", [0.3, 0.3 + seed / 50, 0.5], strategy=strategy, seed=seed)
        for strategy in ("random", "tpe")
        for seed in range(2)
    ]
    several, single = (write_comparison(nas_tune.compare(runs[::step]), tmp_path / f"{step}.html") for step in (1, 2))
    for path in (several, single):
        page = browser.open(path)
        for width in (1400, 400):
            page.resize(width, 900)
            page.value("[...document.querySelectorAll('#courses .pick button')].forEach((b) => b.click())")
            page.value(REDRAWN)
            assert page.value(DRAWN) == 2
            assert page.value(WIDE) == width
            assert (page.value(OUTSIDE), page.value(SCALED)) == ([], 0)
        assert hostile in page.value("document.querySelector('#runs tbody').textContent")
        assert "owned" not in page.value("document.title")
        assert page.problems == []
