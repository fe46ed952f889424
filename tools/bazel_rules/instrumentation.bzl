"""Builds of a target with sanitizers, line counters or as 32-bit code inside a plain build.

A rule of this file names an ordinary cc_binary or cc_test and builds it once more under other
compiler flags, by a Starlark transition. There are few such configurations, on purpose: however
many targets ask, a library is compiled once a configuration. They are plain, instrumented,
instrumented 32-bit with gfns of 8 bytes and of 4, with line counters if tools/coverage asks,
optimised if tools/claims does, and for a debugger.
"""

load(
    "@rules_fuzzing_oss_fuzz//:flags.bzl",
    "OSS_FUZZ_COPTS",
    "OSS_FUZZ_CXXOPTS",
)

_COPT = "//command_line_option:copt"

_CXXOPT = "//command_line_option:cxxopt"

_LINKOPT = "//command_line_option:linkopt"

# Bazel's one way to link a library into every program of a configuration.
_CUSTOM_MALLOC = "//command_line_option:custom_malloc"

_INSTRUMENTATION = "@rules_fuzzing//fuzzing:cc_engine_instrumentation"

_SANITIZER = "@rules_fuzzing//fuzzing:cc_engine_sanitizer"

_DEFAULTS = Label("//tools/bazel_rules:sanitizer_defaults")

# Runs 32-bit programs, on whatever kernel.
_M32 = Label("//tools/bazel_rules:m32.sh")

# A finding of UBSan is only a printed line unless it is told otherwise.
_FATAL = "-fno-sanitize-recover=all"

_SANITIZER_FLAGS = {
    "asan": ["-fsanitize=address"],
    "asan-ubsan": ["-fsanitize=address,undefined", _FATAL],
    "coverage": ["-fprofile-instr-generate", "-fcoverage-mapping"],
    "none": [],
    "ubsan": ["-fsanitize=undefined", _FATAL],
}

# libFuzzer's counters alone. Traces of comparisons take a quarter of the time, and nothing uses
# them (use_cmp=0 in fuzzers/BUILD); neither does anything use the depth of the stack.
_FUZZER_FLAGS = [
    "-fsanitize=fuzzer-no-link",
    "-fno-sanitize-coverage=stack-depth,trace-cmp",
]

# Bazel links with the C driver, which leaves the C++ half of UBSan's runtime out.
_UBSAN_LINK_FLAG = "-fsanitize-link-c++-runtime"

# 64-bit multiplication under UBSan calls a helper of compiler-rt that libgcc does not have.
_M32_LINK_FLAGS = ["-m32", "--rtlib=compiler-rt", "--unwindlib=libgcc"]

# Gfns as wide as an unsigned long, see Gfn in mmu/base/types.h.
_LONG_GFN = "-DRMAPDIFF_LONG_GFN"

_SUPERSEDED = ("-fsanitize", "-fno-sanitize", "-fprofile-instr", "-fcoverage-mapping", "-m32", "-O")

def _without_superseded(flags):
    return [flag for flag in flags if not flag.startswith(_SUPERSEDED)]

def _flags(settings, is_m32):
    """The flags of a compiler and of a linker."""
    sanitizer = settings[_SANITIZER]
    flags = list(_SANITIZER_FLAGS[sanitizer])
    link_flags = flags + ([_UBSAN_LINK_FLAG] if _FATAL in flags else [])

    # A replay that counts lines has no use for libFuzzer's counters, and without a sanitizer only a
    # program with libFuzzer in it can link them.
    if settings[_INSTRUMENTATION] == "libfuzzer" and sanitizer != "coverage":
        flags.extend(_FUZZER_FLAGS)

    # Fuzzing wants speed; a replay of seeds as 32-bit code ends before an optimiser would.
    if is_m32:
        return ["-O0"] + flags + ["-m32"], link_flags + _M32_LINK_FLAGS
    return ["-O1" if sanitizer == "coverage" else "-O2"] + flags, link_flags

def _oss_fuzz_settings(settings):
    return {
        _COPT: settings[_COPT] + OSS_FUZZ_COPTS,
        _CUSTOM_MALLOC: settings[_CUSTOM_MALLOC],
        _CXXOPT: settings[_CXXOPT] + OSS_FUZZ_CXXOPTS,
        _LINKOPT: settings[_LINKOPT] + OSS_FUZZ_COPTS + OSS_FUZZ_CXXOPTS,
    }

# Builds without a sanitizer. No line numbers in the one, DWARF 4 in the other: Debian's valgrind
# cannot read the lines that a compiler of this age writes by itself.
_UNSANITIZED = {
    # Neither frame pointers: what a kernel's build would make of the same sources.
    "optimized": ["-O2", "-fomit-frame-pointer", "-g0"],
    # For a debugger: not optimised, with variables.
    "debug": ["-O0", "-g", "-gdwarf-4"],
}

def _with(settings, copts, linkopts, malloc):
    """The settings with these flags, in place of what a --config says about the same matter."""
    return {
        _COPT: _without_superseded(settings[_COPT]) + copts,
        _CUSTOM_MALLOC: malloc,
        _CXXOPT: _without_superseded(settings[_CXXOPT]),
        _LINKOPT: _without_superseded(settings[_LINKOPT]) + linkopts,
    }

def _transition_impl(settings, attr):
    build = attr.build
    if build in _UNSANITIZED:
        return _with(settings, _UNSANITIZED[build], [], settings[_CUSTOM_MALLOC])
    settings = dict(settings)
    if build == "coverage":
        settings[_INSTRUMENTATION] = "none"
        settings[_SANITIZER] = "coverage"
    if settings[_INSTRUMENTATION] == "oss-fuzz":
        result = _oss_fuzz_settings(settings)
    else:
        copts, linkopts = _flags(settings, build == "m32")
        result = _with(settings, copts, linkopts, _DEFAULTS)
    if build == "m32" and attr.long_gfn:
        result[_COPT] = result[_COPT] + [_LONG_GFN]
    return result

_transition = transition(
    implementation = _transition_impl,
    inputs = [_COPT, _CUSTOM_MALLOC, _CXXOPT, _LINKOPT, _INSTRUMENTATION, _SANITIZER],
    outputs = [_COPT, _CUSTOM_MALLOC, _CXXOPT, _LINKOPT],
)

def _built_impl(ctx):
    """Offers the program of the other build as this target's own executable.

    A 32-bit one is NAME.elf, and the executable NAME a launcher of it.
    """
    program = ctx.attr.binary[0][DefaultInfo]
    executable = ctx.actions.declare_file(ctx.label.name)
    files = [executable]
    if ctx.attr.build == "m32":
        files.append(ctx.actions.declare_file(ctx.label.name + ".elf"))

        # A copy that is made anew with the program: its time tells which corpus is older.
        ctx.actions.run_shell(
            inputs = [ctx.file._launcher, files[-1]],
            outputs = [executable],
            command = 'cp "$1" "$2" && chmod 755 "$2"',
            arguments = [ctx.file._launcher.path, executable.path],
        )
    ctx.actions.symlink(
        output = files[-1],
        target_file = program.files_to_run.executable,
        is_executable = True,
    )
    return [DefaultInfo(
        executable = executable,
        files = depset(files),
        runfiles = ctx.runfiles(files).merge(program.default_runfiles),
    )]

def _built(build, doc, test = False):
    return rule(
        implementation = _built_impl,
        doc = doc,
        attrs = {
            "binary": attr.label(cfg = _transition, executable = False, mandatory = True),
            "build": attr.string(default = build),
            "long_gfn": attr.bool(doc = "Whether gfns of 32-bit code have 4 bytes, not 8."),
            "_allowlist_function_transition": attr.label(
                default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
            ),
            "_launcher": attr.label(default = _M32, allow_single_file = True),
        },
        executable = not test,
        test = test,
    )

instrumented_binary = _built("instrumented", "A cc_binary with sanitizers and instrumentation.")

m32_binary = _built("m32", "The same as 32-bit code, and a launcher of it (m32.sh).")

coverage_binary = _built(
    "coverage",
    "A cc_binary that counts how often each line and branch runs, into $LLVM_PROFILE_FILE.",
)

optimized_binary = _built("optimized", "A cc_binary with -O2 and nothing else, to be measured.")

debug_binary = _built("debug", "A cc_binary for a debugger.")

_sanitized_test = _built("instrumented", "A cc_test with sanitizers.", test = True)

def sanitized_test(name, test, **kwargs):
    """Runs a cc_test under ASan and UBSan, every finding fatal.

    Args:
      name: the new test.
      test: the cc_test; its `args` are not taken over.
      **kwargs: attributes of the new test.
    """
    _sanitized_test(name = name, binary = test, **kwargs)

def m32_sh_test(name, test, args = [], data = [], tags = [], **kwargs):
    """A test of 32-bit programs by a script; it is skipped where they do not run.

    Args:
      name: the new test.
      test: label of the script or program that is the test.
      args: its arguments.
      data: what it needs, the 32-bit programs above all.
      tags: tags of the new test beside "m32".
      **kwargs: attributes of the new test.
    """
    native.sh_test(
        name = name,
        srcs = [_M32],
        args = ["--test", "$(rootpath %s)" % test] + args,
        data = data + [
            test,
            "//tools/bazel_rules:skip",
        ],
        tags = tags + ["m32"],
        **kwargs
    )

def m32_test(name, test, long_gfn = False, tags = [], **kwargs):
    """Runs a cc_test as 32-bit code under ASan and UBSan, every finding fatal.

    Where 32-bit programs do not run, the test is skipped. Its program is NAME_bin.

    Args:
      name: the new test.
      test: the cc_test; its `args` are not taken over.
      long_gfn: whether gfns have 4 bytes, not 8.
      tags: tags of the new test beside "m32".
      **kwargs: attributes of the new test.
    """
    m32_binary(
        name = name + "_bin",
        binary = test,
        long_gfn = long_gfn,
        testonly = True,
        tags = ["manual"],
    )
    m32_sh_test(name = name, test = ":%s_bin" % name, tags = tags, **kwargs)
