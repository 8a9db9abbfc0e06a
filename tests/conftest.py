"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# CI draws the same examples each time, so that a change is judged by itself; elsewhere they are new.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real benchmark tables and data sets; without NASTURTIUM_DATA the test is skipped."""
    given = os.environ.get("NASTURTIUM_DATA")
    if not given:
        pytest.skip("NASTURTIUM_DATA is not set: this test reads real tables and data sets from that folder")
    root = Path(given)
    assert root.is_dir(), f"NASTURTIUM_DATA={given} is not a folder"
    return root
