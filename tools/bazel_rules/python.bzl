"""Unit tests of the Python scripts; Python's rules would need a toolchain that scripts do not."""

def python_unittest(name, src, data = [], size = "small", **kwargs):
    """Runs the `unittest` cases of one file and reports each as a test case.

    Args:
      name: the test.
      src: the file.
      data: what the file imports or reads.
      size: as for any test.
      **kwargs: further attributes of the test.
    """
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//tools/bazel_rules:run_unittests.py"],
        args = ["$(rootpath %s)" % src],
        data = [
            src,
            "//tools/bazel_rules:skip",
        ] + data,
        **kwargs
    )
