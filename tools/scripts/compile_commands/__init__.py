"""tools/compile_commands: a compilation database for clangd."""
