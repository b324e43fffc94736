"""`ScannerLink`: how an acquisition driver in Python talks to the daemon.

Open a slide, send its fields, close it. The link keeps within the window, keeps every image until
it is answered, and survives the daemon's death by itself: hello, open, resume, resend.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar, cast

from typing_extensions import Buffer

from drivers.problem import Problem, Refusal
from drivers.scanner import messages as m
from drivers.scanner.codec import check_pixels
from drivers.scanner.connection import Connection, made
from drivers.scanner.crc import crc32c_hex
from drivers.scanner.curve import Curve
from drivers.scanner.differences import words_of
from drivers.scanner.exchange import Counters, Exchange
from drivers.scanner.lists import CaptureKey, DifferenceList, ManifestList, PlanList, ResumeList
from drivers.scanner.question import Question
from drivers.scanner.words import (
    AnswerWord,
    Optics,
    PixelFormat,
    Preparation,
    Purpose,
    RequestKind,
    SkipReason,
    SlideStatus,
    Specimen,
    Window,
)

A = TypeVar("A", bound=m.Answer)

TIMEOUT_S = 120.0
"""A daemon that is started again judges within 30 s."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open slide, and what the daemon has of it already."""

    answer: m.SlideOpened
    resume: ResumeList


@dataclass(frozen=True, slots=True)
class Closed:
    """A slide's end; or, where `answer.state` is `open`, why it goes on."""

    answer: m.SlideClosed
    differences: DifferenceList

    @property
    def to_do(self) -> list[str]:
        """What keeps it open, in lines for people: which fields, what is wrong, what to do."""
        return words_of(self.differences)


class ScannerLink:
    """A driver's connection to the daemon, for one thread. Use it as a context manager.

    Everything happens within its calls. Call `pump` every few seconds while there is nothing else
    to say: after 30 s of silence another driver may take the slide.
    """

    def __init__(
        self,
        endpoint: str,
        driver: str,
        *,
        software: str = "",
        on_answer: Callable[[m.Committed | m.Refused], None] | None = None,
        takes: Sequence[RequestKind] = (),
        curve: Curve | None = None,
    ) -> None:
        """Opens the socket and says hello; does not wait for the daemon.

        Args:
            endpoint: The daemon's socket for drivers: `ipc:///run/...` or `tcp://127.0.0.1:...`.
            driver: Who this is; the same after a restart, and nobody else's.
            software: Name and version, for people.
            on_answer: Is given each image's final answer, once, within one of the calls. An
                image whose answer was lost with a daemon has none: the daemon's next life lists
                it as committed. It must not call the link.
            takes: What the daemon may ask for, to be had from `next_request`.
            curve: The keys, where the daemon asks for them: `Curve.load(SECRET, DAEMON)`.

        Raises:
            Refusal: `driver`, `software` or `takes` is not what the protocol allows.
        """
        connection = Connection(endpoint, driver, software, takes, curve)
        self._exchange = Exchange(connection, on_answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """As `close`."""
        self.close()

    def close(self) -> None:
        """Says `bye`, waits at most a second for the answer, and closes the socket.

        An open slide stays open: the daemon waits for whoever takes it up again.
        """
        exchange = self._exchange
        exchange.open = None
        try:
            if exchange.connection.is_live:
                exchange.ask(Question(made(m.Bye), None, m.Farewell), 1.0)
        except Refusal:
            pass  # The daemon is gone, or has forgotten us: there is nothing to take leave from.
        finally:
            exchange.connection.close()

    @property
    def welcome(self) -> m.Welcome | None:
        """The daemon's last `welcome`: its formats, its pace, its model, its open slides."""
        return self._exchange.connection.welcome

    @property
    def window(self) -> Window:
        """The daemon's last word on how much may be unanswered."""
        return self._exchange.window

    @property
    def counters(self) -> Counters:
        """What the link has done so far."""
        return self._exchange.counters

    @property
    def connections(self) -> int:
        """How many sockets were made so far."""
        return self._exchange.connection.sockets

    @property
    def rubbish(self) -> int:
        """How many messages of the daemon could not be read."""
        return self._exchange.connection.rubbish

    @property
    def refused(self) -> list[m.Refused]:
        """The slide's images that were refused for good, in the order of their answers."""
        return self._exchange.book.refused

    @property
    def manifest(self) -> ManifestList:
        """All that is committed, withdrawn and skipped of the slide, as `close_slide` says it."""
        return self._exchange.book.manifest()

    def next_capture(self, field: int) -> int:
        """The number of a field's next capture, above all that were ever seen."""
        return self._exchange.book.next_capture(field)

    def wait_welcome(self, timeout_s: float = TIMEOUT_S) -> m.Welcome:
        """Waits for the daemon.

        Raises:
            LinkRefused: The daemon wants nothing to do with this driver.
            LinkTimeout: There is no daemon, or it is full.
        """
        connection = self._exchange.connection
        self._exchange.until(lambda: connection.is_live, timeout_s, "welcome")
        return cast(m.Welcome, connection.welcome)

    def open_slide(
        self,
        slide: str,
        purpose: Purpose | str,
        specimen: Specimen | str,
        preparation: Preparation | str,
        optics: Optics,
        plan: PlanList,
        *,
        barcode: str = "",
        registration_nm: int = 0,
        smear_mm2: int | None = None,
        operator: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> Opened:
        """Opens a slide, or takes it up again. `messages.OpenSlide` describes the values.

        Where `resume` lists images, they need not be sent again; a capture that is taken again
        anyhow gets the number `next_capture`.

        Raises:
            LinkRefused: The daemon does not take this slide; `code` says why.
            LinkTimeout: There is no daemon, or another driver has the slide.
            Refusal: A value is not what the protocol allows, or a slide is still open.
        """
        if self._exchange.open is not None:
            what = "this link has an open slide"
            raise Refusal(
                Problem("slide", slide, what, f"Close or abort {self._exchange.slide} first")
            )
        message = made(
            m.OpenSlide,
            slide=slide,
            purpose=purpose,
            specimen=specimen,
            preparation=preparation,
            optics=optics,
            barcode=barcode,
            registration_nm=registration_nm,
            smear_mm2=smear_mm2,
            operator=operator,
        )
        question: Question[m.SlideOpened] = Question(message, plan, m.SlideOpened)
        answer = self._exchange.open_slide(message.slide, question, timeout_s)
        return Opened(answer, question.answer_part)

    def send_field(
        self,
        field: int,
        pixels: Buffer,
        *,
        x_nm: int,
        y_nm: int,
        width_px: int,
        height_px: int,
        format: PixelFormat | str,
        capture: int = 1,
        plane: int = 0,
        z_nm: int = 0,
        stride: int | None = None,
        exposure_us: int = 0,
        captured_at_us: int | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Sends an image; waits only while the window is full, and never for its own answer.

        Args:
            field: As in the plan; `messages.SendField` describes all values.
            pixels: Any contiguous buffer. A writable one is copied, since cameras use theirs
                again; a read-only one is kept and must not change until it is answered.
            x_nm: Stage place of the image's middle.
            y_nm: Likewise.
            width_px: Columns.
            height_px: Rows.
            format: Its PFNC name, `JPEG` or `PNG`.
            capture: 1, and one more for every rescan.
            plane: Of the focus stack, from 0.
            z_nm: Of the stage.
            stride: Bytes from row to row; by default rows without padding.
            exposure_us: As set.
            captured_at_us: UTC; by default now.
            timeout_s: After which to raise. The image is kept, and sent within a later call.

        Raises:
            LinkRefused: The daemon no longer takes the slide.
            LinkTimeout: The window stayed full.
            Refusal: A value is not what the protocol allows, the image was given before, or no
                slide is open.
        """
        self._need_slide("field")
        kept = memoryview(pixels).cast("B") if _is_kept(pixels) else bytes(pixels)
        per_px = PixelFormat(format).bytes_per_px if format in list(PixelFormat) else 0
        message = made(
            m.SendField,
            slide=self._exchange.slide,
            field=field,
            capture=capture,
            plane=plane,
            x_nm=x_nm,
            y_nm=y_nm,
            z_nm=z_nm,
            width_px=width_px,
            height_px=height_px,
            format=format,
            stride=per_px * width_px if stride is None else stride,
            exposure_us=exposure_us,
            captured_at_us=time.time_ns() // 1000 if captured_at_us is None else captured_at_us,
            checksum=crc32c_hex(kept),
        )
        problem = check_pixels(message, len(kept))
        if problem is not None:
            raise Refusal(problem)
        key = self._exchange.book.add(message, kept)
        self._exchange.send_image(key, timeout_s)
        self.pump(0.0)

    def skip_field(self, field: int, why: SkipReason, timeout_s: float = TIMEOUT_S) -> None:
        """Gives a field up, and waits for the answer.

        Raises:
            LinkRefused: The slide is closed.
            LinkTimeout: There was no answer.
        """
        self._need_slide("skip_field")
        message = made(m.SkipField, slide=self._exchange.slide, field=field, why=why)
        self._exchange.ask(Question(message, None, m.FieldSkipped), timeout_s)
        self._exchange.book.skipped.add(message.field)

    def withdraw(self, field: int, capture: int, timeout_s: float = TIMEOUT_S) -> None:
        """Takes a capture back for ever, with all its planes, and waits for the answer.

        Raises:
            LinkRefused: The slide is closed.
            LinkTimeout: There was no answer.
        """
        self._need_slide("withdraw")
        message = made(m.Withdraw, slide=self._exchange.slide, field=field, capture=capture)
        self._exchange.ask(Question(message, None, m.Withdrawn), timeout_s)
        self._exchange.book.withdrawn.add(CaptureKey(field=message.field, capture=message.capture))

    def next_request(self, timeout_s: float = 0.0) -> m.Request | None:
        """What the daemon asks for, each request once; None where nothing came in time.

        The driver decides. `answer` it, or leave it: what is not done within `within_ms` is not
        waited for. Before a slide is closed, a second or two of patience lets the daemon ask about
        the last fields.

        Raises:
            LinkRefused: The daemon no longer takes this driver or its slide.
        """
        requests, until = self._exchange.requests, time.monotonic() + timeout_s
        while not requests and (self._exchange.step(until - time.monotonic()) or _is_before(until)):
            pass
        return requests.popleft() if requests else None

    def answer(
        self, request: m.Request, answer: AnswerWord, timeout_s: float = TIMEOUT_S
    ) -> m.Answered:
        """Says what becomes of a request, and waits until that is heard.

        Say `done` after the images that it asked for were sent; they need not be committed yet.

        Returns:
            Its `late` says that the request had ended before: the answer has no effect.

        Raises:
            LinkRefused: The daemon never made this request.
            LinkTimeout: There was no answer.
        """
        message = made(m.RequestAnswer, slide=request.slide, request=request.id, answer=answer)
        return self._exchange.ask(Question(message, None, m.Answered), timeout_s)

    def pump(self, timeout_s: float) -> None:
        """Takes answers for so long, and sends what may be sent.

        Raises:
            LinkRefused: The daemon no longer takes this driver or its slide.
        """
        until = time.monotonic() + timeout_s
        while self._exchange.step(until - time.monotonic()) or time.monotonic() < until:
            pass

    def drain(self, timeout_s: float = TIMEOUT_S) -> None:
        """Waits until every image is answered: committed, or in `refused`.

        Raises:
            LinkTimeout: Some are not.
        """
        self._exchange.until(lambda: not self._exchange.book.open, timeout_s, "field")

    def close_slide(
        self, timeout_s: float = TIMEOUT_S, *, manifest: ManifestList | None = None
    ) -> Closed:
        """Waits for every answer, then ends the slide with a manifest of all that is committed.

        Where the answer's state is `open`, the daemon's list and the manifest differ and the slide
        goes on. Give another `manifest` than the link's own to close without what is missing.

        Raises:
            LinkRefused: The daemon has closed it otherwise.
            LinkTimeout: Images are unanswered, or there is no answer.
        """
        self._need_slide("close_slide")
        until = time.monotonic() + timeout_s
        self.drain(timeout_s)
        message = made(m.CloseSlide, slide=self._exchange.slide)
        question = Question(message, manifest or self.manifest, m.SlideClosed)
        answer = self._exchange.ask(question, until - time.monotonic())
        if answer.state is not SlideStatus.OPEN:
            self._exchange.open = None
        return Closed(answer, question.answer_part)

    def abort_slide(self, why: str, timeout_s: float = TIMEOUT_S) -> m.SlideAborted:
        """Ends the slide as it is. What is unsent is dropped.

        Raises:
            LinkRefused: It is closed.
            LinkTimeout: There was no answer.
        """
        self._need_slide("abort_slide")
        message = made(m.AbortSlide, slide=self._exchange.slide, why=why)
        answer = self._exchange.ask(Question(message, None, m.SlideAborted), timeout_s)
        self._exchange.open = None
        self._exchange.book.kept.clear()
        self._exchange.book.open.clear()
        return answer

    def _need_slide(self, message: str) -> None:
        if self._exchange.open is None:
            raise Refusal(Problem("slide", "none", f"{message} needs an open slide", "Open one"))


def _is_before(moment_s: float) -> bool:
    return time.monotonic() < moment_s


def _is_kept(pixels: Buffer) -> bool:
    """Whether a buffer can be kept as it is."""
    view = memoryview(pixels)
    return view.readonly and view.c_contiguous
