"""Objectives, constraints, and which of many trade-offs are worth keeping. Thin, over moocore."""
