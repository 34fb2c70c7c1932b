"""A key file is put under another passphrase, or dearer guesses, and stays the same key (SPEC KY-5)."""

import json
import subprocess
from pathlib import Path

import pytest

from sealring.keyfile import (
    KEY_TYPES,
    STRENGTHS,
    KeyType,
    WrongPassphrase,
    create_key_file,
    load_key_file,
    open_key,
    parse_key_file,
    rewrap_key_file,
)
from sealring.strict import encode
from tests.rigs.components import path_of
from tests.unit.keystores.programs import PROGRAM, sealring

OLD, NEW = b"the old passphrase", b"the new passphrase"


def made(folder: Path, kind: KeyType = "ed25519") -> Path:
    """A key file under OLD, and both passphrases in files beside it."""
    create_key_file(folder / "a.key", "a", OLD, strength="interactive", kind=kind)
    (folder / "old").write_bytes(OLD)
    (folder / "new").write_bytes(NEW)
    return folder / "a.key"


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_the_key_is_the_same_under_the_new_passphrase_alone(tmp_path: Path, kind: KeyType) -> None:
    """SPEC KY-5: name, type and public half stay; salt and nonce are new, so nothing links the two ciphertexts."""
    path = made(tmp_path, kind)
    before = load_key_file(path)
    after = rewrap_key_file(path, OLD, NEW)
    assert after == load_key_file(path)
    assert (after.public_key, after.kdf) == (before.public_key, before.kdf)
    assert (after.salt, after.nonce, after.ciphertext) != (before.salt, before.nonce, before.ciphertext)
    with open_key(after, NEW) as key:
        assert key.public == before.public_key
    with pytest.raises(WrongPassphrase):
        open_key(after, OLD)
    assert path.stat().st_mode & 0o777 == 0o600


def test_parameters_grow_and_the_passphrase_may_stay(tmp_path: Path) -> None:
    """SPEC KY-5: a file of ten years ago gets today's price of a guess, and old editions' files stay readable."""
    path = made(tmp_path)
    said = sealring(
        tmp_path,
        "key",
        "rewrap",
        "a.key",
        "--kdf",
        "moderate",
        "--keep-passphrase",
        "--passphrase-file",
        "old",
        "--json",
    )
    assert said.code == 0, said.err
    operations, memory = STRENGTHS["moderate"]
    assert json.loads(said.out)["kdf"] == {"algorithm": "argon2id", "operations": operations, "memory": memory}
    open_key(load_key_file(path), OLD).close()


def test_a_wrong_passphrase_changes_nothing(tmp_path: Path) -> None:
    path = made(tmp_path)
    before = path.read_bytes()
    with pytest.raises(WrongPassphrase):
        rewrap_key_file(path, NEW, NEW)
    assert path.read_bytes() == before
    done = sealring(tmp_path, "key", "rewrap", "a.key", "--passphrase-file", "new", "--new-passphrase-file", "new")
    assert (done.code, "[KY-5]" in done.err) == (1, True)
    assert path.read_bytes() == before


def test_a_planted_public_half_gets_no_new_wrapping(tmp_path: Path) -> None:
    """SPEC KY-5: rewrapping must not vouch for a public half that somebody put there."""
    path = made(tmp_path)
    said = json.loads(path.read_bytes())
    other = create_key_file(tmp_path / "other", "other", OLD, strength="interactive")
    said["public"] = json.loads(encode(other))["public"]
    path.write_bytes(json.dumps(said, separators=(",", ":")).encode())
    parse_key_file(path.read_bytes(), "x")
    with pytest.raises(WrongPassphrase):
        rewrap_key_file(path, OLD, NEW)


def test_a_link_stays_a_link_and_the_old_file_is_gone(tmp_path: Path) -> None:
    """SPEC KY-5: replacing the link would leave the file with the old passphrase behind it."""
    path = made(tmp_path)
    (tmp_path / "link").symlink_to(path)
    rewrap_key_file(tmp_path / "link", OLD, NEW)
    assert (tmp_path / "link").is_symlink()
    open_key(load_key_file(path), NEW).close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--keep-passphrase"], "goes with --kdf", id="nothing to change"),
        pytest.param(["--keep-passphrase", "--kdf", "moderate", "--new-passphrase-fd", "0"], "no new", id="both"),
        pytest.param(
            ["--new-passphrase-fd", "0", "--new-passphrase-file", "new"], "give one of --new-", id="two places"
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(tmp_path: Path, words: list[str], said: str) -> None:
    made(tmp_path)
    done = sealring(tmp_path, "key", "rewrap", "a.key", "--passphrase-file", "old", *words)
    assert (done.code, said in done.err) == (2, True), done.err


@pytest.mark.timeout(180)
@pytest.mark.parametrize("at", ["fchmod:when=1", "fsync:when=1", "renameat:when=1", "fsync:when=2"])
def test_killed_at_any_step_the_file_is_the_old_or_the_new(tmp_path: Path, at: str) -> None:
    """SPEC KY-5, DK-1: a key must never be lost to a change of its passphrase."""
    path = made(tmp_path)
    public = load_key_file(path).public_key
    call, _, when = at.partition(":")
    strace = [str(path_of("strace")), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
    rewrap = [str(PROGRAM), "key", "rewrap", "a.key", "--passphrase-file", "old", "--new-passphrase-file", "new"]
    done = subprocess.run(
        [*strace, "-e", f"inject={call}:signal=SIGKILL:{when}", *rewrap], cwd=tmp_path, capture_output=True, timeout=100
    )
    assert done.returncode != 0, "it was to be killed"
    found = load_key_file(path)
    assert found.public_key == public
    opened = 0
    for passphrase in (OLD, NEW):
        try:
            open_key(found, passphrase).close()
            opened += 1
        except WrongPassphrase:
            continue
    assert opened == 1
