"""Signals: waveforms with a class or numbers each, or windows of one long series with what follows them.

data = load_signals(SignalSettings(data="words.parquet", sample_rate=8000), torch.device("cpu"))
waves, targets = data.train.rows(torch.arange(4))     # (4, channels, length), (4,)
data.arguments()                                      # what a network for these signals is built with
"""

from __future__ import annotations

from trainables.data.signals.loading import described_signals, kind_of_signals, load_signals, signals_checksum
from trainables.data.signals.recordings import is_signals
from trainables.data.signals.settings import SignalSettings
from trainables.data.signals.signal import SignalData, SignalPart, WindowPart

__all__ = [
    "SignalData",
    "SignalPart",
    "SignalSettings",
    "WindowPart",
    "described_signals",
    "is_signals",
    "kind_of_signals",
    "load_signals",
    "signals_checksum",
]
