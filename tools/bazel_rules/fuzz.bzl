"""Fuzz targets, and builds of ordinary targets with sanitizers or as 32-bit code.

    load("//tools/bazel_rules:fuzz.bzl", "cc_fuzz_test")

    cc_fuzz_test(
        name = "differential_fuzzer",
        srcs = ["differential_fuzzer.cc"],
        corpus = [
            "//corpus:differential_fuzzer",
            "//corpus:regressions",
        ],
        dicts = ["ops.dict"],
        options = ["max_len=4096"],
        deps = [":runner"],
    )

makes, under the names of rules_fuzzing,

    differential_fuzzer            a test: every seed once, under ASan and UBSan, in seconds
    differential_fuzzer_m32        the same test as 32-bit code (leave it out with `m32 = False`)
    differential_fuzzer_long_gfn_m32  ... with gfns of 4 bytes, not 8 (with `long_gfn = True`)
    differential_fuzzer_afl        a minute of AFL++, with --config=afl only
    differential_fuzzer_bin        the instrumented program
    differential_fuzzer_cov_bin    the program with line counters, for tools/coverage
    differential_fuzzer_run        fuzzes: `bazel run :differential_fuzzer_run -- -runs=1000`
    differential_fuzzer_corpus     a directory of the seeds as the program reads them
    differential_fuzzer_dict       the checked and merged dictionaries, if there are any
    differential_fuzzer_oss_fuzz   a tar of all this as OSS-Fuzz wants it

Everything is instrumented inside a plain build; no --config is needed. The macro must bear this
very name: OSS-Fuzz finds fuzz targets by it and by the tag "fuzz-test". Engine and sanitizer follow
the settings of rules_fuzzing, for example `--@rules_fuzzing//fuzzing:cc_engine_sanitizer=asan`.
"""

load(":fuzz_files.bzl", "fuzz_corpus", "fuzz_dictionary", "fuzz_options", "fuzz_package")
load(
    ":instrumentation.bzl",
    _coverage_binary = "coverage_binary",
    _debug_binary = "debug_binary",
    _instrumented_binary = "instrumented_binary",
    _m32_sh_test = "m32_sh_test",
    _m32_test = "m32_test",
    _optimized_binary = "optimized_binary",
    _sanitized_test = "sanitized_test",
)

debug_binary = _debug_binary

instrumented_binary = _instrumented_binary

m32_test = _m32_test

optimized_binary = _optimized_binary

sanitized_test = _sanitized_test

_LONG_GFN_SUFFIX = "_long_gfn_m32"

# Turns a text seed into the bytes that a fuzz target reads: `assemble OUTDIR FILE...`.
ASSEMBLER = "//fuzzers:assemble"

# Runs a fuzz target over its seeds.
_REPLAY = "//tools/bazel_rules:replay.py"

def _replay_test(name, binary, corpus, options, m32, **kwargs):
    args = [
        "--name=" + name,
        "--binary=$(rootpath %s)" % binary,
        "--corpus=$(rootpath %s)" % corpus,
        "--options=$(rootpath %s)" % options,
    ]
    data = [binary, corpus, options]
    if m32:
        _m32_sh_test(name = name, test = _REPLAY, args = args, data = data, **kwargs)
    else:
        native.sh_test(
            name = name,
            srcs = [_REPLAY],
            args = args,
            data = data,
            **kwargs
        )

def _afl_test(name, binary, corpus, dictionary):
    native.sh_test(
        name = name,
        size = "medium",
        srcs = ["//tools/bazel_rules:afl_test.py"],
        args = [
            "--name=" + name,
            "--binary=$(rootpath %s)" % binary,
            "--corpus=$(rootpath %s)" % corpus,
        ] + (["--dictionary=$(rootpath %s)" % dictionary] if dictionary else []),
        data = [binary, corpus] + ([dictionary] if dictionary else []),
        tags = [
            "afl",
            "manual",
        ],
    )

def _launcher(name, binary, corpus, options, dictionary):
    dictionary_args = ["--dictionary=$(rootpath %s)" % dictionary] if dictionary else []
    native.sh_binary(
        name = name + "_run",
        testonly = True,
        srcs = ["//tools/bazel_rules:fuzz_run.sh"],
        args = [
            "--name=" + name,
            "--binary=$(rootpath %s)" % binary,
            "--corpus=$(rootpath %s)" % corpus,
            "--options=$(rootpath %s)" % options,
        ] + dictionary_args,
        data = [binary, corpus, options] + ([dictionary] if dictionary else []),
        tags = ["manual"],
    )

def _binaries(name, raw_name, m32_suffixes, binary_kwargs):
    tags = ["manual"]
    native.cc_binary(
        name = raw_name,
        testonly = True,
        linkstatic = True,
        tags = tags,
        **binary_kwargs
    )
    instrumented_binary(name = name + "_bin", binary = ":" + raw_name, tags = tags)
    _coverage_binary(name = name + "_cov_bin", binary = ":" + raw_name, tags = tags)
    for suffix in m32_suffixes:
        instrumented_binary(
            name = name + suffix + "_bin",
            binary = ":" + raw_name,
            long_gfn = suffix == _LONG_GFN_SUFFIX,
            m32 = True,
            tags = tags,
        )

def _files(name, corpus, dicts, options):
    tags = ["manual"]
    fuzz_corpus(
        name = name + "_corpus",
        testonly = True,
        srcs = corpus,
        assembler = ASSEMBLER,
        tags = tags,
    )
    fuzz_options(name = name + "_options", options = options, tags = tags)
    if dicts:
        fuzz_dictionary(name = name + "_dict", srcs = dicts, out = name + ".dict", tags = tags)
    fuzz_package(
        name = name + "_oss_fuzz",
        testonly = True,
        binary = ":%s_bin" % name,
        corpus = ":%s_corpus" % name,
        dictionary = ":%s_dict" % name if dicts else None,
        options = ":%s_options" % name,
        target_name = name,
        tags = tags,
    )

def cc_fuzz_test(
        name,
        srcs = [],
        deps = [],
        corpus = [],
        dicts = [],
        options = [],
        size = None,
        timeout = None,
        tags = [],
        m32 = True,
        long_gfn = False,
        **binary_kwargs):
    """Defines a fuzz target; the file's heading lists what comes of it.

    Args:
      name: the target; everything else is named after it.
      srcs: sources that define LLVMFuzzerTestOneInput.
      deps: libraries of the target.
      corpus: seeds: `*.ops` text, assembled while building, or files that are taken as they are.
      dicts: dictionaries of libFuzzer, checked while building.
      options: "key=value" flags of libFuzzer, for replay, fuzzing and OSS-Fuzz alike.
      size: of the replay tests.
      timeout: of the replay tests.
      tags: of the replay tests.
      m32: whether to replay as 32-bit code too.
      long_gfn: whether to replay as 32-bit code whose gfns have 4 bytes, as in older kernels.
      **binary_kwargs: further attributes of the cc_binary.
    """
    binary_kwargs["srcs"] = srcs
    binary_kwargs["deps"] = deps + ["@rules_fuzzing//fuzzing:cc_engine"]
    m32_suffixes = (["_m32"] if m32 else []) + ([_LONG_GFN_SUFFIX] if long_gfn else [])
    _binaries(name, name + "_raw_", m32_suffixes, binary_kwargs)
    _files(name, corpus, dicts, options)
    dictionary = ":%s_dict" % name if dicts else None
    _launcher(name, ":%s_bin" % name, ":%s_corpus" % name, ":%s_options" % name, dictionary)
    _afl_test(name + "_afl", ":%s_bin" % name, ":%s_corpus" % name, dictionary)
    for suffix in [""] + m32_suffixes:
        _replay_test(
            name + suffix,
            ":%s%s_bin" % (name, suffix),
            ":%s_corpus" % name,
            ":%s_options" % name,
            m32 = suffix != "",
            size = size,
            timeout = timeout,
            tags = tags + ([] if suffix else ["fuzz-test"]),
        )
