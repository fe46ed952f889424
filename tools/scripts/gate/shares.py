"""How many programs each target gets: as its slowest fault needs, of what is known to be needed.

A fault that is found by half of all trials after so many programs survives twice as many in a
quarter of them. So equal multiples of what the slowest fault of each target needs leave equally few
of them unseen. A target without a recorded fault gets what the middle one of the others needs.
"""

import statistics


def shares(programs, targets, needs):
    """{target: programs}, one at least each. needs: {target: programs}, of measurements."""
    usual = statistics.median(needs.values()) if needs else 1
    wanted = {target: max(1, needs.get(target, usual)) for target in targets}
    whole = sum(wanted.values())
    return {target: max(1, round(programs * want / whole)) for target, want in wanted.items()}
