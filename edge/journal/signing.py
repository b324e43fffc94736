"""The device's key, by which it signs the chain (Ed25519, RFC 8032)."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.journal.durable import StoreFault, write_file

FILE = "signing.key"
"""In the state folder: 32 bytes that only the service's account reads. No backup holds it."""


class Signer:
    """Signs; whoever knows `public` can check."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw().hex()
        """64 hex digits."""

    def sign(self, content: str) -> str:
        """A signature, 128 hex digits."""
        return self._key.sign(content.encode()).hex()


def device(state_dir: Path) -> Signer:
    """The device's signer; made when it first starts.

    Raises:
        StoreFault: The key cannot be read or written.
    """
    path = state_dir / FILE
    if not path.exists():
        write_file(path, Ed25519PrivateKey.generate().private_bytes_raw(), 0o600)
    signer = known(state_dir)
    assert signer is not None  # noqa: S101  # it was just written
    return signer


def known(state_dir: Path) -> Signer | None:
    """The device's signer, where this account may read its key.

    Raises:
        StoreFault: The file holds no key.
    """
    path = state_dir / FILE
    try:
        return Signer(Ed25519PrivateKey.from_private_bytes(path.read_bytes()))
    except (FileNotFoundError, PermissionError):
        return None
    except (OSError, ValueError) as error:
        raise StoreFault(f"{path}: {error}") from error


def is_signed(content: str, signature: str, public: str) -> bool:
    """Whether a signature is of this content, by this public key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), content.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
