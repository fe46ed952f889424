"""The build for OSS-Fuzz: the rules of the check, a real package, and the files that OSS-Fuzz and
ClusterFuzzLite read.
"""

import os
import re
import struct
import subprocess
import tarfile
import tempfile
import unittest
import unittest.mock as mock
import zipfile

from tools.scripts.oss_fuzz import command, image, rules, runner

PACKAGE = "fuzzers/program_fuzzer_oss_fuzz.tar"
CORPUS = "fuzzers/program_fuzzer_corpus"

ASAN = image.Configuration("libfuzzer", "address")
UBSAN = image.Configuration("libfuzzer", "undefined")
I386 = image.Configuration("libfuzzer", "address", "i386")
LOADED = "INFO: Loaded 1 modules   (%d inline 8-bit counters): %d [0x5, 0x6),\n"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Scratch(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = scratch.name

    def write(self, name, content, mode=0o644):
        path = os.path.join(self.root, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(path, mode)
        return path

    def write_zip(self, name, seeds):
        path = os.path.join(self.root, name)
        with zipfile.ZipFile(path, "w") as archive:
            for seed in seeds:
                archive.writestr(seed, b"seed")
        return path


class RulesTest(Scratch):

    def test_calls_are_counted(self):
        lines = [b"  401: \tcall   5b33a0 <__asan_report_load8>\n",
                 b"  402: \tcallq  5b33a0 <__asan::Report(int)>\n",
                 b"  403: \tcall   5b33a0 <__ubsan_handle_shift_out_of_bounds_abort>\n",
                 b"  404: \tcall   5b33a0 <rmapdiff::__asan>\n",
                 b"  405: \tjmp    5b33a0 <__asan_report_load8>\n"]
        self.assertEqual(rules.count_calls(lines), {"asan": 2, "ubsan": 1})

    def test_a_sanitizer_must_be_there_alone(self):
        for configuration, asan, ubsan, complaint in (
                (ASAN, 1000, 200, None), (ASAN, 999, 0, "999 calls of ASan"),
                (ASAN, 5000, 201, "201 calls of UBSan beside"), (I386, 5000, 280, None),
                (I386, 5000, 281, "281 calls of UBSan beside"), (UBSAN, 0, 168, None),
                (UBSAN, 0, 167, "167 calls of UBSan"), (UBSAN, 1, 500, "1 calls of ASan beside")):
            with self.subTest(f"{configuration} {asan} {ubsan}"):
                complaints = rules.check_calls(configuration, {"asan": asan, "ubsan": ubsan})
                self.assertEqual(len(complaints), 0 if complaint is None else 1)
                self.assertIn(complaint or "", "".join(complaints))

    def test_edges(self):
        self.assertEqual(rules.check_engine(LOADED.replace("%d", "100")), [])
        self.assertIn("99 edges", rules.check_engine(LOADED.replace("%d", "99"))[0])
        self.assertIn("does not say", rules.check_engine("Segmentation fault")[0])
        blind = "ERROR: no interesting inputs were found. Is the code instrumented for coverage?"
        self.assertIn("no coverage", rules.check_engine(blind)[0])

    def test_startup(self):
        self.assertEqual(rules.check_startup("Done 4 runs in 0 second(s)"), [])
        self.assertIn("AddressSanitizer", rules.check_startup("ERROR: AddressSanitizer")[0])

    def test_afl(self):
        self.assertEqual(rules.check_afl("[+] All set and ready to roll!"), [])
        self.assertIn("does not start", rules.check_afl("[-] PROGRAM ABORT")[0])
        crashed = "All set and ready to roll!\nthe target binary crashed suddenly"
        self.assertIn("dies", rules.check_afl(crashed)[0])

    def test_libraries(self):
        needed = "Dynamic Section:\n  NEEDED               libm.so.6\n  NEEDED      %s\n"
        self.assertEqual(rules.check_libraries(needed % "libstdc++.so.6"), [])
        for library in ("libc++.so.1", "libfmt.so.9", "libmimalloc.so.2"):
            self.assertIn(library, rules.check_libraries(needed % library)[0])

    def test_architecture(self):
        for architecture, elf_class, machine in (("x86_64", 2, 62), ("i386", 1, 3)):
            elf = b"\x7fELF" + bytes([elf_class]) + bytes(13) + struct.pack("<H", machine)
            path = self.write("program", elf)
            other = "i386" if architecture == "x86_64" else "x86_64"
            self.assertEqual(rules.check_architecture(path, architecture), [])
            self.assertIn(other, rules.check_architecture(path, other)[0])

    def test_seeds(self):
        self.assertEqual(rules.check_seeds(self.write_zip("a.zip", ["one", "two"])), [])
        self.assertIn("no seed", rules.check_seeds(self.write_zip("b.zip", []))[0])
        self.assertIn("folder", rules.check_seeds(self.write_zip("c.zip", ["a/one"]))[0])
        self.assertIn("expected a zip", rules.check_seeds(self.write("d.zip", "seeds"))[0])
        self.assertIn("expected a zip", rules.check_seeds(os.path.join(self.root, "none"))[0])

    def test_options(self):
        flags = rules.known_flags("Flags: (in the form -flag=value)\n max_len  \t0\tMaximum.\n")
        self.assertEqual(flags, {"max_len"})
        for text, complaint in (
                ("[libfuzzer]\nmax_len=64\n", None), ("[libfuzzer]\nmaxlen=64\n", "-maxlen"),
                ("max_len=64\n", "no section headers"), ("[afl]\nx=1\n", "section [afl]"),
                ("[libfuzzer]\ndict=none.dict\n", "no dictionary none.dict")):
            with self.subTest(text):
                complaints = rules.check_options(self.write("x.options", text), flags)
                self.assertEqual(len(complaints), 0 if complaint is None else 1)
                self.assertIn(complaint or "", "".join(complaints))

    def test_covered(self):
        os.makedirs(os.path.join(self.root, "src/rmapdiff"))
        self.write("src/rmapdiff/map.h", "")
        for covered, complaint in (
                ({"/src/rmapdiff/map.h": 1, "/usr/include/x.h": 0}, None),
                ({"/src/rmapdiff/map.h": 0}, "covers nothing"),
                ({"/src/rmapdiff/map.h": 1, "/src/rmapdiff/gone.h": 1}, "gone.h: is not below"),
                ({"/src/rmapdiff/map.h": 1, "mmu/map.h": 1}, "mmu/map.h: is a path of no image")):
            with self.subTest(covered):
                complaints = rules.check_covered(covered, "/src/rmapdiff", self.root)
                self.assertEqual(len(complaints), 0 if complaint is None else 1)
                self.assertIn(complaint or "", "".join(complaints))

    def test_folder(self):
        target = b"\x7fELF...LLVMFuzzerTestOneInput"
        self.write("good_fuzzer", target, 0o755)
        self.write("tool", b"\x7fELF...", 0o755)
        self.write("script", "#!/bin/sh\n# LLVMFuzzerTestOneInput", 0o755)
        self.write("not_executable", target)
        self.assertEqual(rules.find_targets(self.root), ["good_fuzzer"])
        for name in ("tool", "script", "not_executable"):
            os.remove(os.path.join(self.root, name))
        self.assertIn("good_fuzzer.options: is missing",
                      rules.check_folder(self.root, ["good_fuzzer"]))
        self.write("good_fuzzer.options", "")
        self.write("good_fuzzer.dict", "")
        self.write_zip("good_fuzzer_seed_corpus.zip", ["seed"])
        self.assertEqual(rules.check_folder(self.root, ["good_fuzzer"]), [])
        self.write("left_over", "")
        self.assertIn("left_over", rules.check_folder(self.root, ["good_fuzzer"])[0])
        self.assertIn("no fuzz target", rules.check_folder(self.root, [])[0])
        self.assertIn("bad name", "".join(rules.check_folder(self.root, ["bad.name"])))

    def test_a_changed_folder_is_seen(self):
        self.write("file", "")
        before = runner.snapshot(self.root)
        self.assertEqual(runner.snapshot(self.root), before)
        self.write("new", "")
        self.assertNotEqual(runner.snapshot(self.root), before)


class M32Test(Scratch):
    """Where the kernel starts no 32-bit program."""

    def run_with(self, configuration, way):
        """The command and ASAN_OPTIONS with which a target is started."""
        started = mock.Mock(return_value=subprocess.CompletedProcess([], 0, b""))
        with mock.patch.object(runner, "how_m32", return_value=way):
            checker = runner.Runner(configuration, os.path.join(self.root, "out"), "/src")
        with mock.patch.object(runner.subprocess, "run", started):
            self.assertEqual(checker.run(["target", "-help=1"]), (0, ""))
        return started.call_args.args[0], started.call_args.kwargs["env"]["ASAN_OPTIONS"]

    def test_targets_are_run_by_qemu(self):
        command_line, options = self.run_with(I386, "qemu")
        self.assertEqual(command_line, ["qemu-i386", "target", "-help=1"])
        self.assertTrue(options.endswith(":detect_leaks=0"), options)
        for configuration, way in ((I386, "kernel"), (ASAN, "qemu")):
            command_line, options = self.run_with(configuration, way)
            self.assertEqual(command_line, ["target", "-help=1"])
            self.assertNotIn("detect_leaks", options)

    def test_nothing_is_built_that_cannot_be_run(self):
        with mock.patch.object(runner, "how_m32", return_value="none"), \
                mock.patch.object(image, "needed_files", return_value=[]), \
                mock.patch.object(command, "build") as build, \
                self.assertRaisesRegex(command.Failure, "i386: the kernel starts no 32-bit"):
            command.check(I386, command.parse_args([]))
        build.assert_not_called()

    def test_the_look_at_the_machine(self):
        for way in ("kernel", "qemu", "none"):
            with mock.patch.dict(os.environ, RMAPDIFF_M32=way):
                self.assertEqual(runner.how_m32(), way)


class PackageTest(Scratch):
    """A package as the build makes it, unpacked as OSS-Fuzz does."""

    def setUp(self):
        super().setUp()
        with tarfile.open(PACKAGE) as archive:
            self.members = archive.getnames()
            archive.extractall(self.root)
        self.target = os.path.join(self.root, "program_fuzzer")

    def run_target(self, *words):
        done = subprocess.run([self.target, *words], cwd=self.root, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def test_it_holds_a_target_and_what_belongs_to_it(self):
        self.assertEqual(self.members, ["program_fuzzer", "program_fuzzer_seed_corpus.zip",
                                        "program_fuzzer.options"])
        self.assertEqual(rules.find_targets(self.root), ["program_fuzzer"])
        self.assertEqual(rules.check_folder(self.root, ["program_fuzzer"]), [])
        self.assertEqual(rules.check_architecture(self.target, "x86_64"), [])
        _, listed = self.run_target("-help=1")
        flags = rules.known_flags(listed)
        self.assertIn("rss_limit_mb", flags)
        self.assertEqual(rules.check_options(self.target + ".options", flags), [])

    def test_its_seeds_are_those_of_the_corpus_and_pass(self):
        path = self.target + "_seed_corpus.zip"
        self.assertEqual(rules.check_seeds(path), [])
        with zipfile.ZipFile(path) as archive:
            self.assertEqual(archive.namelist(), sorted(os.listdir(CORPUS)))
            for name in archive.namelist():
                with open(os.path.join(CORPUS, name), "rb") as seed:
                    self.assertEqual(archive.read(name), seed.read())
            archive.extractall(os.path.join(self.root, "seeds"))
        code, output = self.run_target("-runs=0", "seeds")
        self.assertEqual(code, 0, output)
        self.assertIn(f"INFO: seed corpus: files: {len(os.listdir(CORPUS))}", output)

    def test_it_starts_as_oss_fuzz_starts_it(self):
        code, output = self.run_target("-runs=4", "-seed=1337", "--", "-max_len=64")
        self.assertEqual((code, rules.check_startup(output), rules.check_engine(output)),
                         (0, [], []))


class FilesTest(unittest.TestCase):

    @staticmethod
    def values(key):
        """The list of a key of oss-fuzz/project.yaml."""
        text = read("oss-fuzz/project.yaml")
        return re.findall(r"- (\S+)", re.search(rf"\n{key}:\n((?:  - \S+\n)+)", text).group(1))

    def test_what_is_asked_for_is_what_is_checked(self):
        self.assertEqual(self.values("fuzzing_engines"), list(image.ENGINES))
        self.assertEqual(self.values("sanitizers") + ["coverage"], list(image.SANITIZERS))
        self.assertEqual(self.values("architectures"), list(image.ARCHITECTURES))

    def test_both_images_are_one(self):
        ours, lite = read("oss-fuzz/Dockerfile"), read(".clusterfuzzlite/Dockerfile")
        for line in ("FROM gcr.io/", "RUN apt-get", "WORKDIR $SRC/rmapdiff"):
            wanted = [text for text in ours.splitlines() if text.startswith(line)]
            self.assertEqual(len(wanted), 1)
            self.assertIn(wanted[0], lite.splitlines())
        system = re.search(r"base-builder:(\S+)", ours).group(1)
        for path in ("oss-fuzz/project.yaml", ".clusterfuzzlite/project.yaml"):
            self.assertIn(f"\nbase_os_version: {system}\n", "\n" + read(path))

    def test_placeholders_are_said_to_be_ones(self):
        for path in ("oss-fuzz/project.yaml", "oss-fuzz/Dockerfile"):
            self.assertIn("PLACEHOLDER", read(path))
            self.assertIn("example.org", read(path))

    def test_lite_builds_with_the_same_script(self):
        self.assertIn('exec "${SRC}/rmapdiff/oss-fuzz/build.sh"', read(".clusterfuzzlite/build.sh"))


class CommandTest(unittest.TestCase):

    def test_configurations(self):
        self.assertEqual(
            list(map(str, command.configurations(command.parse_args([])))),
            ["libfuzzer/address/x86_64", "libfuzzer/undefined/x86_64",
             "libfuzzer/coverage/x86_64", "afl/address/x86_64", "afl/undefined/x86_64",
             "libfuzzer/address/i386"])
        args = command.parse_args(["--engine=afl", "--sanitizer=undefined"])
        self.assertEqual(list(map(str, command.configurations(args))), ["afl/undefined/x86_64"])

    def test_wrong_usage(self):
        for words, complaint in (
                (["--engine=afl", "--sanitizer=coverage"], "one of libfuzzer/address/x86_64"),
                (["--dir=/nonexistent"], "is not a folder"),
                (["--build-script=none.sh"], "none.sh: is not a file")):
            with self.subTest(words):
                with self.assertRaises(command.Failure) as caught:
                    command.main(words)
                self.assertEqual(caught.exception.code, 2)
                self.assertIn(complaint, str(caught.exception))

    def test_the_environment_has_one_sanitizer(self):
        variables = image.environment(ASAN, "/build")
        self.assertIn("-fsanitize=address", variables["CFLAGS"])
        self.assertNotIn("shift", variables["CFLAGS"])
        self.assertTrue(variables["CXXFLAGS"].startswith(variables["CFLAGS"]))
        self.assertIn("-stdlib=libc++", variables["CXXFLAGS"])
        self.assertNotIn("address", image.environment(UBSAN, "/build")["CFLAGS"])


if __name__ == "__main__":
    unittest.main()
