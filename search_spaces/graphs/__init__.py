"""Graphs of architectures: their form, their outline for drawings, and their encodings."""
