"""What the commands share: exit codes, arguments, files, the time of the processor."""
