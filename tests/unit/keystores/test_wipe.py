"""How long a file's secrets stay in memory, looked at from outside the process that had them (SPEC KY-8, KY-9)."""

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from sealring.command.dumps import no_dumps
from sealring.keyfile import KEY_TYPES, KeyType, create_key_file, load_key_file
from sealring.keyfile.opened import unwrap_secret

PASSPHRASE = b"a passphrase that stands nowhere else"
PR_GET_DUMPABLE = 3
PROGRAM = """
import sys
from pathlib import Path
from sealring.command.passphrase import Secrets, get_passphrase
from sealring.command.outside import real
from sealring.keyfile import load_key_file, open_key, wipe

def stop(where):
    print(where, flush=True)
    sys.stdin.readline()

passphrase = get_passphrase(real(), Secrets(file=Path(sys.argv[2])), "a")
stop("asked")
key = open_key(load_key_file(Path(sys.argv[1])), passphrase)
wipe(passphrase)
with key:
    for number in range(3):
        key.sign(b"message %d" % number)
    stop("open")
stop("closed")
"""


def places(process: int, needle: bytes) -> int:
    """How often these bytes stand in the process's writable memory."""
    found = 0
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            first, last = (int(end, 16) for end in span.split("-"))
            memory.seek(first)
            found += memory.read(last - first).count(needle)
    return found


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_a_secret_is_gone_when_its_key_is_closed(tmp_path: Path, kind: KeyType) -> None:
    """SPEC KY-8: of Ed25519 nothing stays. OpenSSL may leave one copy of another secret in memory that it freed."""
    path, phrase = tmp_path / "a.key", tmp_path / "phrase"
    create_key_file(path, "a", PASSPHRASE, strength="interactive", kind=kind)
    phrase.write_bytes(PASSPHRASE)
    secret = bytes(unwrap_secret(load_key_file(path), PASSPHRASE))[4:24]
    command = [sys.executable, "-c", PROGRAM, str(path), str(phrase)]
    seen: dict[str, tuple[int, int]] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for where in ("asked", "open", "closed"):
            assert running.stdout.readline().strip() == where
            # OpenSSL keeps big numbers with their lowest word first.
            copies = places(running.pid, secret) + places(running.pid, secret[::-1])
            seen[where] = (places(running.pid, PASSPHRASE), copies)
            running.stdin.write("\n")
            running.stdin.flush()
    assert seen["asked"] == (1, 0)
    assert seen["open"][0] == 0, "the passphrase outlives the opening"
    assert seen["open"][1] >= 1, "this test looks in the wrong place"
    assert seen["closed"][0] == 0
    assert seen["closed"][1] <= (0 if kind == "ed25519" else 1)


def test_while_a_key_is_open_no_core_is_written() -> None:
    """SPEC KY-9: a crash must not put the key on a disk; afterwards all is as it was."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    with no_dumps():
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
        # The kernel gives the files of a process that must not be dumped to root.
        assert os.stat("/proc/self/environ").st_uid == 0
        assert ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
    assert resource.getrlimit(resource.RLIMIT_CORE) == before
    assert os.stat("/proc/self/environ").st_uid == os.geteuid()
    assert ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1
