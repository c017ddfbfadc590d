"""Networks of the `detector` space: a backbone, a pyramid of features, and a head that finds boxes."""

from __future__ import annotations

from trainables.networks.detector.builder import Detector, build_detector
from trainables.networks.examples import boxed_images
from trainables.networks.family import Family

__all__ = ["FAMILY", "Detector", "build_detector"]

FAMILY = Family(build_detector, boxed_images, undecided=False)
