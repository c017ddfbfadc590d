"""A run as one HTML file, which opens offline: what was found, how, by whom, and what went wrong.

    data.py        all that the page shows, as plain JSON-able facts
    elapsed.py     times of a run without the breaks between its sessions
    learning.py    the learning curves of every metric, and the rungs at which trials were judged
    timeline.py    which worker was busy with which trial, and when
    gallery.py     the best architectures, drawn
    failures.py    failed trials, those of one cause together
    page.py        the facts into the template, and the page to its file
    page.html      the template; with page.css, plot.js, charts.js and table.js it becomes one file

The page loads nothing: its policy forbids it to, and lets no script run but its own. Whatever strangers wrote
(messages, names) is text in it.
"""

from __future__ import annotations

from nas_tune.reports.data import facts
from nas_tune.reports.page import report, write_page

__all__ = ["facts", "report", "write_page"]
