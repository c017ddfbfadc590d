"""The configuration of a search: keyword arguments or a TOML file in, one immutable `SearchConfig` out.

    schema.py      SearchConfig, Resources: every key, its default and what it decides
    value_types.py the types of the values, with their rules
    conflicts.py   keys that exclude or need one another
    component.py   Component: a name with settings, for the space, trainable, strategy and scheduler
    files.py       load_config: TOML files and `--set key=value`
    text.py        TOML as text, with the path, line and column of what is wrong
    problems.py    every problem at once, one line each: the key, the value, what was expected
    starter.py     the commented TOML file that `nas-tune init` writes
    field_texts.py the texts of the schema's fields

What is configured is imported when it is asked for, so that names and references cost no pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.lazy_names import lazy_names

if TYPE_CHECKING:
    from nas_tune.config.component import Component
    from nas_tune.config.files import load_config
    from nas_tune.config.problems import ConfigProblems
    from nas_tune.config.schema import Resources, SearchConfig

__all__ = ["Component", "ConfigProblems", "Resources", "SearchConfig", "load_config"]

_HOME = {
    "Component": "nas_tune.config.component",
    "ConfigProblems": "nas_tune.config.problems",
    "Resources": "nas_tune.config.schema",
    "SearchConfig": "nas_tune.config.schema",
    "load_config": "nas_tune.config.files",
}

__getattr__ = lazy_names(__name__, _HOME)
