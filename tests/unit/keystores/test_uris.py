"""A URI of each kind gets as far as this machine lets it, and what is missing is named with the way to get it."""

from pathlib import Path

import pytest
from securesystemslib.signer import SSlibKey

from sealring.errors import SealringError
from sealring.keystores import is_uri, load_signer
from sealring.keystores.foreign import Secret, _public
from sealring.keystores.kinds import KINDS, BadUri, MissingPart, check_parts, kind_of
from sealring.keystores.refused import StoreFailed, UnsupportedKey, explained
from tests.unit.keystores.programs import sealring

GCP = "gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1"
MISSING = {
    "awskms:alias/root-1": ("boto3", "awskms"),
    GCP: ("google.cloud.kms", "gcpkms"),
    "azurekms://v.vault.azure.net/keys/k/0a": ("azure.identity", "azurekms"),
    "hv:root-1/1": ("hvac", "vault"),
    "tkey:?digest=7c75714": ("keylet", "tkey"),
}


def nobody(what: str, name: str) -> bytearray:
    """Fails the test: nothing may be asked for before the library is there."""
    pytest.fail(f"asked for the {what} of {name}", pytrace=False)


@pytest.mark.parametrize("uri", MISSING)
def test_a_missing_library_is_named_with_what_to_install(uri: str, tmp_path: Path) -> None:
    """SPEC KY-6: before anything is asked for; every command that takes a key says the same."""
    module, extra = MISSING[uri]
    done = sealring(tmp_path, "key", "import", uri, "--name", "root-1")
    assert done.code == 1
    assert f"the Python module {module} is missing" in done.err
    assert f"pip install 'securesystemslib[{extra}]'" in done.err
    with pytest.raises(MissingPart):
        load_signer(uri, nobody)


def test_every_kind_is_driven_here() -> None:
    assert {uri.partition(":")[0] for uri in MISSING} | {"hsm"} == set(KINDS)
    for kind in KINDS.values():
        assert kind_of(kind.example.replace("VERSION", "0a")) == kind


@pytest.mark.parametrize(
    ("library", "said"),
    [
        pytest.param(None, "PYKCS11LIB is not set", id="not set"),
        pytest.param("/nonesuch.so", "where no file is", id="no such file"),
        pytest.param("/etc/passwd", "invalid ELF header", id="no library"),
    ],
)
def test_a_token_needs_its_module(library: str | None, said: str, tmp_path: Path) -> None:
    environment = {"PYKCS11LIB": library} if library else {}
    done = sealring(tmp_path, "key", "show", "hsm:2", environment=environment)
    assert done.code == 1
    assert said in done.err
    assert "hint: PYKCS11LIB must be the path" in done.err


def test_vault_needs_its_address() -> None:
    """The library is taken as there: what is set is looked at after what is installed."""
    kind = KINDS["hv"]
    with pytest.raises(MissingPart) as refused:
        check_parts(type(kind)(**{**{n: getattr(kind, n) for n in kind.__match_args__}, "modules": ()}), {})
    assert "VAULT_ADDR" in str(refused.value)


@pytest.mark.parametrize(
    "uri",
    [
        "file:/etc/key",  # securesystemslib's own key files are not encrypted
        "file2:/etc/key",
        "gnupg:",
        "sigstore:",
        "hsm:two",
        "hsm:2?pin=1234",
        "hsm:2?label=a&pin=1234",
        "awskms:",
        "gcpkms:projects/P",
        "azurekms://evil.example/keys/k/0a",
        "azurekms:k",
        "hv:a/b/c",
        "tkey:",
        "tkey:?digest=7c75714&passphrase=secret",
    ],
)
def test_a_uri_that_names_no_key_is_refused_as_spelt(uri: str) -> None:
    """SPEC KY-7: unencrypted kinds are none of ours, and no URI carries a secret."""
    assert is_uri(uri)
    with pytest.raises(BadUri) as refused:
        load_signer(uri, nobody)
    assert refused.value.exit_code == 2


def test_a_file_whose_name_has_a_colon_is_given_with_its_folder() -> None:
    assert not is_uri("./hsm:2")
    assert not is_uri("/keys/hsm:2")
    assert not is_uri("alice.key")


@pytest.mark.parametrize(
    ("keytype", "scheme"),
    [
        ("rsa", "rsassa-pss-sha256"),
        ("ecdsa", "ecdsa-sha2-nistp521"),
        ("ml-dsa", "ml-dsa-44/1"),
        ("ml-dsa", "ml-dsa-65/1"),  # over TUF's frame of a message, not over ours
    ],
)
def test_a_cloud_key_of_another_type_is_refused(keytype: str, scheme: str) -> None:
    """SPEC KY-7: its signatures would count on no device."""
    with pytest.raises(UnsupportedKey):
        _public("awskms:alias/x", SSlibKey("0" * 64, keytype, scheme, {"public": "-----BEGIN PUBLIC KEY-----"}))


def test_whatever_a_library_raises_is_one_line_with_what_to_set() -> None:
    """A cloud's library has hundreds of errors; its own words are passed on, in one line."""
    kind = KINDS["awskms"]
    with pytest.raises(StoreFailed) as refused, explained(kind, "awskms:alias/x"):
        raise KeyError("no\n  region")
    assert str(refused.value) == "awskms:alias/x: AWS KMS: KeyError: 'no\\n region'"
    assert "AWS_DEFAULT_REGION" in refused.value.hint()


def test_a_person_who_gives_up_is_no_failure_of_the_token() -> None:
    """SPEC KY-6: what kept the secret away is told as it is, though a library stood in between."""

    class GaveUp(SealringError):
        """Somebody pressed Ctrl-C at the prompt."""

    def give_up(_what: str, _name: str) -> bytearray:
        raise GaveUp

    def library() -> None:
        try:
            Secret(give_up, KINDS["hsm"], "hsm:2").text("pin")
        except Exception:  # noqa: BLE001 - as a library on the way would do
            pytest.fail("a library took it for its own", pytrace=False)

    with pytest.raises(GaveUp), explained(KINDS["hsm"], "hsm:2"):
        library()


def test_a_secret_is_asked_for_once_and_forgotten() -> None:
    given: list[bytearray] = []

    def ask(what: str, name: str) -> bytearray:
        assert (what, name) == ("PIN", "hsm:2")
        given.append(bytearray(b"4711"))
        return given[-1]

    secret = Secret(ask, KINDS["hsm"], "hsm:2")
    assert secret.text("pin") == secret.text("pin") == "4711"
    secret.forget()
    assert given == [bytearray(4)]
    assert "4711" not in repr(secret)
