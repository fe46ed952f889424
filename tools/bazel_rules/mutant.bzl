"""Programs in which one fault is seeded, as the patches of tests/mutants say.

    load("//tools/bazel_rules:mutant.bzl", "mutant")

    mutant(
        name = "sibling_unlink_loses_tail",
        patch = "sibling_unlink_loses_tail.patch",
    )

makes, all of it only if asked for,

    sibling_unlink_loses_tail          the fuzz target that the patch names, instrumented
    sibling_unlink_loses_tail_plain    the same without our search: libFuzzer, or AFL++, on bytes
    sibling_unlink_loses_tail_rapidcheck  a RapidCheck state machine
    sibling_unlink_loses_tail_scout    random programs without sanitizers, fuzzers/scout_main.cc
    sibling_unlink_loses_tail_rmapdiff the command line, and
    sibling_unlink_loses_tail_probe    what it runs programs in, instrumented (RMAPDIFF_PROBE)
    sibling_unlink_loses_tail_unoptimised  the command line once more, built in half the time
    sibling_unlink_loses_tail_sources  the changed copies of the sources

The first word of the name is the mutant's area, which names the sources that may be compiled anew.
Of these the build compiles the ones that the patch changes for the programs of its fuzz target. For
a map that is one small object, for the MMU the objects that all maps share. The linker takes the
rest from the ordinary libraries. It leaves out their objects of the same functions, because it
meets the changed ones first. The changed copies include nothing but each other. Their library
depends on none that has the headers of the tree, so an object sees either the one or the other.
"""

load(":instrumentation.bzl", "instrumented_binary")

# The MMU, and the code that sees into it. Headers of one library alone are named here.
_MMU = [
    "//fuzzers/voices:any_voice.h",
    "//fuzzers/voices:graph_voice_production.cc",
    "//fuzzers/voices:graph_voice_tiny.cc",
    "//fuzzers/voices:mmu_config.cc",
    "//fuzzers/voices:mmu_reference.h",
    "//fuzzers/voices:mmu_voice_production.cc",
    "//fuzzers/voices:mmu_voice_tiny.cc",
    "//fuzzers/voices:plain_mmu.h",
    "//fuzzers/voices:plain_mmu_production.cc",
    "//fuzzers/voices:plain_mmu_tiny.cc",
    "//fuzzers/voices:reference_production.cc",
    "//fuzzers/voices:reference_tiny.cc",
    "//mmu/shadow:any_mmu_production.cc",
    "//mmu/shadow:any_mmu_tiny.cc",
]

# The sources that a mutant of each area may compile anew. tests/mutants/mutants.py compiles those
# of them that the patch reaches. It also checks which files a patch of an area may change.
_COMPILED = {
    "base": ["//mmu/base:host_memory.cc"],
    "graph": _MMU,
    "legacy": ["//fuzzers/voices:legacy_engine.cc"],
    "shadow": _MMU,
    "sibling": ["//fuzzers/voices:sibling_engine.cc"],
}

# Libraries whose headers, and those of all that they depend on, are copied.
_HEADERS = [
    "//fuzzers/voices:graph_voice",
    "//fuzzers/voices:make_voice",
    "//fuzzers/voices:mmu_voice",
    "//fuzzers/voices:plain_map",
    "//fuzzers/voices:reference",
    "//legacy_mmu:descriptor_map",
    "//mmu:sibling_map",
    "//mmu/shadow:any_mmu",
]

_FUZZ_TARGETS = [
    "//fuzzers:direct_fuzzer.cc",
    "//fuzzers:dirty_log_fuzzer.cc",
    "//fuzzers:mmu_fuzzer.cc",
    "//fuzzers:oom_fuzzer.cc",
    "//fuzzers:rmap_fuzzer.cc",
    "//fuzzers:tiny_mmu_fuzzer.cc",
    "//fuzzers:tiny_rmap_fuzzer.cc",
]

_ENGINE = "@rules_fuzzing//fuzzing:cc_engine"

# The programs, by the suffix of their names: what is linked after the changed objects, whether they
# are instrumented, and whether the source of the fuzz target is in them.
_PROGRAMS = {
    "": (["//fuzzers:fuzz_entry", _ENGINE], True, True),
    "_plain": (["//bench/peers:plain_entry", _ENGINE], True, True),
    "_probe": (["//fuzzers/finding:probe_main"], True, False),
    "_rapidcheck": (["//bench/peers:rapidcheck_main"], True, True),
    "_rmapdiff": (["//tools/cli:verbs"], False, False),
    "_scout": (["//fuzzers:scout_main"], False, False),
    "_unoptimised": (["//tools/cli:verbs"], False, False),
}

_OURS = ("fuzzers/", "legacy_mmu/", "mmu/")

def _source_headers(deps):
    """The headers of this tree that reach a library."""
    headers = depset(transitive = [dep[CcInfo].compilation_context.headers for dep in deps])
    return [
        file
        for file in headers.to_list()
        if file.is_source and file.short_path.startswith(_OURS)
    ]

def _mutant_sources_impl(ctx):
    """Declares a copy of every header and of what is compiled; the patch names the fuzz target."""
    sources = _source_headers(ctx.attr.headers) + ctx.files.compiled
    copies = [
        ctx.actions.declare_file("%s/%s" % (ctx.label.name, file.short_path))
        for file in sources
    ]
    target = ctx.actions.declare_file(ctx.label.name + "_target.cc")
    arguments = ctx.actions.args()
    arguments.add(ctx.file.patch)
    arguments.add("%s/%s/%s" % (ctx.bin_dir.path, ctx.label.package, ctx.label.name))
    arguments.add(target)
    arguments.add_all(sources)
    arguments.add_all(ctx.files.targets)
    ctx.actions.run(
        outputs = copies + [target],
        inputs = sources + ctx.files.targets + [ctx.file.patch],
        executable = ctx.executable._tool,
        arguments = [arguments],
        mnemonic = "Mutant",
    )
    return [
        DefaultInfo(files = depset(copies), runfiles = ctx.runfiles(copies)),
        OutputGroupInfo(target = depset([target])),
    ]

_mutant_sources = rule(
    implementation = _mutant_sources_impl,
    doc = "Copies of sources with a patch applied; their root is a folder with the target's name.",
    attrs = {
        "compiled": attr.label_list(allow_files = [".cc", ".h"], mandatory = True),
        "headers": attr.label_list(mandatory = True, providers = [CcInfo]),
        "patch": attr.label(allow_single_file = [".patch"], mandatory = True),
        "targets": attr.label_list(allow_files = [".cc"], mandatory = True),
        "_tool": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = "//tests/mutants:mutants.py",
            executable = True,
        ),
    },
)

def _mutable_sources_impl(ctx):
    files = _source_headers(ctx.attr.headers) + ctx.files.others
    return [DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files))]

_mutable_sources = rule(
    implementation = _mutable_sources_impl,
    doc = "The sources as they are, for a test.",
    attrs = {
        "headers": attr.label_list(mandatory = True, providers = [CcInfo]),
        "others": attr.label_list(allow_files = [".cc", ".h"], mandatory = True),
    },
)

def mutable_sources(name):
    """Defines a group of all files that a mutant can change or name.

    Args:
      name: the group.
    """
    _mutable_sources(
        name = name,
        testonly = True,
        headers = _HEADERS,
        others = _COMPILED["base"] + _MMU + _COMPILED["legacy"] +
                 _COMPILED["sibling"] + _FUZZ_TARGETS,
    )

def mutant(name, patch):
    """Defines the programs with one seeded fault; the file's heading lists them.

    Args:
      name: the area, an underscore, and what is wrong.
      patch: the fault, a file of the form that tests/mutants/README.md describes.
    """
    sources = name + "_sources"
    manual = {
        "tags": ["manual"],
        "testonly": True,
        "visibility": ["//bench:__pkg__", "//tests:__subpackages__"],
    }
    _mutant_sources(
        name = sources,
        compiled = _COMPILED[name.split("_")[0]],
        headers = _HEADERS,
        patch = patch,
        targets = _FUZZ_TARGETS,
        **manual
    )
    native.filegroup(
        name = name + "_target",
        srcs = [":" + sources],
        output_group = "target",
        **manual
    )
    for kind, copts in {"": [], "_unoptimised": ["-O0"]}.items():
        native.cc_library(
            name = name + kind + "_objects",
            srcs = [":" + sources],
            alwayslink = True,
            copts = copts,
            includes = [sources],
            linkstatic = True,
            deps = ["@system//:fmt"],
            **manual
        )
    for suffix, (deps, is_instrumented, is_target) in _PROGRAMS.items():
        kind = "_unoptimised" if suffix == "_unoptimised" else ""
        native.cc_binary(
            name = name + suffix + ("_raw_" if is_instrumented else ""),
            srcs = [":%s_target" % name] if is_target else [],
            linkstatic = True,
            deps = [":%s%s_objects" % (name, kind)] + deps,  # in this order: see the heading
            **manual
        )
        if is_instrumented:
            instrumented_binary(
                name = name + suffix,
                binary = ":%s%s_raw_" % (name, suffix),
                **manual
            )
