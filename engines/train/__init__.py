"""Makes a model from annotated fields. Needs torch (extra `train`); nothing that serves does."""
