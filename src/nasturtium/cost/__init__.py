"""What an architecture costs: counted from its shapes, or measured on this machine."""
