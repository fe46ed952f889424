"""Programs with a limit on the time of the processor, which a busy machine does not shorten.

The limit holds for the program and, apart from it, for each process that it starts; seconds are of
them all once it has ended, and of the program alone before.
"""

import os
import resource
import signal
import subprocess
import time

# A signal ends a program that has used up its time: the warning, or the end if it ignored that.
OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)
GRACE = 5
LOOK = 0.002  # seconds of the clock, from one look at a program in its turn to the next


def _limit_time(seconds):
    """In the child: SIGXCPU ends it after so many seconds of the processor."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + GRACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Process:
    """A program that runs in turns, and stands still between them. `with` ends it at the latest.

    limit: whole seconds, 1 at least. What it prints goes to the file `log`.
    """

    def __init__(self, command, limit, log, env=None, cwd=None):
        self._seconds = 0.0
        with open(log, "wb") as output:
            # pylint: disable=subprocess-popen-preexec-fn
            self._child = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                           stdout=output, stderr=output, start_new_session=True,
                                           preexec_fn=lambda: _limit_time(limit))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def _ended(self, flags):
        """Its exit code as of subprocess, None if it runs."""
        if self._child.returncode is None:
            pid, status, usage = os.wait4(self._child.pid, flags)
            if pid != 0:
                self._child.returncode = os.waitstatus_to_exitcode(status)
                self._seconds = usage.ru_utime + usage.ru_stime
        return self._child.returncode

    def seconds(self):
        """Of the processor, so far."""
        if self._child.returncode is None:
            try:
                # The clock of another process, as the kernel's clock_getcpuclockid makes it.
                self._seconds = time.clock_gettime((~self._child.pid << 3) | 2)
            except OSError:
                pass  # it has just ended
        return self._seconds

    def wait(self):
        """Its exit code, when it has ended by itself."""
        return self._ended(0)

    def run(self, seconds):
        """Lets it go on for a turn of so many seconds of the processor; its exit code if it ends
        in it, else None."""
        end = self.seconds() + seconds
        os.killpg(self._child.pid, signal.SIGCONT)
        while self._ended(os.WNOHANG) is None and self.seconds() < end:
            time.sleep(LOOK)
        if self._ended(os.WNOHANG) is None:
            os.killpg(self._child.pid, signal.SIGSTOP)
        return self._ended(os.WNOHANG)

    def kill(self):
        """Ends it, if it runs, with all that it has started."""
        if self._ended(os.WNOHANG) is None:
            os.killpg(self._child.pid, signal.SIGKILL)
            self._ended(0)


def run(command, limit, log, env=None, cwd=None):
    """(exit code as of subprocess, seconds of the processor); what it prints goes to file `log`.

    limit: whole seconds, 1 at least.
    """
    with Process(command, limit, log, env, cwd) as process:
        return process.wait(), process.seconds()
