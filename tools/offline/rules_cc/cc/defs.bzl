"""Stands in for rules_cc: Bazel 4 still carries these rules natively."""

cc_binary = native.cc_binary
cc_flags_supplier = native.cc_toolchain_alias
cc_import = native.cc_import
cc_library = native.cc_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_suite = native.cc_toolchain_suite
