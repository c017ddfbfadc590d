"""The site, built by `make docs` from this folder: pages, notebooks with their stored outputs, and a reference.

Nothing is executed or downloaded here: the tests execute the notebooks and what the pages show.
"""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version as version_of
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

# autodoc reads every name of search_spaces.nn, also those that torch.nn is about to drop.
warnings.filterwarnings("ignore", category=FutureWarning, message=".*has been deprecated", module="search_spaces.nn")

project = "nas_tune"
author = "the authors of nas_tune"
copyright = author  # the page's footer
version = release = version_of("nas-tune")

extensions = [
    "myst_nb",  # Markdown pages, and notebooks as they are
    "sphinx.ext.autodoc",  # the API, from docstrings
    "sphinx.ext.napoleon",  # their Args, Returns and Raises
    "sphinx_design",  # cards, and code side by side
    "_site",  # what this project's own pages need: see there
]
exclude_patterns = ["_site"]
suppress_warnings = ["config.cache"]

nb_execution_mode = "off"
nb_merge_streams = True
nb_render_markdown_format = "myst"  # tables in outputs, too
nb_ipywidgets_js = {}  # no notebook has widgets, and no page asks another server for a script
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

smartquotes_action = "D"  # two hyphens between words are a dash; quotes stay as they are typed
default_role = "code"  # docstrings write names in single backticks
add_module_names = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # a default is shown as it is written
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_use_rtype = False

pygments_dark_style = "github-dark"
html_theme = "furo"
html_title = "nas_tune"
html_static_path = ["_site/static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6e99", "color-brand-content": "#0b6e99"},
    "dark_css_variables": {"color-brand-primary": "#5cc4ee", "color-brand-content": "#5cc4ee"},
}
