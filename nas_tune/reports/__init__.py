"""A run, or several compared, as one HTML file that opens offline: what was found, how, and what went wrong.

    data.py        all that the page shows, as plain JSON-able facts
    elapsed.py     times of a run without the breaks between its sessions
    learning.py    the learning curves of every metric, and the rungs at which trials were judged
    timeline.py    which worker was busy with which trial, and when
    gallery.py     the best architectures, drawn
    failures.py    failed trials, those of one cause together
    page.py        the page of a run: its facts into page.html, with charts.js and table.js
    comparison.py  the page of compared runs: their facts into comparison.html, with comparison.js
    html.py        what makes a page of them: base.html, page.css and plot.js, written as one file

The page loads nothing: its policy forbids it to, and lets no script run but its own. Whatever strangers wrote
(messages, names) is text in it.
"""

from __future__ import annotations

from nas_tune.reports.comparison import write_comparison
from nas_tune.reports.data import facts
from nas_tune.reports.page import report

__all__ = ["facts", "report", "write_comparison"]
