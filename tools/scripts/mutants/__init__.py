"""rmapdiff mutants: how long seeded faults survive."""
