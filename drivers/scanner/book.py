"""What a driver keeps of a slide: which images are answered, and the pixels of those that are not.

The rules are `drivers.scanner.states.DRIVER`; here they are applied. No socket and no clock.
"""

from dataclasses import dataclass, field

from drivers.problem import Problem, Refusal
from drivers.scanner.codec import Bytes, window_size
from drivers.scanner.lists import CaptureKey, ImageKey, ManifestList, ResumeList
from drivers.scanner.messages import Committed, Error, Refused, SendField
from drivers.scanner.states import Held, News, after
from drivers.scanner.words import Code, Window

CHECKSUM_TRIES = 3
"""As often is an image sent whose checksum is refused: then its buffer was changed here."""


@dataclass(slots=True)
class Kept:
    """An image that may have to be sent again."""

    message: SendField
    pixels: Bytes
    id: str = ""
    """Of the message that it was last sent in."""
    checksum_refusals: int = 0

    @property
    def window_bytes(self) -> int:
        """What it takes of the window."""
        return window_size(self.message, memoryview(self.pixels).nbytes)


@dataclass(slots=True)
class Book:
    """One slide's images, captures and fields, as its driver knows them.

    Memory is bounded by the window: pixels are kept of unanswered images, and of one more.
    """

    open: dict[ImageKey, Held] = field(default_factory=dict)
    """`UNSENT` and `UNANSWERED` ones."""
    ended: dict[ImageKey, Held] = field(default_factory=dict)
    """`COMMITTED` and `REFUSED` ones."""
    kept: dict[ImageKey, Kept] = field(default_factory=dict)
    """In the order in which they came. An image in hand since before a restart of the driver is
    `UNANSWERED` and not here."""
    withdrawn: set[CaptureKey] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    refused: list[Refused] = field(default_factory=list)
    """Images that were refused for good."""

    def add(self, message: SendField, pixels: Bytes) -> ImageKey:
        """Takes an image, to be sent.

        Raises:
            Refusal: Its key is in use. One that was refused for good may come again, mended.
        """
        key = image_of(message)
        if key in self.open or self.ended.get(key, Held.REFUSED) is not Held.REFUSED:
            shown = f"{key.field}, capture {key.capture}, plane {key.plane}"
            remedy = f"Number the next capture {self.next_capture(key.field)}"
            raise Refusal(Problem("field", shown, "was given before", remedy))
        self.ended.pop(key, None)
        self.open[key] = Held.UNSENT
        self.kept[key] = Kept(message, pixels)
        return key

    def next_to_send(self, window: Window) -> Kept | None:
        """The first unsent image, if the window has room for it."""
        for key, kept in self.kept.items():
            if self.open[key] is Held.UNSENT:
                fits = len(self.unanswered) < window.fields
                fits &= self.unanswered_bytes + kept.window_bytes <= window.bytes
                return kept if fits else None
        return None

    def sent(self, kept: Kept, identity: str) -> None:
        """Takes note that an image was sent, and by which message."""
        kept.id = identity
        self.hear(image_of(kept.message), News.SENT)

    def hear(self, key: ImageKey, news: News) -> None:
        """Takes news of an image, and drops its pixels when it is answered."""
        was = self.open.pop(key) if key in self.open else self.ended.pop(key, Held.UNANSWERED)
        held = after(was, news)
        if held in (Held.COMMITTED, Held.REFUSED):
            self.ended[key] = held
            self.kept.pop(key, None)
        elif held is Held.UNANSWERED or key in self.kept:
            self.open[key] = held
        # Else it was lost with the daemon, after this driver had lost its pixels.

    def answered(self, answer: Committed | Refused) -> bool:
        """Takes an answer about an image; whether it was one, and ended its waiting."""
        key = key_of(answer)
        if key is None:
            return False
        if isinstance(answer, Committed):
            news = News.COMMITTED
        elif answer.retry and self._may_be_sent_again(key, answer):
            news = News.REFUSED_RETRY
        else:
            news = News.REFUSED_FINAL
        was_open = key in self.open
        self.hear(key, news)
        ended = was_open and key not in self.open
        if ended and isinstance(answer, Refused):
            self.refused.append(answer)
        return ended

    def refused_by(self, error: Error) -> Refused | None:
        """An `error` that answers an image of this book, as its refusal."""
        for key, kept in self.kept.items():
            if kept.id == error.re:
                said = error.model_dump(exclude={"type", "message"})
                return Refused(slide=kept.message.slide, **said, **key.model_dump())
        return None

    def _may_be_sent_again(self, key: ImageKey, answer: Refused) -> bool:
        kept = self.kept.get(key)
        if kept is None:
            return False
        kept.checksum_refusals += answer.code is Code.CHECKSUM
        return kept.checksum_refusals < CHECKSUM_TRIES

    def resume(self, seen: ResumeList) -> int:
        """Takes what the daemon says it has: what is unanswered and not in it is sent again.

        Gives how many images this answered.
        """
        before = set(self.open)
        committed, in_hand = set(seen.committed), set(seen.in_hand)
        for key in list(self.open):
            if key not in committed and key not in in_hand:
                self.hear(key, News.RESUME_SILENT)
        for key in seen.committed:
            self.hear(key, News.RESUME_COMMITTED)
        for key in seen.in_hand:
            self.hear(key, News.RESUME_IN_HAND)
        self.withdrawn.update(seen.withdrawn)
        self.skipped.update(seen.skipped)
        return len(before & self.ended.keys())

    def manifest(self) -> ManifestList:
        """What `close_slide` says: all that is committed, withdrawn and skipped."""
        return ManifestList(
            committed=sorted(
                (key for key, held in self.ended.items() if held is Held.COMMITTED),
                key=lambda key: (key.field, key.capture, key.plane),
            ),
            withdrawn=sorted(self.withdrawn, key=lambda key: (key.field, key.capture)),
            skipped=sorted(self.skipped),
        )

    @property
    def unanswered(self) -> list[ImageKey]:
        """Images that were sent and not answered."""
        return [key for key, held in self.open.items() if held is Held.UNANSWERED]

    @property
    def unanswered_bytes(self) -> int:
        """What they take of the window."""
        return sum(self.kept[key].window_bytes for key in self.unanswered if key in self.kept)

    def next_capture(self, number: int) -> int:
        """The number of a field's next capture: above all that were ever seen."""
        images = [key.capture for key in (*self.open, *self.ended) if key.field == number]
        withdrawn = [key.capture for key in self.withdrawn if key.field == number]
        return max(images + withdrawn, default=0) + 1


def image_of(message: SendField) -> ImageKey:
    """The image that a message sends."""
    return ImageKey(field=message.field, capture=message.capture, plane=message.plane)


def key_of(about: Committed | Refused) -> ImageKey | None:
    """The image that a message is about, if it is about one."""
    if about.field is None or about.capture is None or about.plane is None:
        return None
    return ImageKey(field=about.field, capture=about.capture, plane=about.plane)
