"""The repository @rules_fuzzing_oss_fuzz: the compiler flags that OSS-Fuzz's environment asks for.

Outside OSS-Fuzz the variables are unset, the lists are empty, and nothing uses the repository.
"""

_BUILD = """
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "oss_fuzz_engine",
    linkopts = [{engine}],
)

cc_library(name = "oss_fuzz_java_engine")
"""

_FLAGS = """
OSS_FUZZ_COPTS = [{copts}]
OSS_FUZZ_CXXOPTS = [{cxxopts}]
"""

def _words(environ, name):
    return [word for word in environ.get(name, "").split(" ") if word]

def _render(words):
    return ", ".join([repr(word) for word in words])

def _oss_fuzz_repository_impl(ctx):
    environ = ctx.os.environ
    copts = _words(environ, "FUZZING_CFLAGS") or _words(environ, "CFLAGS")
    cxxopts = _words(environ, "FUZZING_CXXFLAGS") or _words(environ, "CXXFLAGS")
    engine = _words(environ, "LIB_FUZZING_ENGINE")
    ctx.file("BUILD", _BUILD.format(engine = _render(engine)))
    ctx.file("flags.bzl", _FLAGS.format(
        copts = _render(copts),
        # Bazel hands C++ sources both lists, and CXXFLAGS repeats CFLAGS.
        cxxopts = _render([word for word in cxxopts if word not in copts]),
    ))

oss_fuzz_repository = repository_rule(
    implementation = _oss_fuzz_repository_impl,
    environ = [
        "CFLAGS",
        "CXXFLAGS",
        "FUZZING_CFLAGS",
        "FUZZING_CXXFLAGS",
        "LIB_FUZZING_ENGINE",
    ],
    local = True,
)
