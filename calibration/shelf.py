"""Bundles on disk: signed, activated, rolled back, exported. Files are only ever added."""

import hashlib
import io
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from calibration.draft import write_whole
from drivers.problem import Problem, Refusal
from edge.daemon.calibrating import ACTIVATIONS, BUNDLES, folder, in_force_at, read
from edge.settings import Settings
from edge.slide.bundle import (
    Activation,
    Bundle,
    InForce,
    NoCalibration,
    bundle,
    following,
    sign,
)

FILES = "files"
_MOST_BYTES = 64 << 20


def now(settings: Settings) -> InForce | None:
    """What is in force.

    Raises:
        Refusal: The chain is broken.
    """
    try:
        return in_force_at(settings)
    except NoCalibration as why:
        raise _refusal(settings, why) from None


def bundles(settings: Settings) -> list[Bundle]:
    """All bundles that are proved, by version."""
    found = []
    for content in read(settings.state_dir)[0].values():
        try:
            found.append(bundle(content, settings.signers))
        except NoCalibration:
            continue
    return sorted(found, key=lambda b: b.content.version)


def signed(
    settings: Settings, body: dict[str, Any], signer: str, key: Ed25519PrivateKey, draft: Path
) -> Bundle:
    """Sign a body, and lay it down with its files.

    Raises:
        Refusal: The key is not the signer's.
    """
    content = sign(body, signer, key)
    try:
        made = bundle(content, settings.signers)
    except NoCalibration as why:
        raise _refusal(settings, why) from None
    root = folder(settings.state_dir)
    kept = root / FILES / made.sha256
    kept.mkdir(parents=True, exist_ok=True)
    for name in made.content.files:
        shutil.copyfile(draft / name, kept / name)
    (root / BUNDLES).mkdir(parents=True, exist_ok=True)
    write_whole(root / BUNDLES / f"{made.sha256}.json", content)
    return made


def act(
    settings: Settings,
    action: Literal["activate", "rollback"],
    sha256: str,
    second: tuple[str, Ed25519PrivateKey],
    at_us: int,
) -> InForce:
    """One more link of the chain.

    Raises:
        Refusal: It may not follow; nothing is written.
    """
    last, (name, key) = now(settings), second
    statement = Activation(
        action=action,
        sequence=1 if last is None else last.activation.sequence + 1,
        bundle=sha256,
        previous="" if last is None else last.head,
        at_us=at_us,
    )
    content = sign(statement.model_dump(), name, key)
    held, chain = read(settings.state_dir)
    try:
        if name not in settings.signers:
            raise NoCalibration(f"the settings' `signers` do not name {name!r}")
        if key.public_key().public_bytes_raw().hex() != settings.signers[name]:
            raise NoCalibration(f"the key is not {name}'s")
        found = following(last, statement, name, held, settings.signers)
    except NoCalibration as why:
        raise _refusal(settings, why) from None
    root = folder(settings.state_dir) / ACTIVATIONS
    root.mkdir(parents=True, exist_ok=True)
    write_whole(root / f"{len(chain) + 1:06}.json", content)
    return found


def below(settings: Settings) -> Bundle:
    """The bundle that a rollback goes to: the highest version under the one in force.

    Raises:
        Refusal: There is none.
    """
    last = now(settings)
    _, chain = read(settings.state_dir)
    lower = [
        b for b in bundles(settings) if last and b.content.version < last.bundle.content.version
    ]
    if not lower or not chain:
        what = "there is no earlier bundle"
        raise Refusal(Problem("rollback", "", what, "Calibrate, sign and activate a new one"))
    return lower[-1]


def export(settings: Settings, sha256: str) -> bytes:
    """A bundle with its files, as a zip archive; for another machine's history.

    Raises:
        Refusal: There is no such bundle.
    """
    root, packed = folder(settings.state_dir), io.BytesIO()
    path = root / BUNDLES / f"{sha256}.json"
    if not path.is_file():
        raise Refusal(Problem("bundle", sha256, "is not there", "See `cytoedge calibrate history`"))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "bundle.json")
        for file in sorted((root / FILES / sha256).glob("*")):
            archive.write(file, f"{FILES}/{file.name}")
    return packed.getvalue()


def take_in(settings: Settings, archive_bytes: bytes) -> Bundle:
    """An exported bundle. It is not in force before it is activated here.

    Raises:
        Refusal: It is no archive, not signed by a known signer, or a file in it was edited.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive_bytes)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise NoCalibration("it is larger than 64 MiB")
            content = archive.read("bundle.json")
            made = bundle(content, settings.signers)
            files = {name: archive.read(f"{FILES}/{name}") for name in made.content.files}
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise _refusal(settings, NoCalibration(f"no exported bundle: {error}")) from None
    except NoCalibration as why:
        raise _refusal(settings, why) from None
    for name, inner in files.items():
        if os.sep in name or hash_of_bytes(inner) != made.content.files[name]:
            raise _refusal(settings, NoCalibration(f"its file {name} was edited"))
    root = folder(settings.state_dir)
    kept = root / FILES / made.sha256
    for place in (kept, root / BUNDLES):
        place.mkdir(parents=True, exist_ok=True)
    for name, inner in files.items():
        write_whole(kept / name, inner)
    write_whole(root / BUNDLES / f"{made.sha256}.json", content)
    return made


def hash_of_bytes(content: bytes) -> str:
    """SHA-256."""
    return hashlib.sha256(content).hexdigest()


def new_key(path: Path) -> str:
    """A private key in a file that only its owner can read; the public key in hex.

    Raises:
        Refusal: The file is there already.
    """
    key = Ed25519PrivateKey.generate()
    encoded = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(encoded)
    except OSError as error:
        raise Refusal(Problem("out", str(path), str(error), "Name a new file")) from None
    return key.public_key().public_bytes_raw().hex()


def key_of(path: Path) -> Ed25519PrivateKey:
    """A private key from its file.

    Raises:
        Refusal: There is none.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        what, remedy = f"no private key: {error}", "Make one: `cytoedge calibrate key`"
        raise Refusal(Problem("key", str(path), what, remedy)) from None
    if not isinstance(key, Ed25519PrivateKey):
        what, remedy = "not an Ed25519 key", "Make one: `cytoedge calibrate key`"
        raise Refusal(Problem("key", str(path), what, remedy))
    return key


def _refusal(settings: Settings, why: NoCalibration) -> Refusal:
    where = str(folder(settings.state_dir))
    remedy = "See `cytoedge calibrate history` and docs/calibrating.md"
    return Refusal(Problem("calibration", where, str(why), remedy))
