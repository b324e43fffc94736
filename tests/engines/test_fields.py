from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.detector import BadModel
from engines.fields import fold_of, read_folder, read_negative


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    picture = np.full((100, 200, 3), 255, np.uint8)
    picture[:, :, 2] = 10  # the file is BGR: red is dark
    cv2.imwrite(str(tmp_path / "images" / "a.png"), picture)
    (tmp_path / "images.csv").write_text(
        "image_filename,image_id,width,height,annotated_x_max,annotated_y_max,um_per_px\n"
        "a.png,85,200,100,180,90,0.25\n"
    )
    (tmp_path / "points.csv").write_text(
        "image_filename,cell_id,label,x,y\na.png,1,NILM,100.0,50.0\na.png,2,ASC-H,20,30\n"
    )
    return tmp_path


def test_a_field_comes_at_its_own_scale_with_its_points_labels_and_limits(folder: Path) -> None:
    (field,) = read_folder(folder)
    assert field.number == 85
    assert field.picture.shape == (100, 200, 3)
    assert field.picture[0, 0].tolist() == [10, 255, 255]
    assert field.points_px.tolist() == [[100, 50], [20, 30]]
    assert field.labels.tolist() == [0, 3]
    assert field.tiers.tolist() == [0, 2]
    assert field.um_per_px == 0.25
    assert field.annotated_px == (180, 90)


def test_images_may_lie_beside_the_lists_without_limits_or_ids(folder: Path) -> None:
    (folder / "images" / "a.png").rename(folder / "a.png")
    (folder / "images").rmdir()
    (folder / "images.csv").write_text(
        "image_filename,width,height,um_per_px\na.png,200,100,0.25\n"
    )
    (field,) = read_folder(folder)
    assert field.number == 0
    assert field.annotated_px == (200, 100)


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        ("points.csv", "ASC-H", "weird", "points.csv label"),
        ("points.csv", "100.0", "left", "points.csv x"),
        ("points.csv", "label", "class", "points.csv"),
        ("images.csv", "a.png", "b.png", "b.png"),
        ("images.csv", "0.25", "nan", "images.csv um_per_px"),
        ("images.csv", "0.25", "25", "images.csv um_per_px"),
    ],
)
def test_what_cannot_be_read_is_named(
    folder: Path, file: str, old: str, new: str, key: str
) -> None:
    (folder / file).write_text((folder / file).read_text().replace(old, new))
    with pytest.raises(BadModel) as refused:
        list(read_folder(folder))
    assert refused.value.key.endswith(key)


def test_an_absent_list_is_named(folder: Path) -> None:
    (folder / "images.csv").unlink()
    with pytest.raises(BadModel, match=r"images\.csv"):
        list(read_folder(folder))


def test_every_fold_of_five_can_learn_from_the_high_grade_run_of_cric() -> None:
    assert len({fold_of(number, 5) for number in range(80, 96)}) == 2


@given(st.integers(0, 10_000), st.integers(2, 10))
def test_neighbours_share_a_fold_but_where_a_run_ends(number: int, folds: int) -> None:
    shares = fold_of(number, folds) == fold_of(number + 1, folds)
    assert shares == ((number + 1) % 8 != 0)
    assert 0 <= fold_of(number, folds) < folds


def test_of_slides_labelled_as_a_whole_the_negative_ones_are_read(folder: Path) -> None:
    (folder / "points.csv").unlink()
    (folder / "images.csv").write_text(
        "image_filename,label,um_per_px\na.png,NILM,0.33\na.png,HSIL,0.33\n"
    )
    (field,) = read_negative(folder)
    assert field.um_per_px == 0.33
    assert field.points_px.shape == (0, 2)
    assert field.annotated_px == (200, 100)
