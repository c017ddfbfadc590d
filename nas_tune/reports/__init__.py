"""A run, or several compared, as one HTML file that opens offline: what was found, how, and what went wrong.

    data.py        the facts that the page shows, as plain data for JSON
    elapsed.py     times of a run without the breaks between its sessions
    learning.py    the learning curves of every metric, and the rungs at which trials were judged
    timeline.py    which worker was busy with which trial, and when
    gallery.py     drawings of the best architectures
    failures.py    failed trials, grouped by cause
    summary.py     the headline of the page, and its numbers in large type
    page.py        the page of a run: its facts into page.html, with charts.js and table.js
    comparison.py  the page of compared runs: their facts into comparison.html, with comparison.js
    html.py        writes facts, template, base.html, page.css and the scripts as one file

A page loads nothing from elsewhere: its content security policy forbids that, and allows no script but its own.
Messages and names from the run are escaped.
"""

from __future__ import annotations

from nas_tune.reports.comparison import write_comparison
from nas_tune.reports.data import facts
from nas_tune.reports.page import report

__all__ = ["facts", "report", "write_comparison"]
