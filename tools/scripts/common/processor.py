"""A program with a limit on the time of the processor, which a busy machine does not shorten.

The limit holds for the program and, apart from it, for each process that it starts; seconds are of
them all.
"""

import os
import resource
import signal
import subprocess

# A signal ends a program that has used up its time: the warning, or the end if it ignored that.
OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)
GRACE = 5


def _limit_time(seconds):
    """In the child: SIGXCPU ends it after so many seconds of the processor."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + GRACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(command, limit, log, env=None, cwd=None):
    """(exit code as of subprocess, seconds of the processor); what it prints goes to file `log`.

    limit: whole seconds, 1 at least.
    """
    with open(log, "wb") as output:
        # pylint: disable=subprocess-popen-preexec-fn
        child = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                 stdout=output, stderr=output, start_new_session=True,
                                 preexec_fn=lambda: _limit_time(limit))
    try:
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime
