"""Object detection: boxes with classes in images, from their loss to average precision."""

from __future__ import annotations

from trainables.tasks.detection.detection import Detection

__all__ = ["Detection"]
