"""What to evaluate next: one published method a file, and wrappers that compose with all of them."""
