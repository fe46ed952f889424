"""Builds of a target with sanitizers, line counters or as 32-bit code inside a plain build.

A rule of this file names an ordinary cc_binary or cc_test and builds it once more under other
compiler flags, by a Starlark transition. There are few such configurations, on purpose: every
library is compiled at most six times (plain, instrumented, instrumented 32-bit with gfns of 8 bytes
and of 4, with line counters if tools/coverage asks, and optimised if tools/claims does), however
many targets ask.
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
_SANITIZER_LINK_FLAGS = {
    "asan-ubsan": ["-fsanitize-link-c++-runtime"],
    "ubsan": ["-fsanitize-link-c++-runtime"],
}

# 64-bit multiplication under UBSan calls a helper of compiler-rt that libgcc does not have.
_M32_LINK_FLAGS = ["-m32", "--rtlib=compiler-rt", "--unwindlib=libgcc"]

# Gfns as wide as an unsigned long, see Gfn in mmu/base/types.h.
_LONG_GFN = "-DRMAPDIFF_LONG_GFN"

_SUPERSEDED = ("-fsanitize", "-fno-sanitize", "-fprofile-instr", "-fcoverage-mapping", "-m32", "-O")

def _without_superseded(flags):
    """Drops what a --config of the command line says about the same matter."""
    return [flag for flag in flags if not flag.startswith(_SUPERSEDED)]

def _optimization(sanitizer, word_size):
    """Fuzzing wants speed; a replay of seeds as 32-bit code ends before an optimiser would."""
    if word_size == 32:
        return "-O0"
    return "-O1" if sanitizer == "coverage" else "-O2"

def _flags(settings, word_size):
    sanitizer = settings[_SANITIZER]
    flags = list(_SANITIZER_FLAGS[sanitizer])
    link_flags = flags + _SANITIZER_LINK_FLAGS.get(sanitizer, [])

    # A replay that counts lines has no use for libFuzzer's counters, and without a sanitizer only a
    # program with libFuzzer in it can link them.
    if settings[_INSTRUMENTATION] == "libfuzzer" and sanitizer != "coverage":
        flags.extend(_FUZZER_FLAGS)
    if word_size == 32:
        flags.append("-m32")
        link_flags.extend(_M32_LINK_FLAGS)
    return struct(
        copts = [_optimization(sanitizer, word_size)] + flags,
        linkopts = link_flags,
    )

def _oss_fuzz_settings(settings):
    return {
        _COPT: settings[_COPT] + OSS_FUZZ_COPTS,
        _CUSTOM_MALLOC: settings[_CUSTOM_MALLOC],
        _CXXOPT: settings[_CXXOPT] + OSS_FUZZ_CXXOPTS,
        _LINKOPT: settings[_LINKOPT] + OSS_FUZZ_COPTS + OSS_FUZZ_CXXOPTS,
    }

def _instrumented_settings(settings, word_size):
    if settings[_INSTRUMENTATION] == "oss-fuzz":
        return _oss_fuzz_settings(settings)
    flags = _flags(settings, word_size)
    return {
        _COPT: _without_superseded(settings[_COPT]) + flags.copts,
        _CUSTOM_MALLOC: _DEFAULTS,
        _CXXOPT: _without_superseded(settings[_CXXOPT]),
        _LINKOPT: _without_superseded(settings[_LINKOPT]) + flags.linkopts,
    }

def _native_transition_impl(settings, attr):
    _ = attr  # @unused
    return _instrumented_settings(settings, 64)

def _m32_transition_impl(settings, attr):
    result = _instrumented_settings(settings, 32)
    if attr.long_gfn:
        result[_COPT] = result[_COPT] + [_LONG_GFN]
    return result

def _optimized_transition_impl(settings, attr):
    """No sanitizer and no frame pointers: what a kernel's build would make of the same sources.

    No line numbers either: Debian's valgrind cannot read those of a compiler of this age.
    """
    _ = attr  # @unused
    return {
        _COPT: _without_superseded(settings[_COPT]) + ["-O2", "-fomit-frame-pointer", "-g0"],
        _CUSTOM_MALLOC: settings[_CUSTOM_MALLOC],
        _CXXOPT: _without_superseded(settings[_CXXOPT]),
        _LINKOPT: _without_superseded(settings[_LINKOPT]),
    }

def _coverage_transition_impl(settings, attr):
    _ = attr  # @unused
    counted = dict(settings)
    counted[_INSTRUMENTATION] = "none"
    counted[_SANITIZER] = "coverage"
    return _instrumented_settings(counted, 64)

def _debug_transition_impl(settings, attr):
    """DWARF 4: Debian's valgrind cannot read what a compiler of this age writes by itself."""
    _ = attr  # @unused
    return {
        _COPT: _without_superseded(settings[_COPT]) + ["-O0", "-g", "-gdwarf-4"],
        _CUSTOM_MALLOC: settings[_CUSTOM_MALLOC],
        _CXXOPT: settings[_CXXOPT],
        _LINKOPT: settings[_LINKOPT],
    }

_INPUTS = [_COPT, _CUSTOM_MALLOC, _CXXOPT, _LINKOPT, _INSTRUMENTATION, _SANITIZER]

_OUTPUTS = [_COPT, _CUSTOM_MALLOC, _CXXOPT, _LINKOPT]

_native_transition = transition(
    implementation = _native_transition_impl,
    inputs = _INPUTS,
    outputs = _OUTPUTS,
)

_m32_transition = transition(
    implementation = _m32_transition_impl,
    inputs = _INPUTS,
    outputs = _OUTPUTS,
)

_optimized_transition = transition(
    implementation = _optimized_transition_impl,
    inputs = _INPUTS,
    outputs = _OUTPUTS,
)

_coverage_transition = transition(
    implementation = _coverage_transition_impl,
    inputs = _INPUTS,
    outputs = _OUTPUTS,
)

_debug_transition = transition(
    implementation = _debug_transition_impl,
    inputs = _INPUTS,
    outputs = _OUTPUTS,
)

def _forward_impl(ctx):
    """Offers the transitioned program as this target's own executable."""
    program = ctx.attr.program[0][DefaultInfo]
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(
        output = executable,
        target_file = program.files_to_run.executable,
        is_executable = True,
    )
    return [DefaultInfo(
        executable = executable,
        files = depset([executable]),
        runfiles = ctx.runfiles().merge(program.default_runfiles),
    )]

def _forward_rule(transition, test, attrs = {}, impl = _forward_impl):
    return rule(
        implementation = impl,
        attrs = dict(
            attrs,
            program = attr.label(cfg = transition, executable = False, mandatory = True),
            _allowlist_function_transition = attr.label(
                default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
            ),
        ),
        executable = not test,
        test = test,
    )

def _m32_impl(ctx):
    """Offers the program as NAME.elf, and as the executable NAME a launcher of it."""
    program = ctx.attr.program[0][DefaultInfo]
    elf = ctx.actions.declare_file(ctx.label.name + ".elf")
    ctx.actions.symlink(output = elf, target_file = program.files_to_run.executable)
    launcher = ctx.actions.declare_file(ctx.label.name)

    # A copy that is made anew with the program: its time tells which corpus is older.
    ctx.actions.run_shell(
        inputs = [ctx.file._launcher, elf],
        outputs = [launcher],
        command = 'cp "$1" "$2" && chmod 755 "$2"',
        arguments = [ctx.file._launcher.path, launcher.path],
    )
    return [DefaultInfo(
        executable = launcher,
        files = depset([launcher, elf]),
        runfiles = ctx.runfiles([elf]).merge(program.default_runfiles),
    )]

_native_binary = _forward_rule(_native_transition, test = False)

_M32_ATTRS = {
    "long_gfn": attr.bool(),
    "_launcher": attr.label(default = _M32, allow_single_file = True),
}

_m32_binary = _forward_rule(_m32_transition, test = False, attrs = _M32_ATTRS, impl = _m32_impl)

_coverage_binary = _forward_rule(_coverage_transition, test = False)

_optimized_binary = _forward_rule(_optimized_transition, test = False)

_debug_binary = _forward_rule(_debug_transition, test = False)

_native_test = _forward_rule(_native_transition, test = True)

def instrumented_binary(name, binary, m32 = False, testonly = True, **kwargs):
    """Builds a cc_binary with sanitizers and fuzzing instrumentation.

    Args:
      name: the new target, an executable.
      binary: the cc_binary.
      m32: whether to build 32-bit code; the new target is then a launcher of NAME.elf (m32.sh).
      testonly: as for any rule.
      **kwargs: attributes of the new target; with m32 `long_gfn` too: whether gfns have 4 bytes.
    """
    rule = _m32_binary if m32 else _native_binary
    rule(name = name, program = binary, testonly = testonly, **kwargs)

def coverage_binary(name, binary, testonly = True, **kwargs):
    """Builds a cc_binary that counts how often each line and branch runs, without sanitizers.

    Args:
      name: the new target, an executable; it writes its counts to $LLVM_PROFILE_FILE.
      binary: the cc_binary.
      testonly: as for any rule.
      **kwargs: attributes of the new target.
    """
    _coverage_binary(name = name, program = binary, testonly = testonly, **kwargs)

def optimized_binary(name, binary, testonly = True, **kwargs):
    """Builds a cc_binary with -O2 and nothing else, to be measured.

    Args:
      name: the new target, an executable.
      binary: the cc_binary.
      testonly: as for any rule.
      **kwargs: attributes of the new target.
    """
    _optimized_binary(name = name, program = binary, testonly = testonly, **kwargs)

def debug_binary(name, binary, testonly = True, **kwargs):
    """Builds a cc_binary for a debugger: not optimised, with variables.

    Args:
      name: the new target, an executable.
      binary: the cc_binary.
      testonly: as for any rule.
      **kwargs: attributes of the new target.
    """
    _debug_binary(name = name, program = binary, testonly = testonly, **kwargs)

def sanitized_test(name, test, **kwargs):
    """Runs a cc_test under ASan and UBSan, every finding fatal.

    Args:
      name: the new test.
      test: the cc_test; its `args` are not taken over.
      **kwargs: attributes of the new test.
    """
    _native_test(name = name, program = test, **kwargs)

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
    _m32_binary(
        name = name + "_bin",
        long_gfn = long_gfn,
        program = test,
        testonly = True,
        tags = ["manual"],
    )
    m32_sh_test(name = name, test = ":%s_bin" % name, tags = tags, **kwargs)
