"""clang-tidy over each C++ source of the targets that are tested, as an action of its own.

    bazel build --aspects=//tools/presubmit:tidy.bzl%tidy --output_groups=tidy //fuzzers/...

Bazel keeps each result: a source is looked at again when it, a header of its target or .clang-tidy
has changed. The aspect does not follow dependencies, as `//...` names every library itself; so each
source is looked at once, without sanitizers. Not covered: targets with the tag "manual", and the
folders of _LEFT_OUT.
"""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

_LEFT_OUT = ("tests", "bench")

# Findings are on standard output, by the path of the sandbox, which is cut off. Standard error has
# the errors of the compiler, and a count of the findings in headers of others.
_RUN = """clang-tidy-19 --quiet --config-file="$1" "$2" -- "${@:4}" >"$3" 2>"$3.errors" || {
  findings="$(<"$3")"
  printf '%s\\n' "${findings//"$PWD/"/}" >&2
  grep error "$3.errors" >&2
  exit 1
}"""

def _is_left_out(package):
    return package.split("/")[0] in _LEFT_OUT

def _flags(ctx, context):
    """How the target's sources are compiled, without what is for warnings and objects."""
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features + ["layering_check", "module_maps"],
    )
    variables = cc_common.create_compile_variables(
        cc_toolchain = toolchain,
        feature_configuration = features,
        include_directories = context.includes,
        preprocessor_defines = depset(transitive = [context.defines, context.local_defines]),
        quote_include_directories = context.quote_includes,
        system_include_directories = context.system_includes,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts +
                             getattr(ctx.rule.attr, "copts", []),
    )
    return cc_common.get_memory_inefficient_command_line(
        action_name = CPP_COMPILE_ACTION_NAME,
        feature_configuration = features,
        variables = variables,
    )

def _look_at(ctx, source, context, flags):
    """Declares the action of one source; returns the file that it writes."""
    findings = ctx.actions.declare_file("%s.%s.tidy" % (ctx.rule.attr.name, source.basename))
    errors = ctx.actions.declare_file(findings.basename + ".errors", sibling = findings)
    arguments = ctx.actions.args()
    arguments.add(ctx.file._checks)
    arguments.add(source)
    arguments.add(findings)
    arguments.add_all(flags)
    ctx.actions.run_shell(
        outputs = [findings, errors],
        inputs = depset([source, ctx.file._checks], transitive = [context.headers]),
        command = _RUN,
        arguments = [arguments],
        mnemonic = "ClangTidy",
        progress_message = "clang-tidy of " + source.short_path,
        use_default_shell_env = True,
    )
    return findings

def _tidy_impl(target, ctx):
    findings = []
    if CcInfo in target and not _is_left_out(ctx.label.package) and not ctx.label.workspace_name:
        context = target[CcInfo].compilation_context
        sources = [
            file
            for attribute in getattr(ctx.rule.attr, "srcs", [])
            for file in attribute.files.to_list()
            if file.is_source and file.extension == "cc"
        ]
        if sources:
            flags = _flags(ctx, context)
            findings = [_look_at(ctx, source, context, flags) for source in sources]
    return [OutputGroupInfo(tidy = depset(findings))]

tidy = aspect(
    implementation = _tidy_impl,
    attrs = {
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
        "_checks": attr.label(default = "//:.clang-tidy", allow_single_file = True),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
