"""Images and volumes whose pixels or voxels have classes: scans with masks.

data = load_volumes(VolumeSettings(data="hippocampus.npz"), torch.device("cpu"))
images, masks = data.train.rows(torch.arange(2))      # (2, c, d, h, w), (2, d, h, w)
data.arguments()                                      # what a network for these scans is built with
"""

from __future__ import annotations

from trainables.data.volumes.blobs import BLOBS
from trainables.data.volumes.guessing import holds_masks
from trainables.data.volumes.loading import class_names, described_volumes, load_volumes, volumes_checksum
from trainables.data.volumes.scans import PatchPart, VolumeData, VolumePart
from trainables.data.volumes.settings import VolumeSettings

__all__ = [
    "BLOBS",
    "PatchPart",
    "VolumeData",
    "VolumePart",
    "VolumeSettings",
    "class_names",
    "described_volumes",
    "holds_masks",
    "load_volumes",
    "volumes_checksum",
]
