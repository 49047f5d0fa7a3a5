"""The signature line, against keys that openssl made and against everything that may be done to a signed file."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from fsmount.errors import Permanent
from fsmount.signature import private_key, public_key, public_of, read_private, sign, split, verify

CONTENT = b"version: 1\nmounts: []\n"
SEED = bytes(range(32))
KEY = public_of(SEED)
SIGNED = sign(CONTENT, SEED)
LINE = SIGNED[len(CONTENT) :]
PKCS8 = bytes.fromhex("302e020100300506032b657004220420")


def pem(kind: str, content: bytes) -> str:
    return f"-----BEGIN {kind}-----\n{base64.b64encode(content).decode()}\n-----END {kind}-----\n"


def code_of(content: bytes, key: str = KEY) -> str:
    with pytest.raises(Permanent) as caught:
        verify(content, key)
    return caught.value.problem.code


def observed(text: str) -> str:
    with pytest.raises(Permanent) as caught:
        private_key(text)
    assert caught.value.problem.code == "key-invalid"
    return caught.value.problem.observed


def test_what_was_signed_is_verified_and_is_one_more_line() -> None:
    verify(SIGNED, KEY)
    assert SIGNED.startswith(CONTENT + b"# fsmount-signature: ed25519 ")
    assert SIGNED.count(b"\n") == 3
    assert split(SIGNED) == (CONTENT, LINE)
    assert split(CONTENT) == (CONTENT, None)


def test_the_vector_of_the_standard() -> None:
    """RFC 8032, 7.1, test 3: the public key that goes with the secret one."""
    secret = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    assert public_of(secret) == base64.b64encode(public).decode()


def test_signing_again_replaces_the_line_wherever_it_stands() -> None:
    assert sign(SIGNED, SEED) == SIGNED
    edited = SIGNED + b"# more\n"
    again = sign(edited, SEED)
    assert again.count(b"fsmount-signature") == 1
    assert split(again)[0] == CONTENT + b"# more\n"


def test_a_file_without_a_last_line_end_gets_one() -> None:
    signed = sign(CONTENT.rstrip(), SEED)
    verify(signed, KEY)
    assert split(signed)[0] == CONTENT


def test_the_line_may_lack_its_own_line_end() -> None:
    verify(SIGNED.rstrip(), KEY)


@pytest.mark.parametrize("place", range(len(SIGNED.rstrip())))
def test_no_byte_can_be_changed(place: int) -> None:
    changed = bytearray(SIGNED)
    changed[place] ^= 1
    assert code_of(bytes(changed)) in ("config-signature-wrong", "config-unsigned")


@pytest.mark.parametrize(
    ("content", "code"),
    {
        "empty": (b"", "config-unsigned"),
        "line-ends only": (b"\n\n", "config-unsigned"),
        "unsigned": (CONTENT, "config-unsigned"),
        "something after it": (SIGNED + b"x: 1\n", "config-unsigned"),
        "a comment after it": (SIGNED + b"#\n", "config-unsigned"),
        "blank after it": (SIGNED.rstrip() + b" \n", "config-signature-wrong"),
        "empty line after it": (SIGNED + b"\n", "config-signature-wrong"),
        "CR": (SIGNED.rstrip() + b"\r\n", "config-signature-wrong"),
        "indented": (CONTENT + b" " + LINE, "config-unsigned"),
        "not at the start of its line": (CONTENT.rstrip() + LINE, "config-unsigned"),
        "body cut": (SIGNED[5:], "config-signature-wrong"),
        "line before it": (b"#\n" + SIGNED, "config-signature-wrong"),
        "twice": (SIGNED + LINE, "config-signature-wrong"),
        "another algorithm": (SIGNED.replace(b"ed25519", b"rsa4096"), "config-signature-wrong"),
        "no base64": (CONTENT + b"# fsmount-signature: ed25519\n", "config-signature-wrong"),
        "short": (CONTENT + b"# fsmount-signature: ed25519 AAAA\n", "config-signature-wrong"),
        "line only": (LINE, "config-signature-wrong"),
    }.values(),
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_is_not_exactly_signed_is_refused(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_base64_that_says_the_same_in_another_way_is_refused() -> None:
    """The last digit before == has four bits to spare: the digest of a generation must not depend on them."""
    text = LINE.decode().rstrip()
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = text[:-3] + digits[digits.index(text[-3]) ^ 1] + "=="
    assert base64.b64decode(other[-88:]) == base64.b64decode(text[-88:])
    assert code_of(CONTENT + other.encode()) == "config-signature-wrong"


def test_something_after_the_line_is_named() -> None:
    with pytest.raises(Permanent, match="only line 3 is: something follows it"):
        verify(SIGNED + b"x: 1\n", KEY)


def test_another_key_and_a_key_of_no_use() -> None:
    assert code_of(SIGNED, public_of(bytes(32))) == "config-signature-wrong"
    for key in ("", "x", KEY[:-4], KEY + "\n", base64.b64encode(bytes(33)).decode(), KEY.replace("=", "")):
        assert code_of(SIGNED, key) == "key-invalid"


def test_a_public_key_of_small_order_verifies_nothing() -> None:
    """With such a key anybody's signature of anything would be valid."""
    for point in (bytes(32), b"\x01" + bytes(31)):
        line = b"# fsmount-signature: ed25519 " + base64.b64encode(point + bytes(32))
        assert code_of(CONTENT + line, base64.b64encode(point).decode()) == "config-signature-wrong"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no private key in PEM"),
        (base64.b64encode(SEED).decode(), "no private key in PEM"),
        (pem("PRIVATE KEY", PKCS8 + SEED).replace("END", "END "), "no private key in PEM"),
        (pem("PRIVATE KEY", PKCS8 + SEED) * 2, "no private key in PEM"),
        (pem("OPENSSH PRIVATE KEY", SEED), "this is a openssh private key"),
        (pem("PUBLIC KEY", SEED), "this is a public key"),
        (pem("PRIVATE KEY", PKCS8 + SEED[1:]), "of another kind than Ed25519"),
        (pem("PRIVATE KEY", PKCS8 + SEED + b"\0"), "of another kind than Ed25519"),
        (pem("PRIVATE KEY", PKCS8.replace(b"\x70", b"\x71") + SEED), "of another kind than Ed25519"),
        (pem("PRIVATE KEY", PKCS8 + SEED).replace("MC4", "MC="), "the base64 in the PEM block is damaged"),
    ],
    ids=["empty", "bare", "torn", "two", "openssh", "public", "short", "long", "x448", "damaged"],
)
def test_other_private_keys_are_refused_by_what_they_are(text: str, says: str) -> None:
    assert says in observed(text)


def test_a_good_private_key_is_its_32_bytes() -> None:
    assert private_key(pem("PRIVATE KEY", PKCS8 + SEED)) == SEED


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_private_key_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(pem("PRIVATE KEY", PKCS8 + SEED))
    key.chmod(mode)
    with pytest.raises(Permanent, match=f"can be read by others .mode 0{mode:o}.*chmod 600 {key}"):
        read_private(str(key))
    key.chmod(0o600)
    assert read_private(str(key)) == SEED


def test_a_private_key_may_come_through_a_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, pem("PRIVATE KEY", PKCS8 + SEED).encode())
    os.close(writing)
    try:
        assert read_private(f"/proc/self/fd/{reading}") == SEED
    finally:
        os.close(reading)


@pytest.mark.parametrize("text", [pem("PRIVATE KEY", PKCS8 + SEED), pem("PUBLIC KEY", SEED), "ssh-ed25519 AAAA"])
def test_what_is_no_public_key_is_refused_as_one(text: str) -> None:
    with pytest.raises(Permanent) as caught:
        public_key(text)
    assert caught.value.problem.code == "key-invalid"
    assert base64.b64encode(SEED).decode()[:20] not in caught.value.problem.observed, "a private key stays private"
