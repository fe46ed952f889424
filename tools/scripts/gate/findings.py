"""From artifacts to findings: a signature, a simplest program and a folder for each.

The command line makes DIR/findings/SLUG/, as it does for a long run of fuzzing, so one bug has one
name and one record there and here.
"""

import json
import os
import shutil
import subprocess

from tools.scripts.common import script
from tools.scripts.gate.outcome import Finding

MINIMIZE_SECONDS = 20
MOST_MINIMIZED = 12  # where everything is broken, a dozen programs say so as well as a hundred
UNKNOWN = "unknown/unknown/unknown"  # what neither the target nor repro has a signature for


class Tool:
    """The command line, for what it knows about an artifact."""

    def __init__(self, root, built):
        """built: what bazel-bin would stand for."""
        self._program = os.path.join(built, "tools", "cli", "rmapdiff")
        self._env = {**os.environ, "RMAPDIFF_ROOT": root}

    def _run(self, *words):
        return subprocess.run([self._program, *words], env=self._env, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)

    def repro(self, path, code=True):
        """The answer of `repro --json` on one run, {} if it fails. Lines of code take seconds.

        One run is enough: take_in confirms a finding by several. Raises script.Failure where a
        limit of address space lets no program run: a failure under it says nothing of the MMUs.
        """
        options = [] if code else ["--no-code"]
        done = self._run("repro", "--json", "-k", "1", *options, path)
        said = done.stderr.decode("utf-8", "backslashreplace")
        if done.returncode == script.ENVIRONMENT and "address space" in said:
            raise script.Failure(script.ENVIRONMENT, said.strip())
        if done.returncode not in (0, 1):
            return {}
        return json.loads(done.stdout)

    def take_in(self, finding, folder, seconds):
        """Files a finding below folder/findings; what finding.json says of it.

        seconds: for how long to minimise. Raises script.Failure if the finding is not kept.
        """
        done = self._run("--take-in", folder, finding.target, finding.artifact, str(seconds),
                         finding.raw or UNKNOWN, str(finding.count))
        if done.returncode != 0:
            raise script.Failure(done.returncode, done.stderr.decode("utf-8", "replace").strip())
        return json.loads(done.stdout)

    def assemble(self, path, out):
        """Whether `out` has the program's canonical bytes."""
        return self._run("assemble", path, "-o", out).returncode == 0

    def show(self, path):
        done = self._run("show", path)
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def look(artifacts, tool):
    """Findings, one for each signature, seeds of the tree first."""
    found = {}
    for artifact in sorted(artifacts, key=lambda one: (not one.seed, one.target, one.path)):
        repro = tool.repro(artifact.path, code=False)
        signature = repro.get("signature") or artifact.raw or UNKNOWN
        key = (signature, bool(artifact.seed))
        if key in found:
            found[key].count += 1
            continue
        found[key] = Finding(signature=signature, target=artifact.target, artifact=artifact.path,
                             raw=artifact.raw, seed=artifact.seed, repro=repro)
    fuzzed_again = [key for key in found if not key[1] and (key[0], True) in found]
    for key in fuzzed_again:  # the same as a failing seed
        found[(key[0], True)].count += found.pop(key).count
    return list(found.values())


def clear(folder):
    """Removes the findings of an earlier gate, and nothing else."""
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if os.path.exists(os.path.join(path, "finding.json")):
            shutil.rmtree(path)


def keep(finding, folder, tool, minimize=True):
    """Files a finding below folder/findings, and reads what its simplest program shows.

    A finding that cannot be filed is a finding all the same; `kept_note` says why.
    """
    try:
        record = tool.take_in(finding, folder, MINIMIZE_SECONDS if minimize else 0)
    except script.Failure as error:
        finding.kept_note = str(error)
    else:
        finding.signature = record["signature"]
        finding.folder = os.path.join(folder, "findings", record["folder"])
        finding.artifact = os.path.join(finding.folder, record["artifact"])
        if record["minimal"]:
            finding.minimal = os.path.join(finding.folder, record["minimal"])
    source = finding.minimal or finding.artifact
    if finding.repro.get("signature"):
        again = tool.repro(source)
        finding.repro = again if again.get("signature") else finding.repro
    finding.program = tool.show(source)
