"""The reverse maps that the suite compares: a map joins by one line of MAPS.

From the line derive its engine, the typed tests of the contract, its benchmarks, and its places in
reports. docs/adding-a-reverse-map.md goes through the steps.
"""

def _map(name, template, source, rule, by_default = False):
    """One reverse map.

    Args:
      name: of its engine, in reports and for --maps.
      template: the class template over Limits.
      source: the header that has it. Its folder has a library of the header's name.
      rule: MapRule of fuzzers/judges/known_differences.h.
      by_default: whether runs compare it that name no maps.

    Returns:
      A value of these fields.
    """
    return struct(
        name = name,
        template = template,
        source = source,
        rule = rule,
        by_default = by_default,
    )

MAPS = [
    _map("legacy", "DescriptorMap", "legacy_mmu/descriptor_map.h", "kOld", by_default = True),
    _map("sibling", "SiblingMap", "mmu/sibling_map.h", "kNew", by_default = True),
    _map("counted", "CountedSiblingMap", "more_maps/counted_sibling_map.h", "kEither"),
]

_NOTE = "// Generated from more_maps/maps.bzl.\n"

_LIST = _NOTE + """\
// The names of all reverse maps: EACH(legacy) EACH(sibling) ...
#ifndef RMAPDIFF_MORE_MAPS_MAP_LIST_H_
#define RMAPDIFF_MORE_MAPS_MAP_LIST_H_

#define RMAPDIFF_EACH_MAP(EACH) \\
%s

#endif  // RMAPDIFF_MORE_MAPS_MAP_LIST_H_
"""

_TEMPLATES = _NOTE + """\
// The class templates of all reverse maps.
#ifndef RMAPDIFF_MORE_MAPS_ALL_MAPS_H_
#define RMAPDIFF_MORE_MAPS_ALL_MAPS_H_

%s
namespace rmapdiff {

template <template <class> class... Maps>
struct MapTemplates {};

using AllMapTemplates = MapTemplates<%s>;

}  // namespace rmapdiff

#endif  // RMAPDIFF_MORE_MAPS_ALL_MAPS_H_
"""

def _text_file_impl(ctx):
    ctx.actions.write(ctx.outputs.out, ctx.attr.text)

_text_file = rule(
    implementation = _text_file_impl,
    doc = "A file with this text.",
    attrs = {
        "out": attr.output(mandatory = True),
        "text": attr.string(mandatory = True),
    },
)

def _header(name, text):
    _text_file(name = name + "_header", out = name + ".h", text = text)

def map_libraries():
    """Defines :map_list and :all_maps, and a library for each header of the folder."""
    for header in native.glob(["*.h"]):
        native.cc_library(
            name = header[:-len(".h")],
            hdrs = [header],
            deps = [
                "//legacy_mmu:descriptor_map",
                "//mmu:sibling_map",
                "//mmu/base:host_memory",
                "//mmu/graph:reverse_map",
            ],
        )
    _header("map_list", _LIST % " \\\n".join(["  EACH(%s)" % map.name for map in MAPS]))
    native.cc_library(name = "map_list", hdrs = ["map_list.h"])
    includes = ['#include "%s"\n' % map.source for map in MAPS]
    _header("all_maps", _TEMPLATES % ("".join(includes), ", ".join([map.template for map in MAPS])))
    native.cc_library(
        name = "all_maps",
        hdrs = ["all_maps.h"],
        deps = ["//%s:%s" % tuple(map.source[:-len(".h")].split("/")) for map in MAPS],
    )

def map_sources(name, includes, line):
    """Defines a C++ file for each map, NAME_<name>.cc, so that each is compiled by itself.

    Args:
      name: of the group of all these files.
      includes: the headers that the file includes beside the map's.
      line: what stands in namespace rmapdiff, with ${name}, ${template}, ${source}, ${rule} and
        ${by_default} for those of the map.
    """
    for map in MAPS:
        text = _NOTE
        for header in sorted(includes + [map.source]):
            text += '#include "%s"\n' % header
        text += "\nnamespace rmapdiff {\n\n" + line + "\n\n}  // namespace rmapdiff\n"
        for field in ["name", "template", "source", "rule"]:
            text = text.replace("${%s}" % field, getattr(map, field))
        _text_file(
            name = name + "_of_" + map.name,
            out = "%s_%s.cc" % (map.name, name),
            text = text.replace("${by_default}", "true" if map.by_default else "false"),
        )
    native.filegroup(name = name, srcs = ["%s_%s.cc" % (map.name, name) for map in MAPS])
