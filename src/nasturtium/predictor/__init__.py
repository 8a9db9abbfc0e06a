"""Guesses how good an architecture is from those that were evaluated."""
