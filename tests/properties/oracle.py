"""Evidence once more, slowly and obviously: point by point and finding by finding, all at once.

Written from the rules and not from `edge.evidence`: plain integers, no arrays, nothing kept between
rows. It shares the words of `edge.slide` and the summary's type, no more.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from edge.evidence.summary import Area, GalleryEntry, Summary, Sums
from edge.slide.finding import Finding, finding
from edge.slide.plan import PlannedField
from edge.slide.record import (
    Announcement,
    Cell,
    Closing,
    Disposition,
    Image,
    Incident,
    Opening,
    Record,
    Row,
    Skip,
    Withdrawal,
)

Point = tuple[int, int]


@dataclass(frozen=True)
class Cellular:
    """One finding of one image."""

    image: Image
    index: int
    at: Point
    finding: Finding

    @property
    def rank(self) -> tuple[int, int, int, int, int, int]:
        image = self.image
        return (
            self.finding.severity,
            self.finding.score,
            -image.field,
            -image.capture,
            -image.plane,
            -self.index,
        )


class Oracle:
    """All answers about one slide."""

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        (self.opening,) = {row.slide: row for row in rows if isinstance(row, Opening)}.values()
        self.withdrawn = {(r.field, r.capture) for r in rows if isinstance(r, Withdrawal)}
        self.skipped = {row.field for row in rows if isinstance(row, Skip)}
        self.incidents = {row for row in rows if isinstance(row, Incident)}
        self.announcements = {row for row in rows if isinstance(row, Announcement)}
        self.closings = {row for row in rows if isinstance(row, Closing)}
        self.records = {
            row.image: row
            for row in rows
            if isinstance(row, Record) and row.image[:2] not in self.withdrawn
        }
        self.plan = self.opening.plan
        self.findings = {
            image: [
                Cellular(image, i, (one.x_nm, one.y_nm), one)
                for i, one in enumerate(finding(packed) for packed in row.findings)
            ]
            for image, row in self.records.items()
        }

    # Section 2, ownership -------------------------------------------------------------------------

    def of_field(self, field: int) -> list[Record]:
        return [row for image, row in self.records.items() if image.field == field]

    def is_complete(self, planned: PlannedField) -> bool:
        planes = {row.image.plane for row in self.of_field(planned.field)}
        came = all(plane in planes for plane in range(planned.planes))
        return came or planned.field in self.skipped or bool(self.closings)

    def cell(self, row: Record, at: Point) -> int | None:
        if not row.place.holds(*at):
            return None
        column = (at[0] - row.place.left_nm) * 8 // row.place.w_nm
        line = (at[1] - row.place.top_nm) * 8 // row.place.h_nm
        return line * 8 + column

    def flags(self, row: Record, at: Point) -> int | None:
        """The flags of the cell that holds a point, a repeated picture's included."""
        cell = self.cell(row, at)
        if cell is None:
            return None
        same = [other for other in self.records.values() if other.checksum == row.checksum]
        is_frozen = any(other.image.field < row.image.field for other in same)
        return row.cells[cell] | (Cell.FROZEN if is_frozen else 0)

    def sees(self, row: Record, at: Point) -> bool:
        planned = self.plan.rectangle(row.image.field).grown(self.plan.placement_nm)
        return planned.holds(*at) and self.flags(row, at) in (0, Cell.EMPTY)

    def ranked(self, rows: Iterable[Record], at: Point) -> list[Record]:
        def order(row: Record) -> tuple[int, int, int]:
            cell = self.cell(row, at)
            assert cell is not None
            return -row.image.capture, -row.sharpness[cell], row.image.plane

        return sorted(rows, key=order)

    def walk(self, at: Point) -> list[PlannedField]:
        grown = self.plan.placement_nm
        near = [p for p in self.plan.fields if self.plan.rectangle(p.field).grown(grown).holds(*at)]
        return sorted(near, key=lambda p: ((p.x_nm - at[0]) ** 2 + (p.y_nm - at[1]) ** 2, p.field))

    def owner(self, at: Point) -> Image | str:
        """The image that owns a point, or `pending`, or `lost`."""
        for planned in self.walk(at):
            if not self.is_complete(planned):
                return "pending"
            seers = [row for row in self.of_field(planned.field) if self.sees(row, at)]
            if seers:
                return self.ranked(seers, at)[0].image
        return "lost"

    def why_lost(self, at: Point) -> str:
        nearest = self.walk(at)[0].field
        rows = self.of_field(nearest)
        covering = [row for row in rows if self.cell(row, at) is not None]
        if covering:
            first = self.flags(self.ranked(covering, at)[0], at)
            assert first is not None
            flags = [flag for flag in Cell if flag is not Cell.EMPTY and first & flag]
            return str(min(flags).name).lower()
        if nearest in self.skipped:
            return "skipped"
        return "not_covered" if rows else "missing"

    # Section 2, twins -----------------------------------------------------------------------------

    def nearest(self, one: Cellular, image: Image) -> Cellular | None:
        return min(
            self.findings[image],
            key=lambda other: (squared(one.at, other.at), other.index),
            default=None,
        )

    def twins(self, one: Cellular) -> list[Cellular]:
        found = []
        for image in self.records:
            other = self.nearest(one, image) if image != one.image else None
            if other is None or self.nearest(other, one.image) != one:
                continue
            sides = [f.finding.w_nm for f in (one, other)] + [f.finding.h_nm for f in (one, other)]
            if 4 * squared(one.at, other.at) < (min(sides) + 2 * self.opening.registration_nm) ** 2:
                found.append(other)
        return found

    def counts(self, one: Cellular) -> bool:
        if not self.sees(self.records[one.image], one.at):
            return False
        owner, twins = self.owner(one.at), self.twins(one)
        if owner == one.image:
            above = [t for t in twins if self.owner(t.at) == t.image and t.rank > one.rank]
            if not above:
                return True
        return any(
            owner == twin.image and self.owner(twin.at) == one.image and one.rank > twin.rank
            for twin in twins
        )

    def counted(self) -> list[Cellular]:
        return [one for ones in self.findings.values() for one in ones if self.counts(one)]

    # The whole ------------------------------------------------------------------------------------

    def planned_points(self) -> set[Point]:
        points = set()
        for planned in self.plan.fields:
            points |= set(self.points_of(planned))
        return points

    def points_of(self, planned: PlannedField) -> list[Point]:
        place = self.plan.rectangle(planned.field)
        columns = range(place.left_nm // 20_000, (place.left_nm + place.w_nm) // 20_000 + 1)
        lines = range(place.top_nm // 20_000, (place.top_nm + place.h_nm) // 20_000 + 1)
        points = [(20_000 * i, 20_000 * j) for i, j in product(columns, lines)]
        return [at for at in points if place.holds(*at)]

    def summary(self) -> Summary:
        owners = {at: self.owner(at) for at in self.planned_points()}
        usable: Counter[int] = Counter()
        empty = 0
        for at, owner in owners.items():
            if isinstance(owner, Image):
                cell = self.cell(self.records[owner], at)
                assert cell is not None
                is_empty = self.records[owner].cells[cell] == Cell.EMPTY
                empty += is_empty
                usable[owner.field] += not is_empty
        lost = {at for at, owner in owners.items() if owner == "lost"}
        counted = self.counted()
        cells = Counter(one.image.field for one in counted if one.finding.score >= 5_000)
        owns = [(cells[field], points) for field, points in usable.items() if points]
        crops = {image: {c.finding for c in row.crops} for image, row in self.records.items()}
        shown = [one for one in counted if one.index in crops[one.image]]
        reached = [one.finding.reached for one in counted]
        of_fields = [
            [one.finding.reached for one in counted if one.image.field == planned.field]
            for planned in self.plan.fields
        ]
        end = min(self.closings, key=lambda row: (row.end, row.why), default=None)
        fields = self.plan.fields
        return Summary(
            opening=self.opening,
            area=Area(
                planned=len(owners),
                usable=sum(usable.values()),
                empty=empty,
                pending=sum(owner == "pending" for owner in owners.values()),
                lost=tuple(sorted(Counter(self.why_lost(at) for at in lost).items())),
                largest_lost_patch=largest_patch(lost),
                field=max(len(self.points_of(planned)) for planned in fields),
            ),
            sums=Sums(
                n=len(owns),
                cells=sum(c for c, _ in owns),
                points=sum(a for _, a in owns),
                cells_cells=sum(c * c for c, _ in owns),
                cells_points=sum(c * a for c, a in owns),
                points_points=sum(a * a for _, a in owns),
            ),
            reached=(
                sum(bits == 0 for bits in reached),
                *(sum(bits >> severity & 1 for bits in reached) for severity in range(1, 16)),
            ),
            capped=(
                sum(min(3, bits.count(0)) for bits in of_fields),
                *(
                    sum(min(3, sum(each >> severity & 1 for each in bits)) for bits in of_fields)
                    for severity in range(1, 16)
                ),
            ),
            unsettled_fields=sum(not self.is_complete(p) for p in fields),
            missing_fields=sum(
                not self.of_field(p.field) and p.field not in self.skipped for p in fields
            ),
            skipped_fields=sum(p.field in self.skipped for p in fields),
            unprocessed_images=sum(
                row.disposition is Disposition.UNPROCESSED for row in self.records.values()
            ),
            truncated_images=sum(row.truncated for row in self.records.values()),
            withdrawn_captures=len(self.withdrawn),
            incidents=tuple(sorted(self.incidents, key=lambda row: (row.kind, row.detail))),
            announcements=tuple(
                sorted(
                    self.announcements,
                    key=lambda row: (row.category, row.milli_log10_e, row.findings, row.points),
                )
            ),
            end=end.end if end else None,
            end_why=end.why if end else "",
            gallery=tuple(
                GalleryEntry(one.image, one.index, one.finding.severity, one.finding.score)
                for one in sorted(shown, key=lambda one: one.rank, reverse=True)[:100]
            ),
        )


def squared(one: Point, other: Point) -> int:
    """Squared distance, in nm2."""
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


def largest_patch(lost: set[Point]) -> int:
    """The most lost points that can be reached from one of them, step by step."""
    left, largest = set(lost), 0
    while left:
        reached, edge = 0, [left.pop()]
        while edge:
            x, y = edge.pop()
            reached += 1
            for step in ((x + 20_000, y), (x - 20_000, y), (x, y + 20_000), (x, y - 20_000)):
                if step in left:
                    left.remove(step)
                    edge.append(step)
        largest = max(largest, reached)
    return largest
