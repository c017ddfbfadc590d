"""`spectrogram`: how a waveform becomes an image, beside the architecture of a network for images.

The front end decides the number of mel bands, the length of the window and of the hop in milliseconds, and how the
energies are compressed: by their logarithm, or by per-channel energy normalisation (PCEN, Wang et al. 2017,
1607.05666).
The network is a member of a space of images, such as `nb201`; `get("spectrogram", of="chain")` takes another one.

    {"front": {"bands": 40, "window": 32, "hop": 16, "scale": "log"}, "of": "nb201", "network": {..}}

Two members with equal front ends whose networks compute the same share an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.settings import check_names, check_numbers
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.names import did_you_mean
from search_spaces.parameters import choice, const
from search_spaces.space import Space

__all__ = ["BANDS", "HOPS", "SCALES", "WINDOWS", "SpectrogramSpace", "canonical", "connected", "space"]

BANDS = (20, 32, 40, 64)
WINDOWS = (16, 32)
HOPS = (8, 16)
SCALES = ("log", "pcen")


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form: the front end, and the canonical form of the network.

    Args:
        architecture: a member of the space.

    Returns:
        Both, and the name of the space of the network.
    """
    tree: Any = architecture._tree
    inner, network = _space_of(tree["of"]), Architecture(tree["network"])
    form: Any = network if inner.canonical is None else inner.canonical(network)
    plain = form._tree if isinstance(form, Architecture) else form
    return {"front": tree["front"], "of": tree["of"], "network": plain}


def connected(architecture: Architecture) -> bool:
    """Check that the network is a member of its space.

    Args:
        architecture: a tree of this space.

    Returns:
        What the rule of the space of the network says; True where it has none.
    """
    tree: Any = architecture._tree
    rule = _space_of(tree["of"]).valid
    return rule is None or rule(Architecture(tree["network"]))


class SpectrogramSpace(Space):
    """A front end and the network behind it: `{"front": {..}, "of": "nb201", "network": {..}}`."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the front end, and the network as its own space does."""
        tree: Any = self.validate(architecture)._tree
        front = tree["front"]
        label = f"{front['bands']} bands, window {front['window']} ms, hop {front['hop']} ms, {front['scale']}"
        vertices = (
            Vertex("wave", "waveform", "input"),
            Vertex("front", label, "operation"),
            Vertex("image", "to the network", "output"),
        )
        first = Graph("spectrogram", vertices, (Edge("wave", "front"), Edge("front", "image")))
        return (first, *_space_of(tree["of"]).graphs(tree["network"]))


def space(
    of: str = "nb201",
    *,
    bands: Sequence[int] = BANDS,
    windows: Sequence[int] = WINDOWS,
    hops: Sequence[int] = HOPS,
    scales: Sequence[str] = SCALES,
) -> SpectrogramSpace:
    """Make the space of spectrograms in front of the networks of another space.

    Args:
        of: the name of a space of this package whose networks take images.
        bands: the numbers of mel bands.
        windows: the lengths of the window in milliseconds.
        hops: the distances of two windows in milliseconds.
        scales: some of `SCALES`.

    Returns:
        The space.

    Raises:
        SpaceError: there is no space `of` in this package, or another setting has a wrong value.
    """
    check_numbers("bands", bands, BANDS, whole=True)
    check_numbers("windows", windows, WINDOWS, whole=True)
    check_numbers("hops", hops, HOPS, whole=True)
    check_names("scales", scales, SCALES)
    inner = _space_of(of)
    front = {
        "bands": choice(*bands),
        "window": choice(*windows),
        "hop": choice(*hops),
        "scale": choice(*scales),
    }
    tree = {"front": front, "of": const(of), "network": inner.declared}
    rule = connected if inner.valid else None
    return SpectrogramSpace(tree, name="spectrogram", canonical=canonical, valid=rule)


def _space_of(name: str) -> Space:
    """Find a space of this package: what a run names is never imported to read it."""
    from search_spaces.catalogue import SPACES, get  # the registry names this module

    known = [one for one in SPACES.built_in() if one != "spectrogram"]
    if name not in known:
        close = did_you_mean(str(name), known) or ";"
        raise SpaceError(
            f"of={name!r} is not a space of networks for images in this package{close} give one such as nb201"
        )
    return get(name)
