"""All nuclei and candidates of all fields in flat arrays, matched one to one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.evaluation.looked import Floats, Ints, Looked, high_grade_score
from engines.evaluation.matching import first_found, one_to_one
from engines.evaluation.resampling import Yes
from engines.fields import LABELS

NEAR_PX, STRICT_PX = 23, 12
"""A finding within so many pixels of the file found a nucleus: at 0.25 um/px, 5.75 and 3 um."""
ASC_H, HSIL = LABELS.index("ASC-H"), LABELS.index("HSIL")


@dataclass(frozen=True, slots=True)
class Pool:
    """n annotated nuclei and m candidates of some fields."""

    field: Ints
    """int64, (n,): index of a nucleus' field."""
    labels: Ints
    """int64, (n,)."""
    at_points: Floats
    """float64, (n, 7)."""
    found_by: Ints
    """int64, (n,): the candidate that, as a finding, found the nucleus within 23 px, or -1."""
    is_found_strict: Yes
    """(n,): within 12 px."""
    candidate_field: Ints
    """int64, (m,)."""
    scores: Floats
    """float64, (m,): that a cell is there."""
    class_scores: Floats
    """float64, (m, 7)."""
    is_finding: Yes
    """(m,): the score reaches its field's threshold."""
    is_hit: Yes
    """(m,): as the threshold falls, a nucleus is first found when this candidate comes."""
    is_high_grade_hit: Yes
    """(m,): the same for the high-grade scores of findings and high-grade nuclei."""
    is_high_grade: Yes
    """(m,): a finding that reaches its field's high-grade bar."""
    mm2: Floats
    """float64, (fields,)."""
    worst_label: Ints
    """int64, (fields,): -1 without a nucleus."""
    has_hsil: Yes
    """(fields,): a nucleus is HSIL or SCC."""

    @property
    def end_to_end(self) -> Floats:
        """float64, (n, 7): scores of the finding that found a nucleus; -1 where it was missed."""
        scores = np.full((len(self.labels), self.class_scores.shape[1]), -1.0)
        is_found = self.found_by >= 0
        scores[is_found] = self.class_scores[self.found_by[is_found]]
        return scores


def pooled(looked: Sequence[Looked]) -> Pool:
    """Matches each field's findings with its nuclei."""
    parts = [_matched(one) for one in looked]
    found_by, is_found_strict, is_finding, is_hit, is_high_grade_hit, is_high_grade = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    field = _owner([one.labels for one in looked])
    firsts = np.cumsum([0, *(len(one.scores) for one in looked)])
    return Pool(
        field=field,
        labels=np.concatenate([one.labels for one in looked]),
        at_points=np.concatenate([one.at_points for one in looked]),
        found_by=np.where(found_by < 0, -1, found_by + firsts[field]),
        is_found_strict=is_found_strict,
        candidate_field=_owner([one.scores for one in looked]),
        scores=np.concatenate([one.scores for one in looked]),
        class_scores=np.concatenate([one.class_scores for one in looked]),
        is_finding=is_finding,
        is_hit=is_hit,
        is_high_grade_hit=is_high_grade_hit,
        is_high_grade=is_high_grade,
        mm2=np.array([one.annotated_mm2 for one in looked]),
        worst_label=np.array([one.labels.max(initial=-1) for one in looked]),
        has_hsil=np.array([bool((one.labels >= HSIL).any()) for one in looked]),
    )


def _matched(one: Looked) -> tuple[Ints, Yes, Yes, Yes, Yes, Yes]:
    """Of one field: the columns of a pool that matching gives, `found_by` within the field."""
    is_finding = one.scores >= one.threshold
    findings = np.flatnonzero(is_finding)
    centres = one.centres_px[findings]
    near = one_to_one(one.points_px, centres, NEAR_PX)
    strict = one_to_one(one.points_px, centres, STRICT_PX)
    found_by = np.full(len(near), -1)
    found_by[near >= 0] = findings[near[near >= 0]]
    high_grade = high_grade_score(one.class_scores)
    first = first_found(one.points_px, one.centres_px, one.scores, NEAR_PX)
    first_high_grade = first_found(
        one.points_px[one.labels >= ASC_H], centres, high_grade[findings], NEAR_PX
    )
    is_hit, is_high_grade_hit = np.zeros((2, len(one.scores)), np.bool_)
    is_hit[first[first >= 0]] = True
    is_high_grade_hit[findings[first_high_grade[first_high_grade >= 0]]] = True
    is_high_grade = is_finding & (high_grade >= one.high_grade_bar)
    return found_by, strict >= 0, is_finding, is_hit, is_high_grade_hit, is_high_grade


def _owner(of_fields: Sequence[npt.NDArray[np.generic]]) -> Ints:
    owner: Ints = np.repeat(np.arange(len(of_fields)), [len(one) for one in of_fields])
    return owner
