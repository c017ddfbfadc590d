"""A plug-in of nas_tune that brings one of each kind."""
