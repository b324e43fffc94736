"""Images: taken in hand, refused, committed."""

from collections.abc import Iterator

from drivers.problem import Problem
from drivers.scanner import codec, states
from drivers.scanner.messages import Committed, SendField
from drivers.scanner.words import Code
from edge.intake.book import Book, Held, Outcome, Waiting
from edge.intake.desk import Desk
from edge.intake.effects import Effect, Judge, LetGo, Reply
from edge.intake.refusals import problem
from edge.intake.sessions import Session
from edge.intake.slides import finish
from edge.slide.capture import Capture, Pixels
from edge.slide.place import Rectangle
from edge.slide.record import Image


def on_field(desk: Desk, session: Session, message: SendField, pixels: Pixels) -> Iterator[Effect]:
    """An image came."""
    book = desk.book(message.slide)
    if book is None:
        yield desk.refuse_slide(session, message, Code.UNKNOWN_SLIDE, message.slide)
        return
    image = Image(message.field, message.capture, message.plane)
    identity = codec.identity(message, book.optics)
    held = book.images.get(image)
    step = states.on_field(
        book.state, book.capture_state(image), held is not None and held.identity == identity
    )
    if isinstance(step, Code):
        yield desk.refuse(session, message, step, problem(step, "field", str(image)))
    elif held is None:
        yield from _take(desk, session, message, book, image, identity, pixels)
    elif held.outcome is None:
        held.waiting = Waiting(session.id, message.id)
    else:
        answer = _committed(desk, message.id, book.slide, image, held.outcome, again=True)
        yield Reply(session.peer, answer)


def committed(desk: Desk, slide: str, image: Image, outcome: Outcome) -> Iterator[Effect]:
    """An image's record is on the disk."""
    book = desk.books[slide]
    held = book.images[image]
    waiting, held.waiting = held.waiting, None
    held.message, held.outcome = None, outcome
    yield _let_go(desk, slide, image, held)
    if waiting is not None:
        message = _committed(desk, waiting.re, slide, image, outcome, again=False)
        yield from desk.answer(waiting, message)
    yield from finish(desk, book)


def damaged(desk: Desk, slide: str, image: Image, code: Code, why: Problem) -> Iterator[Effect]:
    """An image's pixels are not what its header says: refused, and forgotten."""
    book = desk.books[slide]
    held = book.images.pop(image)
    yield _let_go(desk, slide, image, held)
    if held.waiting is not None and held.message is not None:
        last = held.message.model_copy(update={"id": held.waiting.re})
        yield from desk.answer(held.waiting, codec.refusal_of(last, code, why, desk.window()))
    yield from finish(desk, book)


def _take(
    desk: Desk,
    session: Session,
    message: SendField,
    book: Book,
    image: Image,
    identity: str,
    pixels: Pixels,
) -> Iterator[Effect]:
    size = codec.window_size(message, memoryview(pixels).nbytes)
    driver = session.driver
    wrong = _wrong(desk, driver, book, image, message, memoryview(pixels).nbytes, size)
    if wrong is not None:
        yield desk.refuse(session, message, *wrong)
        return
    waiting = Waiting(session.id, message.id)
    book.images[image] = Held(identity, size, message, waiting=waiting, driver=driver)
    desk.in_hand += 1
    desk.in_hand_bytes += size
    desk.in_hand_of[driver] += 1
    desk.bytes_of[driver] += size
    nm = book.optics.pm_per_px
    yield Judge(
        Capture(
            slide=book.slide,
            image=image,
            place=Rectangle(
                message.x_nm,
                message.y_nm,
                message.width_px * nm // 1000,
                message.height_px * nm // 1000,
            ),
            z_nm=message.z_nm,
            width_px=message.width_px,
            height_px=message.height_px,
            format=message.format.value,
            stride=message.stride,
            checksum=message.checksum,
            identity=identity,
            pm_per_px=nm,
            pixels=pixels,
        )
    )


def _wrong(
    desk: Desk,
    driver: str,
    book: Book,
    image: Image,
    message: SendField,
    nbytes: int,
    size: int,
) -> tuple[Code, Problem] | None:
    """Why a new image cannot be taken."""
    if not book.plans(image):
        return Code.NOT_PLANNED, problem(Code.NOT_PLANNED, "field", str(image))
    format_problem = codec.check_pixels(message, nbytes)
    if format_problem is not None:
        return Code.FORMAT, format_problem
    if size > desk.limit.bytes:
        what = f"the daemon takes at most {desk.limit.bytes} bytes a field"
        return Code.FORMAT, Problem("width_px", f"{size} bytes", what, "Send smaller fields")
    if (not_ready := desk.readiness.problem()) is not None:
        return not_ready
    if desk.in_hand >= desk.limit.fields or desk.in_hand_bytes + size > desk.limit.bytes:
        return Code.WINDOW, problem(Code.WINDOW, "window", f"{desk.in_hand} fields in hand")
    # Its share, where it has any in hand: one image larger than a share is taken alone.
    share, own = desk.window(), desk.in_hand_of[driver]
    if own and (own >= share.fields or desk.bytes_of[driver] + size > share.bytes):
        return Code.WINDOW, problem(Code.WINDOW, "window", f"{own} fields in hand of {driver}")
    return None


def _let_go(desk: Desk, slide: str, image: Image, held: Held) -> LetGo:
    desk.in_hand -= 1
    desk.in_hand_bytes -= held.size
    desk.in_hand_of[held.driver] -= 1
    desk.bytes_of[held.driver] -= held.size
    return LetGo(slide, image)


def _committed(
    desk: Desk, re: str, slide: str, image: Image, outcome: Outcome, *, again: bool
) -> Committed:
    return Committed(
        re=re,
        slide=slide,
        field=image.field,
        capture=image.capture,
        plane=image.plane,
        disposition=outcome.disposition,
        reasons=list(outcome.reasons),
        quality=dict(outcome.quality),
        again=again,
        window=desk.window(),
    )
