"""A run in the web pages of other projects: optuna-dashboard and TensorBoard, live, on this machine only.

    study.py         trials of the ledger as trials of Optuna
    storage.py       a run as a read-only storage of Optuna that follows the ledger
    server.py        a web page on 127.0.0.1, for the browser of this machine only
    tensorboard.py   every epoch of every trial as TensorBoard scalars in the run's folder
    events.py        the event file of one trial
    viewer.py        TensorBoard itself, where it is installed

Both pages show copies. The package never writes the ledger, and writes nothing outside the run's folder.
"""

from __future__ import annotations

__all__: list[str] = []
