"""Architectures from other programs' files and back, by one pair of functions a format.

    from_nni / to_nni       a dict of NNI's `export_top_models`, of a space made by `search_spaces.nn` or of its hub
    from_trial / to_trial   an Optuna trial whose parameters the space suggested
    from_row / to_row       a row of a DataFrame or a mapping, `arch.<parameter>` or plain parameter columns
    from_frame / to_frame   a whole DataFrame

Readers return a member of the space, spelled as the space spells it (16.0 is 16, "3" is 3 where 3 is an option). They
do not guess a missing value: an `ArchitectureError` says the place in the architecture, the key, the value and what is
allowed. Readers ignore inactive decisions; writers leave them out or empty.

The text forms of families are methods of their spaces: genotypes (`search_spaces.get("darts").from_genotype`), strings
(`nb201`), matrices (`nb101`), arcs (`enas_macro`, `enas_micro`).
"""

from __future__ import annotations

from search_spaces.interchange.nni import from_nni, to_nni
from search_spaces.interchange.rows import from_frame, from_row, to_frame, to_row
from search_spaces.interchange.trials import from_trial, to_trial

__all__ = [
    "from_frame",
    "from_nni",
    "from_row",
    "from_trial",
    "to_frame",
    "to_nni",
    "to_row",
    "to_trial",
]
