"""The simulated camera: from light on the sensor to the bytes that a driver sends."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from drivers.problem import Problem, Refusal
from drivers.scanner.words import PixelFormat

Picture = npt.NDArray[np.uint8]
"""uint8, shape (H, W, 3), RGB."""
Sensor = npt.NDArray[np.uint8]
"""uint8, (H, W) for Bayer and Mono8, (H, W, 3) for colour formats."""

FULL_WELL_ELECTRONS = 15_000
READ_NOISE_LEVELS = 0.6
"""Source: data sheets of machine-vision sensors of 3.45 um pixels give 10,000 to 25,000 electrons
and 2 to 7 electrons of read noise; the rest is the 8-bit step."""
_NOISE_STEPS = 32
_BAYER_FIRST_ROWS = {
    PixelFormat.BAYER_RG8: (0, 1, 1, 2),
    PixelFormat.BAYER_GR8: (1, 0, 2, 1),
    PixelFormat.BAYER_GB8: (1, 2, 0, 1),
    PixelFormat.BAYER_BG8: (2, 1, 1, 0),
}
"""Channels of the 2 x 2 pattern, row by row, as PFNC names them: the first two pixels first."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Size, scale and pixel format of the images."""

    width_px: int = 2448
    height_px: int = 2048
    pm_per_px: int = 250_000
    format: PixelFormat = PixelFormat.BAYER_RG8
    exposure_us: int = 2_000

    def __post_init__(self) -> None:
        for key, value in (("width_px", self.width_px), ("height_px", self.height_px)):
            if value < 64 or value % 4:
                raise Refusal(
                    Problem(key, str(value), "is not a multiple of 4 from 64 up", "Give another")
                )
        if self.pm_per_px < 50_000 or self.pm_per_px % 1_000:
            problem = "is not a whole number of nanometres from 50 up"
            raise Refusal(Problem("pm_per_px", str(self.pm_per_px), problem, "Give another"))

    @property
    def w_nm(self) -> int:
        """Width of a field on the glass."""
        return self.width_px * self.pm_per_px // 1_000

    @property
    def h_nm(self) -> int:
        """Height of a field on the glass."""
        return self.height_px * self.pm_per_px // 1_000


def mosaic(picture: Picture, pattern: PixelFormat) -> Sensor:
    """What a sensor under a colour filter of that pattern sees of a picture of even size."""
    raw = np.empty(picture.shape[:2], np.uint8)
    for place, channel in enumerate(_BAYER_FIRST_ROWS[pattern]):
        y, x = divmod(place, 2)
        raw[y::2, x::2] = picture[y::2, x::2, channel]
    return raw


def noise_table(rng: np.random.Generator, camera: Camera) -> npt.NDArray[np.int8]:
    """A stock of normal noise in 1/32 standard deviations, twice the size of a sensor."""
    normal = rng.standard_normal(2 * camera.width_px * camera.height_px, np.float32)
    return np.clip(np.rint(normal * _NOISE_STEPS), -127, 127).astype(np.int8)


def _noise_of_levels() -> npt.NDArray[np.uint8]:
    """Standard deviation of the noise at each level, in 1/32 levels; uint8, shape (256,)."""
    levels = np.arange(256)
    shot = levels * 255 / FULL_WELL_ELECTRONS
    deviation = np.sqrt(shot + READ_NOISE_LEVELS**2)
    return np.asarray(np.rint(deviation * _NOISE_STEPS), np.uint8)


_DEVIATION = _noise_of_levels()


def with_noise(sensor: Sensor, table: npt.NDArray[np.int8], rng: np.random.Generator) -> Sensor:
    """Adds shot and read noise: a stretch of the table, begun by chance."""
    if sensor.ndim == 3:
        planes = [with_noise(np.ascontiguousarray(sensor[:, :, c]), table, rng) for c in range(3)]
        return np.asarray(cv2.merge(planes), np.uint8)
    start = int(rng.integers(len(table) - sensor.size))
    normal = table[start : start + sensor.size].reshape(sensor.shape)
    scale = 1 / _NOISE_STEPS**2
    noise = cv2.multiply(cv2.LUT(sensor, _DEVIATION), normal, scale=scale, dtype=cv2.CV_16S)
    return np.asarray(cv2.add(sensor, noise, dtype=cv2.CV_8U), np.uint8)


def seen(
    picture: Picture,
    format_: PixelFormat,
    table: npt.NDArray[np.int8],
    rng: np.random.Generator,
) -> Sensor:
    """The sensor's reading of a picture, in the layout that its format has on the wire."""
    if format_ in _BAYER_FIRST_ROWS:
        return with_noise(mosaic(picture, format_), table, rng)
    if format_ is PixelFormat.MONO8:
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        return with_noise(grey, table, rng)
    noisy = with_noise(picture, table, rng)
    return noisy[:, :, ::-1] if format_ is PixelFormat.BGR8 else noisy


def encoded(sensor: Sensor, format_: PixelFormat) -> tuple[bytes, int]:
    """The bytes to send and their stride. Colour arrays are RGB, for BGR8 they are BGR."""
    if format_ in (PixelFormat.JPEG, PixelFormat.PNG):
        extension = ".jpg" if format_ is PixelFormat.JPEG else ".png"
        options = [cv2.IMWRITE_JPEG_QUALITY, 92] if extension == ".jpg" else []
        bgr = cv2.cvtColor(sensor, cv2.COLOR_RGB2BGR)
        return cv2.imencode(extension, bgr, options)[1].tobytes(), 0
    return sensor.tobytes(), sensor.shape[1] * format_.bytes_per_px
