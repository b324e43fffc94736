"""The models that come with the software: one folder each, with its card."""
