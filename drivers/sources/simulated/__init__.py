"""A virtual slide: what lies on it, how it is stained, and what a microscope sees of it."""
