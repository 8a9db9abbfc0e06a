"""Readers of tabular benchmarks, one file each; `run.names.table_named` finds them by name."""
