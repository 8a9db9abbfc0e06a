"""Weights on disk."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from nasturtium.errors import StoreError
from nasturtium.evaluate.weights import load_weights, save_weights


def test_weights_come_back_with_their_epochs(tmp_path, convnet):
    path = tmp_path / "deep" / "7.safetensors"
    model = convnet(seed=1).to(memory_format=torch.channels_last)
    save_weights(model, path, epochs=4)
    other = convnet(seed=2)
    assert load_weights(other, path) == 4
    state = other.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert load_file(path).keys() == state.keys()
    assert [p.name for p in path.parent.iterdir()] == ["7.safetensors"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path, convnet):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write the weights to .*Free some space or choose a folder"):
        save_weights(convnet(), tmp_path / "file" / "7.safetensors", epochs=1)


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, convnet, monkeypatch):
    path = tmp_path / "7.safetensors"
    save_weights(convnet(seed=1), path, epochs=1)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        save_weights(convnet(seed=2), path, epochs=2)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"hello", None])
def test_what_is_no_weights_file_is_told(tmp_path, convnet, content):
    path = tmp_path / "7.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot read the weights"):
        load_weights(convnet(), path)


def test_another_networks_weights_are_refused(tmp_path, convnet):
    path = tmp_path / "7.safetensors"
    save_weights(nn.Linear(2, 2), path, epochs=1)
    with pytest.raises(StoreError, match="belong to another network"):
        load_weights(convnet(), path)
