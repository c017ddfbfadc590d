"""What every test gets: repeatable property tests, and no talk to the world outside."""

from __future__ import annotations

import os

from hypothesis import settings

# Read by Ray when it starts; set before any test can start it.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

# The machine is shared, so no deadline; the same examples each time, so that a red run can be repeated.
settings.register_profile("project", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("project")
