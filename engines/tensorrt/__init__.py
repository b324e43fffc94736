"""Runs models on NVIDIA GPUs with TensorRT, or TensorRT-RTX."""
