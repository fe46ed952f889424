"""Imports of Python begin at the root of the tree: tools.scripts.gate.rules."""
