import subprocess
import sys

import pytest

import nasturtium


def test_every_public_name_exists_and_they_are_sorted():
    assert nasturtium.__all__ == sorted(nasturtium.__all__)
    for name in nasturtium.__all__:
        assert getattr(nasturtium, name) is not None
        assert name in dir(nasturtium)


def test_importing_nasturtium_imports_neither_torch_nor_numpy():
    program = "import sys, nasturtium; print(sorted({'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


def test_a_space_a_specification_and_the_names_need_no_torch():
    program = (
        "import sys, nasturtium as nt, nasturtium.run.names\n"
        "nt.Space(nt.blocks.conv(nt.choice(4, 8)), nt.blocks.classifier()), nt.Spec()\n"
        "print('torch' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "False"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        nasturtium.nonsense  # noqa: B018
