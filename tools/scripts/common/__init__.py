"""Shared by the commands: exit codes, arguments, files, the time of the processor."""
