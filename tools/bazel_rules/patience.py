"""Waits in a `unittest` until a condition holds.

The limit is far more than a slow machine needs, as no test may depend on a machine's speed. It is
less than Bazel's own limit (.bazelrc), which would not say which condition the test waits for.
"""

import time

SECONDS = 600


def wait_for(condition, pause=0.01):
    """Returns once the condition holds; AssertionError if it never does."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"expected the condition within {SECONDS} s")
        time.sleep(pause)
