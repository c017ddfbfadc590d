"""Graphs of architectures: the data types, a chain graph for any space, and encodings for predictors."""
