"""Tests in Python, run as the scripts are: Bazel's own rules would need a toolchain besides."""

def python_test(name, module, args = [], data = [], **kwargs):
    """Runs a module as a test.

    Args:
      name: the test.
      module: as it is imported: tools.presubmit.presubmit.
      args: its words.
      data: its file, and what it imports or reads.
      **kwargs: further attributes of the test.
    """
    native.sh_test(
        name = name,
        srcs = ["//tools/bazel_rules:run_module.sh"],
        args = [module] + args,
        data = ["//tools/scripts:start"] + data,
        **kwargs
    )

def python_unittest(name, src, data = [], size = "small", **kwargs):
    """Runs the `unittest` cases of one file and reports each as a test case.

    Args:
      name: the test.
      src: the file, one of this package.
      data: what the file imports or reads.
      size: as for any test.
      **kwargs: further attributes of the test.
    """
    python_test(
        name = name,
        size = size,
        module = "tools.bazel_rules.run_unittests",
        args = [native.package_name().replace("/", ".") + "." + src[:-len(".py")]],
        data = [
            src,
            "//tools/bazel_rules:unittests",
        ] + data,
        **kwargs
    )
