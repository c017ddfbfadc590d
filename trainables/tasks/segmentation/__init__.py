"""The task `segmentation`: a class for each pixel of an image or voxel of a volume."""

from __future__ import annotations

from trainables.tasks.segmentation.task import Segmentation

__all__ = ["Segmentation"]
