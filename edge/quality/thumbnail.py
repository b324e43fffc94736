"""A small picture of a field, for people."""

import cv2

from edge.picture import Picture

WIDTH_PX = 128
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 80]


def thumbnail(picture: Picture) -> bytes:
    """The whole field as a JPEG, at most 128 px wide.

    One pixel in many of the half picture: their mean would cost as much as all of quality.
    """
    height, width = picture.half.shape[:2]
    small_width = min(WIDTH_PX, width)
    size = (small_width, max(1, height * small_width // width))
    small = cv2.resize(picture.half, size, interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), _JPEG)[1].tobytes()
