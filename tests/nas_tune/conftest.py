"""A table of all cells of nb201, written once for all tests that look up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nas_tune.benchmarks.tables.made import written


@pytest.fixture(scope="session")
def table_of_cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("tables"))
