"""Builds the fuzz targets with oss-fuzz/build.sh as OSS-Fuzz's image would, and checks the result.

No Docker: the variables of the image are set (tools/scripts/oss_fuzz/image.py says what differs),
the tree is copied to $SRC/rmapdiff, and what comes out in $OUT is moved, made read-only, run
without rights, and held against what the run image demands (tools/scripts/oss_fuzz/rules.py).
Without further words all configurations are built, one after the other, which takes a while.

Exit code: 0 all is well, 1 a complaint, or a target cannot be built, 2 wrong usage, 3 environment
(packages are missing).
"""

import os
import shutil
import subprocess
import sys
import tempfile

from tools.scripts.common.script import (DONE, ENVIRONMENT, FINDING as COMPLAINTS, ROOT, USAGE,
                                         Failure, Parser, run_main, set_up)
from tools.scripts.oss_fuzz import image, rules, runner


def parse_args(words):
    parser = Parser("tools/check_oss_fuzz", __doc__)
    parser.add_argument("--engine", choices=image.ENGINES, help="only this one")
    parser.add_argument("--sanitizer", choices=image.SANITIZERS, help="only this one")
    parser.add_argument("--architecture", choices=image.ARCHITECTURES, help="only this one")
    parser.add_argument("--target", metavar="NAME", action="append", default=[],
                        help="only this one; may be given several times")
    parser.add_argument("--build-script", metavar="FILE", default="oss-fuzz/build.sh",
                        help="of this tree [oss-fuzz/build.sh]")
    parser.add_argument("--dir", metavar="DIR", help="where to build [a new folder below $TMPDIR]")
    parser.add_argument("--keep", action="store_true", help="leave what was built in DIR")
    return parser.parse_args(words)


def configurations(args):
    wanted = (args.engine, args.sanitizer, args.architecture)
    return [configuration for configuration in image.all_configurations()
            if all(want in (None, have) for want, have in zip(wanted, configuration))]


def copy_tree(target):
    """The files that git knows or would add: nothing that was built here."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if listed.returncode != 0:
        raise Failure(ENVIRONMENT, f"{ROOT}: git cannot list its files, expected a checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if os.path.exists(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(target, name))


def build(configuration, root, args):
    """Runs the script as the image does, from a copy of its own; true if it succeeds."""
    variables = image.environment(configuration, root)
    for folder in ("SRC", "WORK", "OUT"):
        os.makedirs(variables[folder])
    image.write_static_libcxx(os.path.join(root, "lib"))
    tree = os.path.join(variables["SRC"], "rmapdiff")
    copy_tree(tree)
    script = os.path.join(variables["SRC"], "build.sh")
    shutil.copy2(os.path.join(ROOT, args.build_script), script)
    # Whoever checks may hold the build back, say with --jobs=2.
    variables["BAZEL_EXTRA_BUILD_FLAGS"] = os.environ.get("BAZEL_EXTRA_BUILD_FLAGS", "")
    variables["FUZZ_TARGETS"] = " ".join(args.target)
    log = os.path.join(root, "build.log")
    with open(log, "wb") as output:
        done = subprocess.run(["bash", "-eu", script], cwd=tree, env=variables, stdout=output,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        with open(log, encoding="utf-8", errors="replace") as lines:
            sys.stderr.writelines(lines.readlines()[-40:])
        return False
    if configuration.sanitizer == "coverage":
        # The image keeps the sources for the report, links followed.
        subprocess.run(["cp", "-rL", "--parents", variables["SRC"], variables["WORK"],
                        variables["OUT"]], check=True)
    return True


def move_out(root):
    """$OUT under another name, and read-only."""
    moved = os.path.join(root, "moved")
    os.rename(os.path.join(root, "out"), moved)
    subprocess.run(["chmod", "-R", "a-w,a+rX", moved], check=True)
    return moved


def check_targets(configuration, root):
    """Checks what was built, prints a line a target; returns how many passed and failed."""
    out = move_out(root)
    targets = rules.find_targets(out)
    complaints = rules.check_folder(out, targets)
    before = runner.snapshot(out)
    checker = runner.Runner(configuration, out, os.path.join(root, "src", "rmapdiff"))
    failed = 0
    for name in targets:
        facts, found = checker.check(name)
        failed += bool(found)
        print(f"{configuration} {name}: {'FAILED' if found else 'ok'}: {', '.join(facts)}",
              flush=True)
        for complaint in found:
            print(f"  {complaint}")
    if runner.snapshot(out) != before:
        complaints.append("a target has written to $OUT")
    for complaint in complaints:
        print(f"{configuration}: FAILED: {complaint}")
    return len(targets) - failed, failed + bool(complaints)


def remove(root):
    """Bazel makes folders that even their owner cannot empty."""
    subprocess.run(["chmod", "-R", "u+w", root], check=False)
    shutil.rmtree(root, ignore_errors=True)


def check(configuration, args):
    missing = [path for path in image.needed_files(configuration) if not os.path.exists(path)]
    if missing:
        raise Failure(ENVIRONMENT, f"{configuration}: there is no {', '.join(missing)}, expected "
                                    "what tools/setup --for=engines installs")
    if configuration.architecture == "i386" and runner.how_m32() == "none":
        raise Failure(ENVIRONMENT, f"{configuration}: the kernel starts no 32-bit program, "
                                    "expected one that does, or qemu-i386 (package qemu-user)")
    root = tempfile.mkdtemp(prefix="oss-fuzz-", dir=args.dir)
    os.chmod(root, 0o755)
    try:
        if not build(configuration, root, args):
            print(f"{configuration}: FAILED: {args.build_script} does not build it")
            return 0, 1
        return check_targets(configuration, root)
    finally:
        if args.keep:
            print(f"{configuration}: is in {root}")
        else:
            remove(root)


def main(words):
    args = parse_args(words)
    chosen = configurations(args)
    if not chosen:
        raise Failure(USAGE, "OSS-Fuzz builds no such configuration, expected one of "
                       + ", ".join(map(str, image.all_configurations())))
    if args.dir is not None and not os.path.isdir(args.dir):
        raise Failure(USAGE, f"--dir={args.dir}: is not a folder")
    if not os.path.isfile(os.path.join(ROOT, args.build_script)):
        raise Failure(USAGE, f"--build-script={args.build_script}: is not a file of {ROOT}")
    set_up(ROOT, "engines")
    passed = failed = 0
    for configuration in chosen:
        well, ill = check(configuration, args)
        passed, failed = passed + well, failed + ill
    print(f"{passed} passed, {failed} failed")
    return DONE if passed and not failed else COMPLAINTS


if __name__ == "__main__":
    run_main("tools/check_oss_fuzz", main)
