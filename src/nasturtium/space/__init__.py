"""Search spaces: models whose fields hold choices, compiled once into an ordered list of decisions."""
