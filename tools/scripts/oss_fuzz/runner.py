"""Runs fuzz targets as OSS-Fuzz's run image would, and holds what they do against the rules.

$OUT has been moved since the build, cannot be written to and is the current folder; targets run
without rights and without any variable that the image does not set.
"""

import json
import os
import subprocess
import tempfile
import zipfile

from tools.bazel_rules import replay
from tools.scripts.common.script import ROOT
from tools.scripts.oss_fuzz import image, rules

# A user and a group that own nothing.
NOBODY = 65534

# Longer than anything here takes; what hangs must end nevertheless.
TIMEOUT = 600
AFL_SECONDS = 10

M32 = os.path.join(ROOT, "tools", "bazel_rules", "m32.sh")

PROFDATA, COV = "llvm-profdata-19", "llvm-cov-19"


def how_m32():
    """How 32-bit programs run here: "kernel", "qemu" or "none"."""
    return _output([M32, "--how"]).strip()


class Runner:
    """The targets in one folder, built for one configuration."""

    def __init__(self, configuration, out, sources):
        self.configuration = configuration
        self.out = out
        self.sources = sources  # where the tree was when it was compiled
        self.emulated = configuration.architecture == "i386" and how_m32() == "qemu"
        self.scratch = tempfile.mkdtemp(prefix="run-", dir=os.path.dirname(out))
        os.chmod(self.scratch, 0o777)

    def run(self, command, **variables):
        """Exit code and output of a program that has no rights; None if it does not end."""
        environment = {"PATH": "/usr/bin:/bin", "TMPDIR": self.scratch,
                       **image.RUN_OPTIONS[self.configuration.engine], **variables}
        if self.emulated:
            command = ["qemu-i386", *command]
            environment["ASAN_OPTIONS"] += ":detect_leaks=0"  # tools/bazel_rules/m32.sh says why
        rights = {}
        if os.getuid() == 0:
            rights = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        try:
            done = subprocess.run(
                command, cwd=self.out, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False,
                **rights)
        except subprocess.TimeoutExpired as error:
            return None, (error.output or b"").decode("utf-8", "replace")
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def new_folder(self):
        folder = tempfile.mkdtemp(dir=self.scratch)
        os.chmod(folder, 0o777)
        return folder

    def check(self, name):
        """Facts and complaints, both lists of texts."""
        path = os.path.join(self.out, name)
        complaints = rules.check_architecture(path, self.configuration.architecture)
        complaints += rules.check_libraries(_output(["objdump", "-p", path]))
        complaints += rules.check_seeds(f"{path}_seed_corpus.zip")
        if complaints:
            return [], complaints
        # None of these programs can be run without an engine that knows what to do.
        if self.configuration.engine == "afl":
            facts, complaints = self.check_afl(name)
        elif self.configuration.sanitizer == "coverage":
            facts, complaints = self.check_coverage(name)
        else:
            facts, complaints = self.check_libfuzzer(name)
        calls = self.count_calls(path)
        facts += [f"{count} calls of {tool}" for tool, count in calls.items()]
        return facts, complaints + rules.check_calls(self.configuration, calls)

    def count_calls(self, path):
        with subprocess.Popen(["objdump", "-dC", "--no-show-raw-insn", path],
                              stdout=subprocess.PIPE) as objdump:
            return rules.count_calls(objdump.stdout)

    def unpack_seeds(self, name):
        folder = self.new_folder()
        with zipfile.ZipFile(os.path.join(self.out, f"{name}_seed_corpus.zip")) as archive:
            archive.extractall(folder)
            return folder, len(archive.namelist())

    def check_libfuzzer(self, name):
        path = os.path.join(self.out, name)
        _, listed = self.run([path, "-help=1"])
        complaints = rules.check_options(f"{path}.options", rules.known_flags(listed))
        few = ["-seed=1337", f"-runs={rules.RUNS}"]
        _, output = self.run([path, *few])
        complaints += rules.check_engine(output)
        # As the image starts a target: a word without a dash is before the flags of the options.
        flags = replay.read_options(f"{path}.options")
        _, started = self.run([path, "-rss_limit_mb=2560", "-timeout=25", *few, "--", *flags])
        complaints += rules.check_startup(started)
        seeds, count = self.unpack_seeds(name)
        code, output_of_seeds = self.run([path, "-runs=0", *flags, seeds])
        if code != 0:
            complaints.append(f"fails on its own seeds:\n{output_of_seeds[-4000:]}")
        return [f"{rules.count_edges(output)} edges", f"{count} seeds"], complaints

    def check_afl(self, name):
        seeds, count = self.unpack_seeds(name)
        _, output = self.run(
            ["afl-fuzz", "-V", str(AFL_SECONDS), "-i", seeds, "-o", self.new_folder(), "--",
             os.path.join(self.out, name)])
        return [f"{count} seeds"], rules.check_afl(output)

    def merge_command(self, name, seeds):
        """libFuzzer merges in a process that it starts by a shell, with its own command line as the
        text. So each path of it is relative to $OUT, and made of names that are ours."""
        control = os.path.join(self.new_folder(), "control")
        paths = [os.path.relpath(path, self.out) for path in (control, self.new_folder(), seeds)]
        return [f"./{name}", "-merge=1", "-timeout=100", f"-merge_control_file={paths[0]}",
                *paths[1:]]

    def check_coverage(self, name):
        """That a report finds the sources, which are below $OUT under the paths they had."""
        path = os.path.join(self.out, name)
        seeds, count = self.unpack_seeds(name)
        raw = os.path.join(self.scratch, f"{name}.profraw")
        code, output = self.run(self.merge_command(name, seeds), LLVM_PROFILE_FILE=raw)
        if code != 0 or not os.path.exists(raw):
            return [], [f"leaves no profile behind:\n{output[-4000:]}"]
        profile = os.path.join(self.scratch, f"{name}.profdata")
        _output([PROFDATA, "merge", "-sparse", raw, "-o", profile])
        report = [f"-instr-profile={profile}", f"-path-equivalence=/,{self.out}", path]
        exported = json.loads(_output([COV, "export", "-summary-only", *report]))
        covered = {entry["filename"]: entry["summary"]["lines"]["covered"]
                   for entry in exported["data"][0]["files"]}
        complaints = rules.check_covered(covered, self.sources, self.out)
        own = [path for path in covered if path.startswith(self.sources + "/")]
        if not complaints and "|" not in _output([COV, "show", *report, own[0]]):
            complaints.append(f"{own[0]}: cannot be shown")
        lines = sum(covered[path] for path in own)
        return [f"{count} seeds", f"{lines} lines covered in {len(own)} files"], complaints


def _output(command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()


def snapshot(out):
    """Everything about the files of a folder that running a target could change."""
    found = {}
    for folder, _, names in os.walk(out):
        for name in names:
            status = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (status.st_size, status.st_mtime_ns, status.st_mode)
    return found
