"""A device's fingerprint tells machines apart and nothing else."""

from dataclasses import replace

import pytest

from nasturtium.cost.device import device_fingerprint, this_device


def test_fingerprint_is_stable_within_a_machine() -> None:
    assert device_fingerprint() == device_fingerprint()
    assert len(device_fingerprint()) == 12


def test_number_of_threads_is_part_of_the_device() -> None:
    assert device_fingerprint(1) != device_fingerprint(2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cpu", "another"),
        ("cores", 999),
        ("threads", 7),
        ("torch", "9"),
        ("onnxruntime", "9"),
        ("system", "Plan 9"),
    ],
)
def test_each_attribute_changes_the_fingerprint(field: str, value: object) -> None:
    here = this_device()
    assert replace(here, **{field: value}).fingerprint != here.fingerprint


def test_description_names_processor_threads_and_versions() -> None:
    here = this_device(2)
    text = str(here)
    assert here.cpu in text
    assert "2 threads" in text
    assert f"torch {here.torch}" in text


def test_processor_and_torch_are_known() -> None:
    here = this_device()
    assert here.cpu
    assert here.cores >= 1
    assert here.torch != "none"
