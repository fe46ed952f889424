"""rmapdiff gate: whether a change may go in."""
