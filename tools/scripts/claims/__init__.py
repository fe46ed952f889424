"""tools/claims: what the patch promises and admits, measured."""
