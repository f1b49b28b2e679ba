"""Checkpoint to ONNX bundle, with a gate that compares the two. Needs the `train` and `export` extras."""
