"""The report in a real browser: no complaint, everything drawn, the table sorts and filters; offline."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import nas_tune
from nas_tune.ledger import Event, SessionEnded
from nas_tune.reports import write_comparison
from tests.nas_tune.analysis.made_runs import run_of
from tests.nas_tune.reports.chromium import Browser, program
from tests.nas_tune.results.made import begun, eventful, make, mixed, refusing, trial

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

CONTRASTS = """(() => {
  const parsed = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.e-]+/g).map(Number);
    return text.startsWith('color(') ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
  };
  const over = ([r, g, b, a], ground) => [r, g, b].map((v, k) => v * a + ground[k] * (1 - a));
  const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = (rgb) => rgb.reduce((sum, v, k) => sum + linear(v) * [0.2126, 0.7152, 0.0722][k], 0);
  const white = [255, 255, 255];
  const painted = (node) => parsed(getComputedStyle(node).backgroundColor);
  const ground = (node) => node ? over(painted(node), ground(node.parentElement)) : white;
  const says = (node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
  const poor = [];
  for (const node of document.body.querySelectorAll('*')) {
    const drawn = node.namespaceURI.endsWith('svg');
    if (node.closest('.drawing, script, noscript, #hint') || !says(node)) continue;
    if (drawn && node.tagName !== 'text') continue;
    const style = getComputedStyle(node), under = ground(drawn ? node.closest('.plot') : node);
    const ink = over(parsed(drawn ? style.fill : style.color), under);
    const [high, low] = [light(ink), light(under)].sort((a, b) => b - a), found = (high + 0.05) / (low + 0.05);
    if (found < 4.5) poor.push(`${node.tagName} ${node.textContent.slice(0, 20)}: ${found.toFixed(2)}`);
  }
  return poor;
})()"""
BROKEN = """[...document.querySelectorAll('.plot path, .plot text')].filter(
  (node) => /NaN|Infinity/.test(node.outerHTML)).length"""
NAMELESS = """[...document.querySelectorAll('svg, canvas, img, input, select, button')].filter((node) => !(
  node.getAttribute('aria-label') || node.textContent.trim() || node.closest('[role=img][aria-label]'))).length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


def _page(folder: Path, events: list[Event], limits: dict[str, str] | None = None, **meta: object) -> Path:
    folder.mkdir(exist_ok=True)
    make(folder, *events, meta=meta, limits=limits).close()
    return nas_tune.report(nas_tune.open_run(folder))


def _thousand() -> list[Event]:
    rng, space, events = random.Random(0), mixed(), [begun()]
    for number in range(1000):
        good = rng.random()
        values = [good * (1 - 0.6**epoch) for epoch in range(1, 10)]
        events += trial(number, values, rng.choice(("complete", "pruned")), tree=space.sample(number % 40).tree)
    return [*events, SessionEnded("done")]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read_and_every_picture_has_a_name(browser: Browser, tmp_path: Path, dark: bool) -> None:
    """WCAG's contrast of 4.5, whatever state and badge there is."""
    runs = [
        run_of(tmp_path / f"{one}{seed}", [0.3, 0.4 + seed], strategy=one, seed=seed)
        for one, seed in [("random", 0), ("random", 1), ("tpe", 0), ("tpe", 1)]
    ]
    pages = {
        "done": _page(tmp_path / "done", [*_twelve(), SessionEnded("done")]),
        "failed": _page(tmp_path / "failed", [*eventful(), SessionEnded("failed")]),
        "open": _page(tmp_path / "open", eventful()),
        "limits": _page(tmp_path / "limits", refusing(), {"macs": "50M", "latency": "1ms"}),
        "compared": write_comparison(nas_tune.compare(runs), tmp_path / "compared.html"),
        "warned": write_comparison(nas_tune.compare([runs[0], tmp_path / "open"]), tmp_path / "warned.html"),
    }
    for name, path in pages.items():
        page = browser.open(path, dark=dark)
        assert page.value(CONTRASTS) == [], name
        assert page.value(NAMELESS) == 0, name
        labels = page.value("[...document.querySelectorAll('.plot svg')].map((svg) => svg.getAttribute('aria-label'))")
        assert labels, name
        assert len(set(labels)) == len(labels), name


def _twelve() -> list[Event]:
    return [begun(), *(event for number in range(12) for event in trial(number, [0.1, 0.2 + number / 50]))]


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        [1e308, -1e308],
        [1e-320, 2e-320, 0.0],
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in ([0.1, 0.2, 1e308], [1.7976931348623157e308, -1.7976931348623157e308])
        ),
    ],
)
def test_the_largest_and_smallest_numbers_are_drawn(browser: Browser, tmp_path: Path, values: list[float]) -> None:
    some = [values[place % len(values)] for place in range(14)]
    events = [begun(), *(event for number, value in enumerate(some) for event in trial(number, [value / 2, value]))]
    one, other = (run_of(tmp_path / name, some, strategy=name) for name in ("random", "tpe"))
    page = _page(tmp_path / "run", events)
    for path in (page, write_comparison(nas_tune.compare([one, other]), tmp_path / "c.html")):
        page = browser.open(path)
        assert page.problems == []
        assert page.value(DRAWN) >= 2
        assert page.value(BROKEN) == 0
        assert page.value(OUTSIDE) == []


@pytest.mark.slow
def test_a_trial_over_a_limit_stands_behind_the_best(browser: Browser, tmp_path: Path) -> None:
    page = browser.open(_page(tmp_path / "run", refusing(), {"macs": "50M", "latency": "5ms"}), width=400)
    assert page.value(WIDE) == 400
    assert page.value(CELLS.format(0)) == ["0", "1"], "trial 1 has the higher accuracy"
    assert page.value("[...document.querySelectorAll('#trials .early')].map((td) => td.textContent)") == ["0.9000"]
    assert page.value("document.querySelector('#limits .kept').textContent") == "40 M ✓"
    assert page.problems == []


@pytest.mark.slow
def test_hostile_texts_stay_texts(browser: Browser, tmp_path: Path) -> None:
    hostile = "</script><script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
    events = [begun(), *trial(0, [0.4, 0.5]), *trial(1, [], "failed", message=hostile, failure="error")]
    page = browser.open(_page(tmp_path, list(events), versions={hostile: hostile}))
    assert "owned" not in page.value("document.title")
    assert hostile in page.value("document.querySelector('#failures summary').textContent")
    assert page.problems == []
    page.value("document.body.insertAdjacentHTML('beforeend', '<img src=\"https://example.org/x.png\">')")
    assert any("Content Security Policy" in problem for problem in page.problems)


@pytest.mark.slow
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
