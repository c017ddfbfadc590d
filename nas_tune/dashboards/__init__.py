"""A run in the pages that others wrote: optuna-dashboard and TensorBoard, live, on this machine only.

    study.py         trials of the ledger as trials of Optuna
    storage.py       a run as a storage of Optuna that can only be read, always as of now
    server.py        a page on 127.0.0.1, for this machine's browser alone
    tensorboard.py   every epoch of every trial as TensorBoard scalars in the run's folder
    events.py        the event file of one trial
    viewer.py        TensorBoard itself, where it is installed

Both show copies: the ledger is read and never written, and nothing is written outside the run's folder.
"""

from __future__ import annotations

__all__: list[str] = []
