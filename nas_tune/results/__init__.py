"""The results of a run as dataframes, SQL and Parquet, while it runs and afterwards.

    run.py       Run: the public class, which gives all results
    reader.py    the ledger, read-only, folded event by event as it grows
    tables.py    the typed columns of a trial and of an epoch, as Arrow tables
    frames.py    Arrow tables to pandas frames of the same types, and to Parquet files
    sql.py       SQL over the tables, kept away from everything else
    ranking.py   the order of trials, and the Pareto front
    decisions.py   the parameters that trials decided, without the code of their space
    space.py     the space of a run, None where it cannot be read
    redaction.py   text of strangers without credentials and spreadsheet formulas

Importing this package imports neither pandas nor pyarrow; the calls that need them do.
"""

from __future__ import annotations

from nas_tune.results.ranking import pareto, ranked
from nas_tune.results.reader import RunSnapshot
from nas_tune.results.run import Run

__all__ = ["Run", "RunSnapshot", "pareto", "ranked"]
