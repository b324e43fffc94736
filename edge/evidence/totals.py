"""Integers of each field and their sums, kept by their differences: a sum is never made again."""

from collections.abc import Sequence

from edge.evidence.ground import Ints


class Totals:
    """A row of integers a field, and the sum of all rows."""

    def __init__(self, rows: Ints) -> None:
        self.rows = rows.copy()
        """int64, shape (fields, columns)."""
        self.all = self.rows.sum(axis=0)
        """int64, shape (columns,)."""

    def put(self, field: int, row: Sequence[int] | Ints) -> None:
        """A field's integers anew, by its index."""
        self.all -= self.rows[field]
        self.rows[field] = row
        self.all += self.rows[field]
