"""Fuzz targets, and builds of ordinary targets with sanitizers or as 32-bit code.

    load("//tools/bazel_rules:fuzz.bzl", "cc_fuzz_test")

    cc_fuzz_test(
        name = "differential_fuzzer",
        srcs = ["differential_fuzzer.cc"],
        corpus = [
            "//corpus:differential_fuzzer",
            "//corpus:regressions",
        ],
        options = ["max_len=4096"],
        deps = [":runner"],
    )

makes, under the names of rules_fuzzing,

    differential_fuzzer            a test: every seed once, under ASan and UBSan, in seconds
    differential_fuzzer_m32        the same test as 32-bit code (leave it out with `m32 = False`)
    differential_fuzzer_afl        a minute of AFL++, with --config=afl only
    differential_fuzzer_bin        the instrumented program
    differential_fuzzer_cov_bin    the program with line counters, for tools/coverage
    differential_fuzzer_run        fuzzes: `bazel run :differential_fuzzer_run -- -runs=1000`
    differential_fuzzer_corpus     a directory of the seeds as the program reads them
    differential_fuzzer_oss_fuzz   a tar of all this as OSS-Fuzz wants it

Everything is instrumented inside a plain build; no --config is needed. The macro must bear this
very name: OSS-Fuzz finds fuzz targets by it and by the tag "fuzz-test". Engine and sanitizer follow
the settings of rules_fuzzing, for example `--@rules_fuzzing//fuzzing:cc_engine_sanitizer=asan`.
"""

load(":fuzz_files.bzl", "fuzz_corpus", "fuzz_options", "fuzz_package")
load(":instrumentation.bzl", "coverage_binary", "instrumented_binary", "m32_binary", "m32_sh_test")
load(":python.bzl", "python_test")

# Turns a text seed into the bytes that a fuzz target reads: `assemble OUTDIR FILE...`.
ASSEMBLER = "//fuzzers:assemble"

# Runs a fuzz target over its seeds.
_REPLAY = "tools.bazel_rules.replay_corpus"

def _flags(name, parts):
    """How a script is told of the parts of a target: ("binary", ":NAME_bin")."""
    return ["--name=" + name] + ["--%s=$(rootpath %s)" % part for part in parts]

def _replay_test(name, parts, m32, **kwargs):
    args = _flags(name, parts)
    data = [label for _, label in parts] + ["//tools/bazel_rules:replay"]
    if m32:
        m32_sh_test(
            name = name,
            test = "//tools/bazel_rules:run_module.sh",
            args = [_REPLAY] + args,
            data = data,
            **kwargs
        )
    else:
        python_test(name = name, module = _REPLAY, args = args, data = data, **kwargs)

def _afl_test(name, parts):
    python_test(
        name = name,
        size = "medium",
        module = "tools.bazel_rules.afl_test",
        args = _flags(name, parts),
        data = [label for _, label in parts] + ["//tools/bazel_rules:afl_test.py"],
        tags = [
            "afl",
            "manual",
        ],
    )

def _binaries(name, raw_name, m32, binary_kwargs):
    manual = {"tags": ["manual"], "testonly": True}
    native.cc_binary(name = raw_name, linkstatic = True, **dict(binary_kwargs, **manual))
    instrumented_binary(name = name + "_bin", binary = ":" + raw_name, **manual)
    coverage_binary(name = name + "_cov_bin", binary = ":" + raw_name, **manual)
    if m32:
        m32_binary(name = name + "_m32_bin", binary = ":" + raw_name, **manual)

def cc_fuzz_test(
        name,
        srcs = [],
        deps = [],
        corpus = [],
        options = [],
        size = None,
        timeout = None,
        tags = [],
        m32 = True,
        **binary_kwargs):
    """Defines a fuzz target; the file's heading lists what comes of it.

    Args:
      name: the target; everything else is named after it.
      srcs: sources that define LLVMFuzzerTestOneInput.
      deps: libraries of the target.
      corpus: seeds: `*.ops` text, assembled while building, or files that are taken as they are.
      options: "key=value" flags of libFuzzer, for replay, fuzzing and OSS-Fuzz alike.
      size: of the replay tests.
      timeout: of the replay tests.
      tags: of the replay tests.
      m32: whether to replay as 32-bit code too.
      **binary_kwargs: further attributes of the cc_binary.
    """
    manual = {"tags": ["manual"], "testonly": True}
    binary_kwargs["srcs"] = srcs
    binary_kwargs["deps"] = deps + ["@rules_fuzzing//fuzzing:cc_engine"]
    _binaries(name, name + "_raw_", m32, binary_kwargs)
    fuzz_corpus(name = name + "_corpus", srcs = corpus, assembler = ASSEMBLER, **manual)
    fuzz_options(name = name + "_options", options = options, **manual)
    seeds = [("corpus", ":%s_corpus" % name)]
    settings = [("options", ":%s_options" % name)]
    program = [("binary", ":%s_bin" % name)]
    parts = program + seeds + settings
    fuzz_package(name + "_oss_fuzz", name, parts, **manual)
    native.sh_binary(
        name = name + "_run",
        srcs = ["//tools/bazel_rules:fuzz_run.sh"],
        args = _flags(name, parts),
        data = [label for _, label in parts],
        **manual
    )
    _afl_test(name + "_afl", program + seeds)
    for suffix in ["", "_m32"] if m32 else [""]:
        _replay_test(
            name + suffix,
            [("binary", ":%s%s_bin" % (name, suffix))] + seeds + settings,
            m32 = suffix != "",
            size = size,
            timeout = timeout,
            tags = tags + ([] if suffix else ["fuzz-test"]),
        )
