"""The variables that OSS-Fuzz's build image sets, as far as Debian 12 has what stands behind them.

What differs from the image, all of it Debian's doing:
  - the compiler is clang 19, not the youngest;
  - libFuzzer's runtime is built for GCC's C++ library, so the engine links that as well;
  - AFL++ instruments by clang's own -fsanitize-coverage, the way that AFL++ has for compilers it
    has no plugin for: its plugin here is for clang 14, which cannot read this libc++;
  - i386 has GCC's C++ library only.
"""

import collections
import itertools
import os

ENGINES = ("libfuzzer", "afl")
SANITIZERS = ("address", "undefined", "coverage")
ARCHITECTURES = ("x86_64", "i386")

COMPILER, CXX_COMPILER = "clang-19", "clang++-19"
LIBCXX = "/usr/lib/llvm-19/lib"
AFL = "/usr/lib/afl"

_COMMON = ("-O1 -fno-omit-frame-pointer -gline-tables-only "
           "-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -Wno-unused-command-line-argument")

# All fatal but the overflow of unsigned numbers, which the image takes for a kind of coverage.
_UNDEFINED = ("bool", "array-bounds", "float-divide-by-zero", "function", "integer-divide-by-zero",
              "return", "shift", "signed-integer-overflow", "vla-bound", "vptr")

_SANITIZER_FLAGS = {
    "address": "-fsanitize=address -fsanitize-address-use-after-scope",
    "undefined": (f"-fsanitize={','.join(_UNDEFINED)},unsigned-integer-overflow "
                  f"-fno-sanitize-recover={','.join(_UNDEFINED)}"),
    "coverage": "",
}

_ENGINE_FLAGS = {
    "libfuzzer": "-fsanitize=fuzzer-no-link",
    "afl": "-fsanitize-coverage=trace-pc-guard",
}
_COVERAGE_FLAGS = "-fprofile-instr-generate -fcoverage-mapping -pthread"

_ENGINE_LIBRARIES = {
    "libfuzzer": "-fsanitize=fuzzer -l:libstdc++.so.6",
    "afl": f"{AFL}/libAFLDriver.a {AFL}/afl-compiler-rt-64.o",
}

# At run time. The image runs with leaks and stack traces on; AFL++ wants every finding to abort.
RUN_OPTIONS = {
    "libfuzzer": {
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_memcmp=1:dedup_token_length=3",
        "UBSAN_OPTIONS": "silence_unsigned_overflow=1:print_stacktrace=1",
    },
    "afl": {
        "ASAN_OPTIONS": "abort_on_error=1:symbolize=0:detect_leaks=0",
        "UBSAN_OPTIONS": "silence_unsigned_overflow=1:abort_on_error=1:symbolize=0",
        "AFL_FORKSRV_INIT_TMOUT": "30000",
        "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1",
        "AFL_NO_AFFINITY": "1",
        "AFL_NO_UI": "1",
        "AFL_SKIP_CPUFREQ": "1",
    },
}


class Configuration(collections.namedtuple("Configuration", "engine sanitizer architecture",
                                           defaults=("x86_64",))):
    """One build: an engine, a sanitizer, an architecture."""

    def __str__(self):
        return f"{self.engine}/{self.sanitizer}/{self.architecture}"

    def is_possible(self):
        """OSS-Fuzz measures coverage with libFuzzer, and builds 32-bit code with ASan for it."""
        if self.architecture == "i386":
            return (self.engine, self.sanitizer) == ("libfuzzer", "address")
        return self.engine == "libfuzzer" or self.sanitizer != "coverage"


def all_configurations():
    """The configurations that the image builds of a project, in its order."""
    every = itertools.product(ARCHITECTURES, ENGINES, SANITIZERS)
    return [configuration for configuration in (Configuration(*rest, first)
                                                for first, *rest in every)
            if configuration.is_possible()]


def needed_files(configuration):
    """Files of the packages of `tools/setup --for=engines` without which nothing can be built."""
    needed = [f"{LIBCXX}/libc++.a", f"{LIBCXX}/libc++abi.a"]
    if configuration.architecture == "i386":
        needed = []
    if configuration.engine == "afl":
        needed += [f"{AFL}/libAFLDriver.a", f"{AFL}/afl-compiler-rt-64.o", "/usr/bin/afl-fuzz"]
    return needed


def write_static_libcxx(folder):
    """The image has libc++ as archives only; here a linker script keeps the shared one out."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "libc++.a"), "w", encoding="ascii") as script:
        script.write(f"INPUT({LIBCXX}/libc++.a {LIBCXX}/libc++abi.a)\n")


def environment(configuration, root):
    """All variables of a build below the folder `root`."""
    coverage = configuration.sanitizer == "coverage"
    flags = " ".join(filter(None, (
        "-m32" if configuration.architecture == "i386" else "",
        _COMMON,
        _SANITIZER_FLAGS[configuration.sanitizer],
        _COVERAGE_FLAGS if coverage else _ENGINE_FLAGS[configuration.engine])))
    cxxflags = flags
    if configuration.architecture != "i386":
        cxxflags += f" -stdlib=libc++ -L{root}/lib"
    return {
        "HOME": root,
        "PATH": os.environ["PATH"],
        "SRC": f"{root}/src",
        "WORK": f"{root}/work",
        "OUT": f"{root}/out",
        "CC": COMPILER,
        "CXX": CXX_COMPILER,
        "CFLAGS": flags,
        "CXXFLAGS": cxxflags,
        "LIB_FUZZING_ENGINE": _ENGINE_LIBRARIES[configuration.engine],
        "FUZZING_ENGINE": configuration.engine,
        "FUZZING_LANGUAGE": "c++",
        "SANITIZER": configuration.sanitizer,
        "ARCHITECTURE": configuration.architecture,
    }
