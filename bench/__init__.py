"""What things cost; a command each beside its module."""
