"""The door: what is built before a command runs, and whether anything has to be."""
