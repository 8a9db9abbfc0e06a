"""Neural architecture search on PyTorch: from data and a device to a front of trained, exported, plain models."""
