"""The build settings of rules_fuzzing, under the names that OSS-Fuzz's build script sets."""

FuzzingFlagInfo = provider("The value of a string setting.", fields = ["value"])

def _string_flag_impl(ctx):
    value = ctx.build_setting_value
    if value not in ctx.attr.values:
        fail("%s is %r, expected one of %s" % (ctx.label, value, ", ".join(ctx.attr.values)))
    return FuzzingFlagInfo(value = value)

string_flag = rule(
    implementation = _string_flag_impl,
    attrs = {"values": attr.string_list(mandatory = True)},
    build_setting = config.string(flag = True),
)
