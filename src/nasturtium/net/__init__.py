"""From layers to torch modules."""
