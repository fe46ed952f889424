"""tools/coverage: what the seeds of the corpus reach by themselves."""
