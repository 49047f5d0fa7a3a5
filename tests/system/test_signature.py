"""Keys and signatures, as the openssl program makes and checks them."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from fsmount.errors import Permanent
from fsmount.signature import public_key, public_of, read_private, sign, verify

CONTENT = b"version: 1\nmounts: []\n"


def test_keys_as_openssl_writes_them(tmp_path: Path) -> None:
    key, public, signature = tmp_path / "key", tmp_path / "public", tmp_path / "signature"
    for command in (
        ["genpkey", "-algorithm", "ed25519", "-out", str(key)],
        ["pkey", "-in", str(key), "-pubout", "-out", str(public)],
    ):
        subprocess.run(["openssl", *command], check=True, timeout=20, capture_output=True)
    key.chmod(0o600)
    seed = read_private(str(key))
    assert public_key(public.read_text()) == public_of(seed)
    assert public_key(public_of(seed) + "\n") == public_of(seed)
    signed = sign(CONTENT, seed)
    verify(signed, public_of(seed))
    (tmp_path / "body").write_bytes(CONTENT)
    signature.write_bytes(base64.b64decode(signed.split()[-1]))
    checked = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin", "-in", str(tmp_path / "body")]
    subprocess.run([*checked, "-sigfile", str(signature)], check=True, timeout=20, capture_output=True)


def test_an_encrypted_key_is_refused_with_what_to_do(tmp_path: Path) -> None:
    key = tmp_path / "key"
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret", "-out", str(key)]
    subprocess.run(command, check=True, timeout=20, capture_output=True)
    key.chmod(0o600)
    with pytest.raises(Permanent, match="the key is encrypted; take the passphrase off first"):
        read_private(str(key))
