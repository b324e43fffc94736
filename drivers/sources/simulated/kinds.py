"""What can lie on a cervical slide."""

from enum import IntEnum


class Kind(IntEnum):
    """A kind of cell, or of what lies between the cells."""

    SUPERFICIAL = 0
    INTERMEDIATE = 1
    PARABASAL = 2
    METAPLASTIC = 3
    ENDOCERVICAL = 4
    REACTIVE = 5
    """Inflamed: an enlarged, pale nucleus, often in a narrow halo."""
    ATROPHIC = 6
    """A parabasal cell of atrophy: a large nuclear share, but bland. Hard to tell from ASC-H."""
    LSIL = 7
    ASC_H = 8
    HSIL = 9
    SCC = 10
    BARE_NUCLEUS = 11
    NEUTROPHIL = 12
    LYMPHOCYTE = 13
    RED_CELL = 14
    KERATIN = 15
    """Squames without a nucleus."""
    MUCUS = 16
    DEBRIS = 17
    """Specks, dust, bacteria."""
    CLUMP = 18
    """Clotted, dried or crumpled matter, as dark as nuclei and of their size or larger."""

    @property
    def label(self) -> str | None:
        """The Bethesda class of an epithelial cell; None for what a reader would not name."""
        return _LESIONS.get(self, "NILM") if self <= Kind.SCC else None

    @property
    def is_squamous(self) -> bool:
        """Whether it is a cell that adequacy counts: squamous or metaplastic, with cytoplasm."""
        return self <= Kind.SCC and self is not Kind.ENDOCERVICAL


_LESIONS = {Kind.LSIL: "LSIL", Kind.ASC_H: "ASC-H", Kind.HSIL: "HSIL", Kind.SCC: "SCC"}
