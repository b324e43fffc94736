"""How the shipped model is trained. Needs the extra `train`."""
