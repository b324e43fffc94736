"""Models of whole slides, for research: nothing that decides can import this folder."""
