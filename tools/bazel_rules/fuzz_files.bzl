"""The files around a fuzz target: seeds, options and the package for OSS-Fuzz."""

def _fuzz_corpus_impl(ctx):
    directory = ctx.actions.declare_directory(ctx.label.name)
    if not ctx.files.srcs:
        # The replay test fails on this, with a better message than a build could give.
        ctx.actions.run_shell(outputs = [directory], command = "true", mnemonic = "EmptyCorpus")
        return [DefaultInfo(files = depset([directory]), runfiles = ctx.runfiles([directory]))]
    arguments = ctx.actions.args()
    arguments.add(directory.path)
    arguments.add_all(ctx.files.srcs)
    ctx.actions.run(
        outputs = [directory],
        inputs = ctx.files.srcs,
        executable = ctx.executable.assembler,
        arguments = [arguments],
        mnemonic = "FuzzCorpus",
        progress_message = "Assembling the seeds of %{label}",
    )
    return [DefaultInfo(files = depset([directory]), runfiles = ctx.runfiles([directory]))]

fuzz_corpus = rule(
    implementation = _fuzz_corpus_impl,
    doc = "A directory of seeds as a fuzz target reads them.",
    attrs = {
        # Built for the target, not for the host: the host's configuration would compile every
        # library once more, and the machine that runs the tests can run the assembler as well.
        "assembler": attr.label(cfg = "target", executable = True, mandatory = True),
        "srcs": attr.label_list(allow_files = True),
    },
)

def _fuzz_options_impl(ctx):
    for option in ctx.attr.options:
        if "=" not in option or option.startswith("-"):
            fail("option %r of %s, expected \"key=value\"" % (option, ctx.label))
    out = ctx.actions.declare_file(ctx.label.name + ".options")
    ctx.actions.write(out, "\n".join(["[libfuzzer]"] + ctx.attr.options) + "\n")
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

fuzz_options = rule(
    implementation = _fuzz_options_impl,
    doc = "The flags of libFuzzer that a target is always run with, as a file.",
    attrs = {"options": attr.string_list()},
)

def fuzz_package(name, target_name, parts, **kwargs):
    """Packs a fuzz target into a tar as OSS-Fuzz unpacks it.

    Args:
      name: the package; the file is NAME.tar.
      target_name: the fuzz target.
      parts: pairs of a flag of pack.py and the label of its file.
      **kwargs: further attributes of the target.
    """
    native.genrule(
        name = name,
        srcs = [label for _, label in parts],
        outs = [name + ".tar"],
        cmd = "$(location //tools/bazel_rules:pack.py) --out=$@ --name=%s %s" % (
            target_name,
            " ".join(["--%s=$(location %s)" % part for part in parts]),
        ),
        tools = ["//tools/bazel_rules:pack.py"],
        **kwargs
    )
