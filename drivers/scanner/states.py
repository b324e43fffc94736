"""Both sides of the protocol, as tables: what is answered, in which state, to what.

No socket, no clock, no journal: daemon, SDK, conformance kit and `docs/protocol.md` use these
tables. Each side asks its table before it acts, and acts in the same step.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from drivers.scanner.messages import AbortSlide, CloseSlide, InSession, OpenSlide
from drivers.scanner.words import Code


class SlideState(Enum):
    """A slide, as the daemon knows it."""

    UNKNOWN = "unknown"
    OPEN = "open"
    CLOSING = "closing"
    """`close_slide` came; what is in hand is being finished."""
    CLOSED = "closed"
    ABORTED = "aborted"


class CaptureState(Enum):
    """An image, as the daemon knows it; withdrawn where its capture is."""

    UNSEEN = "unseen"
    IN_HAND = "in hand"
    COMMITTED = "committed"
    WITHDRAWN = "withdrawn"


class RequestState(Enum):
    """A request of the daemon's, as the daemon knows it when an answer to it comes."""

    UNKNOWN = "unknown"
    """It was never made."""
    OPEN = "open"
    """Not answered, or accepted."""
    SAID_SO = "answered so"
    """It was answered with the same word before."""
    ENDED = "ended"
    """Done, refused, or not done in time."""


class SessionState(Enum):
    """A message's session, as the daemon knows it."""

    NONE = "none"
    LIVE = "live"
    REPLACED = "replaced"
    """Its driver has said `hello` again since."""


class Step(Enum):
    """What the daemon does with a message that it does not refuse."""

    DO = "do"
    """It came for the first time."""
    AGAIN = "again"
    """It is done already: answer as the first time, with `again` where the answer has it."""
    WAIT = "wait"
    """It is being done: the answer comes when it is done, to the session that asked last."""
    LATE = "late"
    """It comes too late: that is told, counted, and nothing else."""


Reply: TypeAlias = Step | Code

_U, _O, _G, _C, _A = SlideState
_UNSEEN, _IN_HAND, _COMMITTED, _WITHDRAWN = CaptureState

# The daemon's side --------------------------------------------------------------------------------

MESSAGE: Mapping[SessionState, Code | None] = {
    SessionState.NONE: Code.SESSION,
    SessionState.LIVE: None,
    SessionState.REPLACED: Code.SESSION,
}
"""Every message but `hello` and `ask`: the refusal, before anything else is looked at."""

OPEN: Mapping[tuple[SlideState, bool, bool], Reply] = {
    # (slide, same owner, same opening)
    **{(_U, owner, same): Step.DO for owner in (True, False) for same in (True, False)},
    **{(slide, False, same): Code.BUSY for slide in (_O, _G) for same in (True, False)},
    **{(slide, True, False): Code.CONFLICT for slide in (_O, _G)},
    **{(slide, True, True): Step.AGAIN for slide in (_O, _G)},
    **{(slide, owner, True): Step.AGAIN for slide in (_C, _A) for owner in (True, False)},
    **{(slide, owner, False): Code.CONFLICT for slide in (_C, _A) for owner in (True, False)},
}
"""`open_slide`. Nobody owns a slide whose driver said `bye` or was silent for too long: then
whoever asks is the same owner. The opening is message and plan without `id`, `session`, `ext` and
`operator`."""

FIELD: Mapping[tuple[SlideState, CaptureState, bool], Reply] = {
    # (slide, image, same identity)
    **{(_U, image, same): Code.UNKNOWN_SLIDE for image in CaptureState for same in (True, False)},
    **{(_O, _UNSEEN, same): Step.DO for same in (True, False)},
    **{(_O, _WITHDRAWN, same): Code.WITHDRAWN for same in (True, False)},
    **{(_G, _UNSEEN, same): Code.CLOSED for same in (True, False)},
    **{(_G, _WITHDRAWN, same): Code.WITHDRAWN for same in (True, False)},
    **{(slide, _IN_HAND, True): Step.WAIT for slide in (_O, _G)},
    **{(slide, _COMMITTED, True): Step.AGAIN for slide in (_O, _G)},
    **{
        (slide, image, False): Code.CONFLICT
        for slide in (_O, _G)
        for image in (_IN_HAND, _COMMITTED)
    },
    **{
        (slide, image, same): Code.CLOSED
        for slide in (_C, _A)
        for image in CaptureState
        for same in (True, False)
    },
    **{(slide, _COMMITTED, True): Step.AGAIN for slide in (_C, _A)},
    (_A, _IN_HAND, True): Step.WAIT,
}
"""`field`."""

SKIP: Mapping[tuple[SlideState, bool], Reply] = {
    # (slide, already so)
    **{(_U, already): Code.UNKNOWN_SLIDE for already in (True, False)},
    (_O, False): Step.DO,
    **{(slide, True): Step.AGAIN for slide in (_O, _G, _C, _A)},
    **{(slide, False): Code.CLOSED for slide in (_G, _C, _A)},
}
"""`skip_field`, and `withdraw`, whose capture need not have come."""

ASK: Mapping[SlideState, bool] = {_U: False, _O: True, _G: False, _C: False, _A: False}
"""Whether a `request` may be sent."""

_UNASKED, _ASKED, _SAID_SO, _ENDED = RequestState

ANSWER: Mapping[tuple[SlideState, RequestState], Reply] = {
    **{(_U, request): Code.UNKNOWN_SLIDE for request in RequestState},
    **{(slide, _UNASKED): Code.NOT_ASKED for slide in (_O, _G, _C, _A)},
    (_O, _ASKED): Step.DO,
    **{(slide, _ASKED): Step.LATE for slide in (_G, _C, _A)},
    **{(slide, _SAID_SO): Step.AGAIN for slide in (_O, _G, _C, _A)},
    **{(slide, _ENDED): Step.LATE for slide in (_O, _G, _C, _A)},
}
"""`answer`."""

CLOSE: Mapping[tuple[SlideState, bool], Reply] = {
    # (slide, same manifest)
    **{(_U, same): Code.UNKNOWN_SLIDE for same in (True, False)},
    **{(_O, same): Step.DO for same in (True, False)},
    (_G, True): Step.WAIT,
    (_G, False): Code.STATE,
    (_C, True): Step.AGAIN,
    (_C, False): Code.CLOSED,
    **{(_A, same): Code.CLOSED for same in (True, False)},
}
"""`close_slide`. When what is in hand is committed, the manifest is compared: then `CLOSED_AS`."""

CLOSED_AS: Mapping[bool, SlideState] = {True: _C, False: _O}
"""What a closing slide becomes: closed where the manifest agrees, else open, and it goes on."""

ABORT: Mapping[SlideState, Reply] = {
    _U: Code.UNKNOWN_SLIDE,
    _O: Step.DO,
    _G: Code.STATE,
    _C: Code.CLOSED,
    _A: Step.AGAIN,
}
"""`abort_slide`. What is in hand is finished before the answer, as on closing."""

AFTER: Mapping[tuple[SlideState, type[InSession]], SlideState] = {
    (_U, OpenSlide): _O,
    (_O, CloseSlide): _G,
    (_O, AbortSlide): _A,
}
"""A slide's state after a message that was done (`Step.DO`); every other leaves it as it was."""


def on_message(session: SessionState) -> Code | None:
    """Any message but `hello` and `ask`: why it has no effect, or None."""
    return MESSAGE[session]


def on_open(slide: SlideState, same_owner: bool, same_opening: bool) -> Reply:
    """`open_slide`."""
    return OPEN[slide, same_owner, same_opening]


def on_field(slide: SlideState, capture: CaptureState, same_identity: bool) -> Reply:
    """`field`; `same_identity` counts where the image is in hand or committed."""
    return FIELD[slide, capture, same_identity]


def on_skip(slide: SlideState, already: bool) -> Reply:
    """`skip_field`."""
    return SKIP[slide, already]


def on_withdraw(slide: SlideState, already: bool) -> Reply:
    """`withdraw`."""
    return SKIP[slide, already]


def may_ask(slide: SlideState) -> bool:
    """Whether a `request` may be sent."""
    return ASK[slide]


def on_answer(slide: SlideState, request: RequestState) -> Reply:
    """`answer`."""
    return ANSWER[slide, request]


def on_close(slide: SlideState, same_manifest: bool) -> Reply:
    """`close_slide`; `same_manifest` counts where one came before."""
    return CLOSE[slide, same_manifest]


def on_abort(slide: SlideState) -> Reply:
    """`abort_slide`."""
    return ABORT[slide]


# The driver's side --------------------------------------------------------------------------------


class Held(Enum):
    """An image, as its driver knows it. Only the first two keep their pixels."""

    UNSENT = "unsent"
    """To be sent as soon as the window allows it."""
    UNANSWERED = "unanswered"
    COMMITTED = "committed"
    REFUSED = "refused"
    """For ever: it will not be sent again."""


class News(Enum):
    """What a driver hears of an image."""

    SENT = "sent"
    """It sent it itself."""
    COMMITTED = "committed"
    REFUSED_RETRY = "refused, may be sent again"
    REFUSED_FINAL = "refused for good"
    RESUME_COMMITTED = "listed as committed by `slide_opened`"
    RESUME_IN_HAND = "listed as in hand by `slide_opened`"
    RESUME_SILENT = "not listed by `slide_opened`"


DRIVER: Mapping[tuple[Held, News], Held] = {
    (Held.UNSENT, News.SENT): Held.UNANSWERED,
    (Held.UNSENT, News.COMMITTED): Held.COMMITTED,
    (Held.UNSENT, News.REFUSED_RETRY): Held.UNSENT,
    (Held.UNSENT, News.REFUSED_FINAL): Held.REFUSED,
    (Held.UNSENT, News.RESUME_COMMITTED): Held.COMMITTED,
    (Held.UNSENT, News.RESUME_IN_HAND): Held.UNANSWERED,
    (Held.UNSENT, News.RESUME_SILENT): Held.UNSENT,
    (Held.UNANSWERED, News.SENT): Held.UNANSWERED,
    (Held.UNANSWERED, News.COMMITTED): Held.COMMITTED,
    (Held.UNANSWERED, News.REFUSED_RETRY): Held.UNSENT,
    (Held.UNANSWERED, News.REFUSED_FINAL): Held.REFUSED,
    (Held.UNANSWERED, News.RESUME_COMMITTED): Held.COMMITTED,
    (Held.UNANSWERED, News.RESUME_IN_HAND): Held.UNANSWERED,
    (Held.UNANSWERED, News.RESUME_SILENT): Held.UNSENT,
    **{(Held.COMMITTED, news): Held.COMMITTED for news in News},
    **{(Held.REFUSED, news): Held.REFUSED for news in News},
    # It was resent and refused while the daemon still had it in hand.
    **{(Held.REFUSED, news): Held.COMMITTED for news in (News.COMMITTED, News.RESUME_COMMITTED)},
}
"""A driver sends what is `UNSENT`, within the window, in a session whose `slide_opened` it has
seen. A broken connection, silence, or time that passes are no news: they change nothing here."""


def after(held: Held, news: News) -> Held:
    """What an image is for its driver, after some news of it."""
    return DRIVER[held, news]
