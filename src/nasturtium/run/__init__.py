"""The loop, and everything that a run is made of."""
