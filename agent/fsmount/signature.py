"""The signature of a configuration: Ed25519, as the file's last line, over every byte before that line.

    # fsmount-signature: ed25519 BASE64

To YAML it is a comment, and it comes with the file from every origin in one piece. There is one way to write it: exactly
these blanks, canonical base64, at most one line end after it and nothing else. PyNaCl does the mathematics; it is
imported in functions only, since the daemon's process needs none of it.
"""

import base64
import os
import re
import stat
from typing import Optional

from .errors import Permanent

_MARK = b"# fsmount-signature:"
_LINE = re.compile(rb"# fsmount-signature: ed25519 ([A-Za-z0-9+/]{86}==)\n?")
_OLD = re.compile(rb"^# fsmount-signature:[^\n]*\n?", re.MULTILINE)
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\r\n]*)-----END \1-----")
# RFC 8410: what precedes the key's 32 bytes in PKCS#8 and in SubjectPublicKeyInfo; neither has room for anything else.
_PRIVATE = bytes.fromhex("302e020100300506032b657004220420")
_PUBLIC = bytes.fromhex("302a300506032b6570032100")
_KEY_BYTES = 32
_FILE_LIMIT = 8192


def split(content: bytes) -> "tuple[bytes, Optional[bytes]]":
    """The bytes before the signature line, and that line as it stands (None where the last line is none)."""
    start = content.rstrip(b"\n").rfind(b"\n") + 1
    return (content[:start], content[start:]) if content.startswith(_MARK, start) else (content, None)


def verify(content: bytes, public_key: str) -> None:
    """Raises Permanent: config-unsigned, config-signature-wrong or key-invalid. `public_key`: base64 of its 32 bytes."""
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey

    key = VerifyKey(_decoded(public_key))
    body, line = split(content)
    if line is None:
        raise Permanent("config-unsigned", f"the last line is no signature{_earlier(content)}")
    found = _LINE.fullmatch(line)
    if found is None or base64.b64encode(base64.b64decode(found[1])) != found[1]:
        raise Permanent("config-signature-wrong", "the signature line is not of the form that `fsmount push --sign` writes")
    try:
        key.verify(body, base64.b64decode(found[1]))
    except BadSignatureError:
        observed = f"the signature is not one of these bytes by the key {public_key}"
        raise Permanent("config-signature-wrong", observed) from None


def _earlier(content: bytes) -> str:
    found = _OLD.search(content)
    if found is None:
        return ""
    line = content.count(b"\n", 0, found.start()) + 1
    return f", only line {line} is: something follows it"


def sign(content: bytes, private_key: bytes) -> bytes:
    """`content` with its signature line; older ones are gone, wherever they stand. `private_key`: 32 bytes."""
    from nacl.signing import SigningKey

    body = _OLD.sub(b"", content)
    if not body.endswith(b"\n"):
        body += b"\n"
    return body + _MARK + b" ed25519 " + base64.b64encode(SigningKey(private_key).sign(body).signature) + b"\n"


def public_of(private_key: bytes) -> str:
    """The public key that goes with it, in base64."""
    from nacl.signing import SigningKey

    return base64.b64encode(SigningKey(private_key).verify_key.encode()).decode()


def public_key(text: str) -> str:
    """A public key in PEM, or in base64 already -> base64 of its 32 bytes. Raises Permanent("key-invalid")."""
    found = _PEM.fullmatch(text.strip())
    if found is None:
        _decoded(text.strip())
        return text.strip()
    if found[1] != "PUBLIC KEY":
        raise _invalid(f"this is a {found[1].lower()}, and a public key is wanted: openssl pkey -in KEY -pubout")
    return base64.b64encode(_content(found[2], _PUBLIC, "a public key")).decode()


def read_public(given: str) -> str:
    """A file's name, or the key itself, in PEM or base64 -> base64. Raises Permanent("key-invalid"), which does not show it."""
    try:
        with open(given, encoding="ascii", errors="replace") as file:
            text = file.read(_FILE_LIMIT)
    except FileNotFoundError:
        if "-----BEGIN" in given or re.fullmatch("[A-Za-z0-9+/=]{40,}", given):
            return public_key(given)
        raise _invalid(f"there is no file {given}") from None
    except (OSError, ValueError) as error:
        raise _invalid(f"{given}: {error.strerror if isinstance(error, OSError) else 'no file name'}") from None
    try:
        return public_key(text)
    except Permanent as error:
        raise _invalid(f"{given}: {error.problem.observed}") from None


def read_private(path: str) -> bytes:
    """The 32 bytes of a private key in a file that nobody else can read. Raises Permanent("key-invalid"), OSError."""
    with open(path, "rb") as file:
        facts = os.fstat(file.fileno())
        if not (stat.S_ISREG(facts.st_mode) or stat.S_ISFIFO(facts.st_mode)):
            raise _invalid(f"{path} is not a file")
        text = file.read(_FILE_LIMIT).decode("ascii", "replace")
    try:
        key = private_key(text)
    except Permanent as error:
        raise _invalid(f"{path}: {error.problem.observed}") from None
    if facts.st_mode & 0o077:
        mode = f"{stat.S_IMODE(facts.st_mode):04o}"
        raise _invalid(f"{path} can be read by others (mode {mode}), so the key may be known: chmod 600 {path}")
    if facts.st_uid not in (0, os.geteuid()):
        raise _invalid(f"{path} belongs to user {facts.st_uid}: whoever owns the file knows the key")
    return key


def private_key(text: str) -> bytes:
    """PEM as `openssl genpkey -algorithm ed25519` writes it -> the key's 32 bytes."""
    if "ENCRYPTED" in text:
        raise _invalid("the key is encrypted; take the passphrase off first: openssl pkey -in KEY -out PLAIN")
    found = _PEM.fullmatch(text.strip())
    if found is None:
        raise _invalid("this is no private key in PEM; `openssl genpkey -algorithm ed25519 -out KEY` makes one")
    if found[1] != "PRIVATE KEY":
        raise _invalid(f"this is a {found[1].lower()}; wanted is what `openssl genpkey -algorithm ed25519` writes")
    return _content(found[2], _PRIVATE, "a private key")


def _content(encoded: str, prefix: bytes, what: str) -> bytes:
    """The key in a PEM block of exactly `prefix` and 32 bytes."""
    try:
        der = base64.b64decode("".join(encoded.split()), validate=True)
    except ValueError:
        raise _invalid("the base64 in the PEM block is damaged") from None
    if len(der) != len(prefix) + _KEY_BYTES or not der.startswith(prefix):
        raise _invalid(f"it holds {what} of another kind than Ed25519; `openssl genpkey -algorithm ed25519` makes the right one")
    return der[len(prefix) :]


def _decoded(public: str) -> bytes:
    try:
        key = base64.b64decode(public, validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES or base64.b64encode(key).decode() != public:
        # What was given is not shown: it may be half a private key.
        raise _invalid("this is no public key: wanted is base64 of the 32 bytes of an Ed25519 key, or PEM")
    return key


def _invalid(observed: str) -> Permanent:
    return Permanent("key-invalid", observed)
