"""From artifacts to findings: what each shows, its simplest program, a folder for each of them.

DIR/findings/SLUG/ has input-SHA1 (the artifact), minimal.ops, report.txt and finding.json, as in
the folder of a long run of fuzzing. It is made under another name and then renamed.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time

from tools.scripts.common import script
from tools.scripts.gate.outcome import Finding

RUNS = 3
MINIMIZE_SECONDS = 20
MOST_MINIMIZED = 12  # where everything is broken, a dozen programs say so as well as a hundred
MAX_SLUG = 100


def slug(signature):
    """A name for a folder."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", signature.replace("/", "."))[:MAX_SLUG]
    return f"{plain}-{hashlib.sha1(signature.encode()).hexdigest()[:8]}"


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
        """What `repro --json` says, {} if it cannot. The lines of code can take it seconds.

        Raises script.Failure where a limit of address space lets no program run: what failed under
        it is no finding.
        """
        options = [] if code else ["--no-code"]
        done = self._run("repro", "--json", "-k", str(RUNS), *options, path)
        said = done.stderr.decode("utf-8", "backslashreplace")
        if done.returncode == script.ENVIRONMENT and "address space" in said:
            raise script.Failure(script.ENVIRONMENT, said.strip())
        if done.returncode not in (0, 1):
            return {}
        return json.loads(done.stdout)

    def minimize(self, path, out):
        """Whether `out` is now the simplest program with the same signature."""
        done = self._run("minimize", f"--time={MINIMIZE_SECONDS}s", path, "-o", out)
        return done.returncode == 0 and os.path.exists(out)

    def assemble(self, path, out):
        """Whether `out` has the program's canonical bytes."""
        return self._run("assemble", path, "-o", out).returncode == 0

    def show(self, path):
        done = self._run("show", path)
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def look(artifacts, tool, progress=lambda artifact: None):
    """Findings, one for each signature of a target, seeds of the tree first."""
    found = {}
    for artifact in sorted(artifacts, key=lambda one: (not one.seed, one.target, one.path)):
        progress(artifact)
        repro = tool.repro(artifact.path, code=False)
        signature = repro.get("signature") or artifact.raw or "unknown/unknown/unknown"
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


def _write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _describe(finding, artifact, now):
    return {
        "signature": finding.signature, "target": finding.target,
        "kind": finding.repro.get("kind", "crash"), "engine": finding.repro.get("engine", ""),
        "count": finding.count, "first_seen": now, "last_seen": now, "artifact": artifact,
        "ops": finding.repro.get("ops", 0), "minimal": "minimal.ops" if finding.minimal else "",
        "report": "report.txt", "draft": "", "seed": finding.seed,
    }


def clear(folder):
    """Removes the findings of an earlier gate, and nothing else."""
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if os.path.exists(os.path.join(path, "finding.json")):
            shutil.rmtree(path)


def keep(finding, folder, tool, minimize=True):
    """Minimises a finding and makes its folder below `folder`."""
    final = os.path.join(folder, slug(finding.signature))
    temporary = os.path.join(folder, ".new-" + os.path.basename(final))
    shutil.rmtree(temporary, ignore_errors=True)
    os.makedirs(temporary)
    with open(finding.artifact, "rb") as file:
        content = file.read()
    artifact = "input-" + hashlib.sha1(content).hexdigest()
    with open(os.path.join(temporary, artifact), "wb") as file:
        file.write(content)
    minimal = os.path.join(temporary, "minimal.ops")
    known = minimize and finding.repro.get("signature")
    if known and tool.minimize(finding.artifact, minimal):
        simplest = tool.repro(minimal)
        if simplest.get("signature") == finding.signature:
            finding.repro = simplest
            finding.minimal = os.path.join(final, "minimal.ops")
    if known and not finding.minimal:
        finding.repro = tool.repro(finding.artifact) or finding.repro
    source = minimal if finding.minimal else finding.artifact
    finding.program = tool.show(source)
    _write(os.path.join(temporary, "report.txt"), finding.repro.get("report", ""))
    _write(os.path.join(temporary, "finding.json"),
           json.dumps(_describe(finding, artifact, int(time.time())), indent=2) + "\n")
    shutil.rmtree(final, ignore_errors=True)
    os.rename(temporary, final)
    finding.folder = final
    finding.artifact = os.path.join(final, artifact)
