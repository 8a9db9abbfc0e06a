"""Methods beside each other on tables of known results: the same budget, the same seeds, the same judge."""
