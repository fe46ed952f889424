"""How long a `unittest` waits for what must come.

No test is timed by the speed of the machine: what is only slow must pass, so this is far more than
anything takes, and yet less than Bazel's own limit (.bazelrc), which would not say what hangs.
"""

import time

SECONDS = 600


def wait_for(condition, pause=0.01):
    """Returns once the condition holds; AssertionError if it never does."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"it has not come in {SECONDS} s")
        time.sleep(pause)
