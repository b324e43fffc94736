"""Where fields come from: a simulated slide, a folder of images."""
