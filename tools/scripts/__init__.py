"""The commands that are scripts: what drives Bazel, or draws."""
