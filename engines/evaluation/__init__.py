"""How well a model finds and grades the cells of annotated fields."""
