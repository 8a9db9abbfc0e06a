"""Trained networks as files that need no nasturtium: ONNX, torch.export, readable source, a model card."""
