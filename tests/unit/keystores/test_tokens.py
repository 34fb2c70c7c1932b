"""Keys in real tokens sign assertions: SoftHSM2's, and a TPM 2.0's, through one kind of URI (SPEC KY-2, KY-6, KY-7)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealring.envelope import parse_envelope
from sealring.keyfile import parse_public_file
from sealring.keys import PublicKey, signed_by
from tests.rigs.tokens import PIN, Token, softhsm, tpm
from tests.unit.keystores.programs import Ended, sealring

TYPES = {2: "ecdsa-p256", 3: "ecdsa-p384"}


@pytest.fixture(scope="module", params=["softhsm", "tpm"])
def token(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """Each kind of token, made once."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "softhsm":
        yield softhsm(folder)
        return
    with tpm(folder) as made:
        yield made


@pytest.fixture(scope="module")
def soft(tmp_path_factory: pytest.TempPathFactory) -> Token:
    """One SoftHSM2 token, for what does not differ between tokens."""
    return softhsm(tmp_path_factory.mktemp("soft"))


def imported(folder: Path, token: Token, number: int) -> PublicKey:
    """The public half of one of the token's keys, as `key import` wrote it."""
    name = f"holder-{number}"
    done = sealring(folder, "key", "import", token.uri(number), "--name", name, environment=token.environment)
    assert done.code == 0, done.err
    return parse_public_file((folder / f"{name}.pub").read_bytes())


def draft(folder: Path, *names: str) -> None:
    """`root.json`, a root that all of these keys must sign."""
    keys = [word for name in names for word in ("--root-key", f"{name}.pub")]
    more = ("--root-threshold", str(len(names)), "--brand-key", f"{names[0]}.pub", "--brand-threshold", "1")
    done = sealring(folder, "create", "root", *keys, *more, "-o", "root.json")
    assert done.code == 0, done.err


def sign(folder: Path, token: Token, uri: str, *words: str) -> Ended:
    """`sealring sign root.json` with this key; the PIN comes from a file unless the words say otherwise."""
    (folder / "pin").write_text(PIN + "\n")
    secret = words or ("--passphrase-file", "pin")
    return sealring(folder, "sign", "root.json", "--key", uri, "--yes", *secret, environment=token.environment)


@pytest.mark.timeout(180)
def test_a_tokens_keys_sign_what_devices_count(token: Token, tmp_path: Path) -> None:
    """SPEC KY-2: P-256 and P-384, in the one spelling, whichever s the token gave; 8 times, as each is by chance."""
    public = {number: imported(tmp_path, token, number) for number in TYPES}
    assert {number: key.type for number, key in public.items()} == TYPES
    draft(tmp_path, "holder-2", "holder-3")
    for _ in range(4):
        for number, key in public.items():
            done = sign(tmp_path, token, token.uri(number))
            assert done.code == 0, done.err
            assert f"signed by holder-{number} (" in done.out, "people know the name that the root gives it"
            envelope = parse_envelope((tmp_path / "root.json").read_bytes())
            assert signed_by(key, envelope.signatures[key.id], envelope.pae)
    assert sealring(tmp_path, "verify", "root.json", "--root", "root.json").code == 0


def test_what_a_token_says_of_its_key_is_what_the_public_file_says(token: Token, tmp_path: Path) -> None:
    """SPEC KY-1: the fingerprint that people compare is computed from the token's own answer, without a PIN."""
    public = imported(tmp_path, token, 2)
    shown = sealring(tmp_path, "key", "show", token.uri(2), "--json", environment=token.environment)
    assert json.loads(shown.out)["id"] == public.id
    again = sealring(tmp_path, "key", "import", token.uri(2), "--name", "holder-2", environment=token.environment)
    assert again.code == 12
    assert "never overwritten" in again.err


def test_a_pin_comes_from_a_command_or_a_file_and_reaches_no_message(soft: Token, tmp_path: Path) -> None:
    """SPEC KY-6: the same places as for a passphrase; the command is told the URI as its last argument."""
    imported(tmp_path, soft, 2)
    draft(tmp_path, "holder-2")
    helper = tmp_path / "pinentry"
    helper.write_text(f'#!/bin/sh\nprintf "%s" "$1" > asked\necho {PIN}\n')
    helper.chmod(0o700)
    done = sign(tmp_path, soft, soft.uri(2), "--passphrase-command", str(helper))
    assert done.code == 0, done.err
    assert (tmp_path / "asked").read_text() == soft.uri(2)
    assert PIN not in done.out + done.err


def test_nobody_is_asked_where_nobody_is_there(soft: Token, tmp_path: Path) -> None:
    """SPEC KY-6: a job in the night ends at once, and says what it lacked."""
    imported(tmp_path, soft, 2)
    draft(tmp_path, "holder-2")
    done = sealring(tmp_path, "sign", "root.json", "--key", soft.uri(2), "--yes", environment=soft.environment)
    assert done.code == 1
    assert "no PIN: nobody can be asked here [KY-6]" in done.err


def test_a_wrong_pin_is_told_and_tried_once(soft: Token, tmp_path: Path) -> None:
    """SPEC KY-6, KY-7: tokens lock themselves, so the second try is a person's to decide."""
    imported(tmp_path, soft, 2)
    draft(tmp_path, "holder-2")
    (tmp_path / "wrong").write_text("00000000")
    done = sign(tmp_path, soft, soft.uri(2), "--passphrase-file", "wrong")
    assert done.code == 1
    assert "the PIN does not open it [KY-7]" in done.err
    assert parse_envelope((tmp_path / "root.json").read_bytes()).signatures == {}


def test_another_key_than_any_set_lists_is_refused_before_the_pin(soft: Token, tmp_path: Path) -> None:
    """SPEC TH-1: the wrong key of the right token is the likeliest slip."""
    imported(tmp_path, soft, 2)
    draft(tmp_path, "holder-2")
    done = sealring(tmp_path, "sign", "root.json", "--key", soft.uri(3), "--yes", environment=soft.environment)
    assert done.code == 21
    assert "PIN" not in done.err


@pytest.mark.parametrize(
    ("kind", "rule", "code"),
    [
        pytest.param("rsa:2048", "RSA is no type of ours", 11, id="RSA"),
        pytest.param("EC:secp521r1", "KY-7", 20, id="P-521"),
    ],
)
def test_a_key_of_another_type_is_refused(soft: Token, tmp_path: Path, kind: str, rule: str, code: int) -> None:
    """SPEC KY-7, KY-4: no device would count it, so it must not get into a statement."""
    number = 4 if kind.startswith("rsa") else 5
    soft.make_key(number, kind)
    (tmp_path / "pin").write_text(PIN)
    words = ("key", "import", soft.uri(number), "--name", "other", "--passphrase-file", "pin")
    done = sealring(tmp_path, *words, environment=soft.environment)
    assert (done.code, rule in done.err) == (code, True), done.err
    assert not (tmp_path / "other.pub").exists()


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        pytest.param("hsm:2?label=nowhere", "no such token is there", id="no such token"),
        pytest.param("hsm:77?label=root-1", "no P-256 or P-384 key of this id", id="no such key"),
    ],
)
def test_what_is_not_there_is_said_with_the_way_to_look(soft: Token, tmp_path: Path, uri: str, said: str) -> None:
    (tmp_path / "pin").write_text(PIN)
    done = sealring(tmp_path, "key", "show", uri, "--passphrase-file", "pin", environment=soft.environment)
    assert done.code == 11
    assert said in done.err
    assert "hint: pkcs11-tool --module $PYKCS11LIB" in done.err


def test_a_hidden_public_half_needs_the_pin(soft: Token, tmp_path: Path) -> None:
    """SPEC KY-6: where the token shows nothing to strangers, the PIN is asked for, once for reading and signing."""
    done = sealring(tmp_path, "key", "show", soft.uri(77), environment=soft.environment)
    assert (done.code, "no PIN: nobody can be asked here" in done.err) == (1, True)
