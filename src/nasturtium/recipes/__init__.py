"""Published systems, one a file, each put together from a few parts; ``--method`` names them."""
