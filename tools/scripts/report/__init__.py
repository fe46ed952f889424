"""rmapdiff report: one page on a run."""
