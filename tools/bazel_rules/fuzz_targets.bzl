"""All fuzz targets of a package, as one thing to build and as a list to read."""

def fuzz_targets(name):
    """Collects the cc_fuzz_tests above the call; it stands last in its BUILD file.

    Building <name> builds every NAME_bin (<name>_m32: NAME_m32_bin, <name>_cov: NAME_cov_bin),
    NAME_corpus, NAME_options and NAME_dict. It also writes the file `<name>.txt` beside them, which
    names the targets, one a line. A script that runs all targets reads that file, so it ignores
    programs of an earlier build. <name>_oss_fuzz is every NAME_oss_fuzz and the list, <name>_afl
    every NAME_afl.

    Args:
      name: of the group and of the list.
    """
    rules = native.existing_rules()
    found = []
    for rule in rules.values():
        target = rule.get("generator_name")
        if rule.get("generator_function") == "cc_fuzz_test" and target not in found:
            found.append(target)
    native.genrule(
        name = name + "_list",
        testonly = True,
        outs = [name + ".txt"],
        cmd = "printf '%s\\n' " + " ".join(found) + " > $@",
        tags = ["manual"],
    )
    native.filegroup(
        name = name + "_oss_fuzz",
        testonly = True,
        srcs = [":" + name + "_list"] + [":" + target + "_oss_fuzz" for target in found],
        tags = ["manual"],
    )
    native.test_suite(
        name = name + "_afl",
        tests = [":" + target + "_afl" for target in found],
        tags = ["manual"],
    )
    for kind in ["", "_m32", "_cov"]:
        native.filegroup(
            name = name + kind,
            testonly = True,
            srcs = [":" + name + "_list"] + [
                ":" + target + suffix
                for target in found
                for suffix in [kind + "_bin", "_corpus", "_options", "_dict"]
                if target + suffix in rules
            ],
            tags = ["manual"],
        )
