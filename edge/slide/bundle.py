"""A signed calibration: what was measured, by whom, for which camera and objective, until when.

A bundle is signed by the technician who measured. It counts once a second person has signed its
activation. Activations form a chain, each naming the one before; the last one is in force. Pure:
the files' bytes come in.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.slide.canonical import canonical

DAY_US = 86_400_000_000
WARN_DAYS = (30, 7, 1)
MOST_OFF_PERCENT = 5
"""A nominal scale further from the measured one is another objective's."""


class NoCalibration(Exception):
    """Why there is no calibration that counts. Says what to do."""


class NotYetSigned(BaseModel):
    """A bundle's content. Whole numbers only, so that its bytes are one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    camera_serial: str = Field(min_length=1)
    objective: str = Field(min_length=1)
    """The objective's name and serial number, as the driver declares it."""
    pm_per_px: int = Field(ge=1)
    registration_nm: int = Field(ge=0)
    made_at_us: int
    valid_until_us: int
    operator: str
    software: str
    targets: tuple[dict[str, str], ...]
    """Each target with its certificate and whom it is traceable to."""
    steps: dict[str, list[dict[str, Any]]]
    """Each step's figures, as text with their units, limits and whether they pass."""
    files: dict[str, str]
    """SHA-256 of plots and correction maps, by name."""


class Signed(BaseModel):
    """Content and who signed it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body: dict[str, Any]
    signer: str
    signature: str


class Activation(BaseModel):
    """A statement that a bundle is in force from now on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["activate", "rollback"]
    sequence: int
    bundle: str
    """SHA-256 of the bundle's content."""
    previous: str
    """SHA-256 of the statement before; empty for the first."""
    at_us: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose signature is proved."""

    content: NotYetSigned
    sha256: str
    signer: str

    @property
    def identity(self) -> str:
        """As verdicts name it."""
        return f"bundle {self.content.version} ({self.sha256[:12]}) signed by {self.signer}"


@dataclass(frozen=True, slots=True)
class InForce:
    """The bundle that the last activation names."""

    bundle: Bundle
    activation: Activation
    activated_by: str
    highest: int
    """The highest version ever activated: the next one must be above."""
    head: str
    """SHA-256 of the last statement."""


def sign(body: Mapping[str, Any], signer: str, key: Ed25519PrivateKey) -> bytes:
    """A signed file's bytes."""
    content = {"body": body, "signer": signer, "signature": key.sign(canonical(body)).hex()}
    return canonical(content)


def hash_of(body: Mapping[str, Any]) -> str:
    """SHA-256 of a body's one form."""
    return hashlib.sha256(canonical(body)).hexdigest()


def proved(content: bytes, signers: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """A signed file's body and signer.

    Args:
        content: The file.
        signers: Ed25519 public keys in hex, by name: the settings'.

    Raises:
        NoCalibration: It is no signed file, its signer is unknown, or it was edited.
    """
    try:
        signed = Signed.model_validate_json(content)
        body_bytes, signature = canonical(signed.body), bytes.fromhex(signed.signature)
    except (ValidationError, ValueError) as error:
        raise NoCalibration(f"not a signed file: {str(error).splitlines()[0]}") from None
    if canonical(signed.model_dump()) != content:
        raise NoCalibration("was edited: it is not written as it was signed; import the original")
    if signed.signer not in signers:
        raise NoCalibration(
            f"signed by {signed.signer!r}, whom the settings' `signers` do not name"
        )
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signers[signed.signer]))
        key.verify(signature, body_bytes)
    except (InvalidSignature, ValueError):
        what = f"was edited, or is not signed by {signed.signer}: import the original"
        raise NoCalibration(what) from None
    return signed.body, signed.signer


def bundle(content: bytes, signers: Mapping[str, str]) -> Bundle:
    """A bundle from its file.

    Raises:
        NoCalibration: It is not proved, or not a bundle.
    """
    body, signer = proved(content, signers)
    try:
        return Bundle(NotYetSigned.model_validate(body), hash_of(body), signer)
    except ValidationError as error:
        raise NoCalibration(f"not a bundle: {str(error).splitlines()[1]}") from None


def in_force(
    bundles: Mapping[str, bytes], activations: Sequence[bytes], signers: Mapping[str, str]
) -> InForce | None:
    """What the chain of activations says; None where it is empty.

    Args:
        bundles: Files, by the SHA-256 that they are stored under.
        activations: Files in their order.
        signers: Public keys by name.

    Raises:
        NoCalibration: Any link is edited, missing, foreign, not by a second person, or not above.
    """
    found: InForce | None = None
    for place, content in enumerate(activations, start=1):
        body, second = proved(content, signers)
        try:
            statement = Activation.model_validate(body)
        except ValidationError:
            raise NoCalibration(f"activation {place} is none") from None
        found = following(found, statement, second, bundles, signers)
    return found


def following(
    last: InForce | None,
    statement: Activation,
    second: str,
    bundles: Mapping[str, bytes],
    signers: Mapping[str, str],
) -> InForce:
    """What is in force after one more statement.

    Raises:
        NoCalibration: The statement may not follow.
    """
    sequence, head = (last.activation.sequence, last.head) if last else (0, "")
    if statement.sequence != sequence + 1 or statement.previous != head:
        raise NoCalibration(
            f"activation {statement.sequence} does not follow {sequence}: files are missing"
        )
    if statement.bundle not in bundles:
        raise NoCalibration(f"the bundle {statement.bundle[:12]} is not there: import it")
    named = bundle(bundles[statement.bundle], signers)
    if named.sha256 != statement.bundle:
        raise NoCalibration(
            f"the bundle {statement.bundle[:12]} was exchanged: import the original"
        )
    if signers[second] == signers[named.signer]:
        raise NoCalibration(f"{second} signed the bundle: another person must activate it")
    highest, version = (last.highest if last else 0), named.content.version
    if statement.action == "activate" and version <= highest:
        raise NoCalibration(
            f"version {version} is not above {highest}: make a new one, or roll back"
        )
    if statement.action == "rollback" and not (last and version < last.bundle.content.version):
        raise NoCalibration(f"version {version} is not below the one in force")
    return InForce(named, statement, second, max(highest, version), hash_of(statement.model_dump()))


def against(
    found: Bundle, camera_serial: str, objective: str, pm_per_px: int, now_us: int
) -> tuple[Literal["fits", "foreign", "expired"], str]:
    """Whether a bundle is this scanner's and still valid, and why not.

    Args:
        found: The bundle in force.
        camera_serial: The driver's.
        objective: The driver's.
        pm_per_px: The driver's nominal one; far from the measured one it is another objective's.
        now_us: The time.
    """
    own = found.content
    for name, theirs, ours in (
        ("camera", camera_serial, own.camera_serial),
        ("objective", objective, own.objective),
    ):
        if theirs != ours:
            return "foreign", f"{found.identity} is for {name} {ours!r}, not {theirs!r}"
    if 100 * abs(pm_per_px - own.pm_per_px) > MOST_OFF_PERCENT * own.pm_per_px:
        what = f"the driver declares {pm_per_px} pm/px, {found.identity} measured {own.pm_per_px}"
        return "foreign", what
    if not own.made_at_us <= now_us < own.valid_until_us:
        days = abs(now_us - own.valid_until_us) // DAY_US
        return "expired", f"{found.identity} ended {days} days ago, or the clock is wrong"
    return "fits", ""


def days_left(found: Bundle, now_us: int) -> int | None:
    """The warning that is due: 30, 7 or 1 days; None where there is more time."""
    left = (found.content.valid_until_us - now_us) / DAY_US
    due = [days for days in WARN_DAYS if left <= days]
    return min(due) if due else None


def readable(content: bytes) -> dict[str, Any]:
    """A file's body without any proof: to show, never to use."""
    found: dict[str, Any] = json.loads(content)["body"]
    return found
