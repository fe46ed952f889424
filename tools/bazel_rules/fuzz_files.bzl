"""The files around a fuzz target: seeds, dictionary, options and the package for OSS-Fuzz."""

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

def _fuzz_dictionary_impl(ctx):
    arguments = ctx.actions.args()
    arguments.add(ctx.outputs.out)
    arguments.add_all(ctx.files.srcs)
    ctx.actions.run(
        outputs = [ctx.outputs.out],
        inputs = ctx.files.srcs,
        executable = ctx.executable._merge,
        arguments = [arguments],
        mnemonic = "FuzzDictionary",
    )
    out = ctx.outputs.out
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

fuzz_dictionary = rule(
    implementation = _fuzz_dictionary_impl,
    doc = "Checks dictionaries and merges them into one.",
    attrs = {
        "out": attr.output(mandatory = True),
        "srcs": attr.label_list(allow_files = True, mandatory = True),
        "_merge": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = ":merge_dictionaries.py",
            executable = True,
        ),
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

def _fuzz_package_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".tar")
    corpus = ctx.files.corpus[0]
    inputs = [ctx.executable.binary, corpus, ctx.file.options]
    arguments = ctx.actions.args()
    arguments.add("--out", out)
    arguments.add("--name", ctx.attr.target_name)
    arguments.add("--binary", ctx.executable.binary)
    arguments.add("--corpus", corpus.path)
    arguments.add("--options", ctx.file.options)
    if ctx.file.dictionary:
        inputs.append(ctx.file.dictionary)
        arguments.add("--dictionary", ctx.file.dictionary)
    ctx.actions.run(
        outputs = [out],
        inputs = inputs,
        executable = ctx.executable._pack,
        arguments = [arguments],
        mnemonic = "FuzzPackage",
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

fuzz_package = rule(
    implementation = _fuzz_package_impl,
    doc = "A tar of a fuzz target as OSS-Fuzz unpacks it.",
    attrs = {
        "binary": attr.label(cfg = "target", executable = True, mandatory = True),
        "corpus": attr.label(mandatory = True),
        "dictionary": attr.label(allow_single_file = True),
        "options": attr.label(allow_single_file = True, mandatory = True),
        "target_name": attr.string(mandatory = True),
        "_pack": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = ":pack.py",
            executable = True,
        ),
    },
)
