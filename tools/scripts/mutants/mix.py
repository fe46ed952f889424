"""Programs that share one core: the mix of a trial.

Each part is a program that is to find something. The parts take turns, so that each has its share
of the time of the processor. A part that has ended is started again with another seed, unless it
came to its own end. All seconds are of the processor, so a busy machine shows the same.
"""

import collections
import math
import os

from tools.scripts.common import processor

# share: beside those of the other parts. head_start: seconds that do not count, so that the start
# of a slow program is over before the others go on. command: a function of the seed.
Part = collections.namedtuple("Part", "name share head_start command env")
# code, text: the exit code, and what it has printed. seed: of that process.
End = collections.namedtuple("End", "part code text seed")

# A turn, in seconds: short at first, so that what comes at once is not waited for.
FIRST_TURN, LONGEST_TURN = 0.02, 0.5
TURNS = 10
# A part goes on with another seed, so far away from the last one.
NEXT_SEED = 1 << 20


class _Runner:
    """A part, and its process of this moment."""

    def __init__(self, part, seed, log):
        self.part = part
        self.seed = seed
        self.log = log
        self.over = False  # it came to its own end
        self._process = None
        self._before = 0.0  # of the processes that have ended

    def seconds(self):
        return self._before + (self._process.seconds() if self._process else 0.0)

    def due(self):
        """The part with the least of it is next."""
        return (self.seconds() - self.part.head_start) / self.part.share

    def run(self, seconds, limit):
        """A turn; an End if the process ends in it."""
        if self._process is None:
            # The system's own limit is for the case that the mix cannot look in time.
            self._process = processor.Process(self.part.command(self.seed),
                                              math.ceil(limit) + 1, self.log, self.part.env)
        code = self._process.run(seconds)
        if code is None:
            return None
        self._before += self._process.seconds()
        self._process = None
        with open(self.log, encoding="utf-8", errors="replace") as file:
            end = End(self.part, code, file.read(), self.seed)
        self.seed += NEXT_SEED
        return end

    def kill(self):
        if self._process:
            self._process.kill()


class Mix:
    """Parts at work, for so many seconds together; `with` ends their processes."""

    def __init__(self, parts, seed, limit, folder):
        self._runners = [_Runner(part, seed, os.path.join(folder, part.name + ".log"))
                         for part in parts]
        self._limit = limit
        self._spent = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for runner in self._runners:
            runner.kill()

    def seconds(self):
        """Of all parts, and what was spent beside them."""
        return self._spent + sum(runner.seconds() for runner in self._runners)

    def left(self):
        return self._limit - self.seconds()

    def spend(self, seconds):
        """Counts time that went into something else: a look at what a part has found."""
        self._spent += seconds

    def ends(self):
        """Each end of a process, as an End, until the time is up or each part is over.

        A part is over when it ends by itself with 0, or because its time is up.
        """
        while self.left() > 0:
            ready = [runner for runner in self._runners if not runner.over]
            if not ready:
                return
            runner = min(ready, key=_Runner.due)
            turn = min(FIRST_TURN + self.seconds() / TURNS, LONGEST_TURN, self.left())
            end = runner.run(turn if len(ready) > 1 else self.left(), self.left())
            if end:
                runner.over = end.code in (0, *processor.OUT_OF_TIME)
                yield end
