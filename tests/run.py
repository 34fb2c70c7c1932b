#!/usr/bin/env python3
"""One command from a bare checkout to a running demo or test suite.

    python3 tests/run.py demo [--keep …]      set everything up, then tell the story
    python3 tests/run.py tests [pytest's …]   set everything up, then run the tests
    python3 tests/run.py setup                set everything up, and stop

Needs git's checkout and Python 3.11 or later, nothing else: standard library only, no pip, no venv module. Debian
packages come by apt-get (as root, or by sudo), uv from the Python package registry with a pinned digest, all else from
uv.lock. What is there already is left alone, so the second time costs no network and under two seconds.
"""

from __future__ import annotations  # so that an older Python gets as far as the sentence that says it is too old

import base64
import contextlib
import hashlib
import html
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterable, Mapping
from http.client import HTTPResponse
from pathlib import Path
from typing import NamedTuple, NoReturn, cast

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
STARTED = time.monotonic()

UV_VERSION = "0.13.9"
# The wheels of that version, as the registry named them on 2026-11-22; a registry that serves other bytes is refused.
UV_WHEELS = {
    "x86_64": (
        "uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    "aarch64": (
        "uv-0.13.9-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
        "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    ),
}
DEFAULT_INDEX = "https://pypi.org/simple"
MAX_DOWNLOAD = 64 * 1024 * 1024  # bytes; the wheels have 18 MB, the index page 3 MB
DOWNLOAD_SECONDS = 150.0  # for one file, over all attempts
ATTEMPTS = 4


class Needed(NamedTuple):
    """A Debian package, what shows that it is there, who needs it and why."""

    package: str
    shown_by: str  # a command, or a path that begins with "/"
    by: frozenset[str]
    why: str


BOTH, TESTS = frozenset({"demo", "tests"}), frozenset({"tests"})
PACKAGES = (
    Needed("ca-certificates", "/etc/ssl/certs/ca-certificates.crt", BOTH, "https to the Python package registry"),
    Needed("squashfs-tools", "mksquashfs", BOTH, "builds images"),
    Needed("mount", "losetup", BOTH, "mounts images as root"),
    Needed("squashfuse", "squashfuse", BOTH, "mounts images without root"),
    Needed("fuse3", "fusermount3", BOTH, "unmounts what squashfuse mounted"),
    Needed("postgresql", "/usr/lib/postgresql", TESTS, "a PostgreSQL server for each run of the tests"),
    Needed("chromium", "/usr/bin/chromium", TESTS, "looks at the operator's page"),
    Needed("prometheus", "promtool", TESTS, "reads the store's figures and judges its alert rules"),
    Needed("nginx-light", "nginx", TESTS, "stands before a store as the project's own cache and TLS"),
    Needed("systemd", "systemd-analyze", TESTS, "judges the store's unit file"),
    Needed("strace", "strace", TESTS, "kills the device at a chosen system call"),
    Needed("faketime", "faketime", BOTH, "gives the device a wrong clock"),
    Needed("softhsm2", "softhsm2-util", TESTS, "a PKCS#11 token that signs"),
    Needed("opensc", "pkcs11-tool", TESTS, "makes keys in PKCS#11 tokens"),
    Needed("swtpm", "swtpm", TESTS, "a TPM 2.0"),
    Needed("libtpm2-pkcs11-1", "/usr/share/p11-kit/modules/tpm2_pkcs11.module", TESTS, "a TPM as a PKCS#11 token"),
)


class SetupError(Exception):
    """The set-up can't go on; the text says what is wrong and what to do."""


def say(text: str) -> None:
    """One line a step, with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)


# --- Debian packages


def is_there(needed: Needed) -> bool:
    """Whether a package's mark is found; /sbin counts, though an ordinary user's PATH leaves it out."""
    if needed.shown_by.startswith("/"):
        return Path(needed.shown_by).exists()
    return shutil.which(needed.shown_by, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def advice(missing: Iterable[Needed]) -> str:
    """What a person types where the set-up may not install anything itself."""
    missing = tuple(missing)
    lines = [f"  {n.package:<16} {n.why}" for n in missing]
    names = " ".join(n.package for n in missing)
    command = f"  apt-get update && apt-get install -y --no-install-recommends {names}"
    head, then = "these Debian packages are missing:", "install them as root, then run this again:"
    return "\n".join([head, *lines, then, command])


def install_packages(goal: str) -> None:
    """After it returns, every Debian package that `goal` needs is there.

    Raises:
        SetupError: packages are missing and can't be installed from here; the text has the exact command.
    """
    missing = [n for n in PACKAGES if goal in n.by and not is_there(n)]
    if not missing:
        say("Debian packages: all there")
        return
    names = [n.package for n in missing]
    prefix: list[str] = []
    if os.geteuid() != 0:
        # Without a terminal sudo must not ask: a job that waits for a password for ever is worse than one that ends.
        prefix = ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    if shutil.which("apt-get") is None or (prefix and shutil.which("sudo") is None):
        raise SetupError(advice(missing))
    say(f"Debian packages: installing {' '.join(names)}" + (" by sudo" if prefix else ""))
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "Acquire::Retries=3"]
    for step in (["update"], ["install", "-y", "--no-install-recommends", *names]):
        done = subprocess.run(
            [*apt, *step], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        if done.returncode != 0:
            tail = "\n".join(done.stdout.splitlines()[-15:])
            raise SetupError(f"{tail}\napt-get {step[0]} ended with {done.returncode}; {advice(missing)}")


# --- uv


def open_url(url: str, timeout: float) -> HTTPResponse:
    """Like urlopen, and a user and password in the address are sent as such, to that host only."""
    parts = urllib.parse.urlsplit(url)
    request = urllib.request.Request(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())
    request.add_header("User-Agent", "sealring-setup")
    if parts.username:
        pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    return cast(HTTPResponse, urllib.request.urlopen(request, timeout=timeout))


def download(url: str, *, seconds: float = DOWNLOAD_SECONDS, attempts: int = ATTEMPTS) -> bytes:
    """All the bytes behind `url`, at most MAX_DOWNLOAD; never a part, never later than `seconds`.

    Raises:
        SetupError: no attempt worked; the text has the address and the last reason.
    """
    deadline, reason = time.monotonic() + seconds, "no attempt was made"
    for attempt in range(attempts):
        if attempt:
            time.sleep(min(2.0**attempt, max(0.0, deadline - time.monotonic())))
        try:
            return read_until(url, deadline)
        except (OSError, ValueError, EOFError) as error:  # URLError is an OSError, a broken address a ValueError
            reason = str(error) or type(error).__name__
            final = isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code not in (408, 429)
            if final or isinstance(error, ValueError) or time.monotonic() >= deadline:
                break
    shown = re.sub(r"//[^/@]*@", "//", url)  # a password in the address stays out of logs
    raise SetupError(f"could not download {shown}: {reason}\ncheck the network, proxy (https_proxy) and index settings")


def read_until(url: str, deadline: float) -> bytes:
    """One attempt of `download`; the clock is looked at between chunks, so a slow drip ends too."""
    with open_url(url, timeout=min(30.0, max(1.0, deadline - time.monotonic()))) as answer:
        length = answer.headers.get("Content-Length")
        data = bytearray()
        while chunk := answer.read1(1 << 18):
            data += chunk
            if len(data) > MAX_DOWNLOAD:
                raise ValueError(f"more than {MAX_DOWNLOAD} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError(f"too slow: {len(data)} bytes in the time given")
    if length is not None and len(data) < int(length):
        raise EOFError(f"the connection ended after {len(data)} of {length} bytes")
    return bytes(data)


def find_wheel(index: str, name: str) -> str:
    """The address of one wheel, from the index's page in its oldest form (PEP 503), which every mirror serves."""
    page_url = index.rstrip("/") + "/uv/"
    page = download(page_url).decode("utf-8", "replace")
    link = re.search(rf"""href=["']([^"']*{re.escape(name)})(?:#[^"']*)?["']""", page)
    if link is None:
        raise SetupError(f"{index} has no {name}: is it a full mirror of the Python package registry?")
    return urllib.parse.urljoin(page_url, html.unescape(link[1]))


def get_uv(cache: Path, environ: Mapping[str, str]) -> Path:
    """The pinned uv, from the cache folder or the registry; nothing is unpacked before its digest matches.

    Raises:
        SetupError: no wheel for this machine, no download, or other bytes than those pinned.
    """
    uv = cache / f"uv-{UV_VERSION}" / "uv"
    if uv.exists():
        say(f"uv {UV_VERSION}: in {uv.parent.name}")
        return uv
    machine = platform.machine()
    if machine not in UV_WHEELS:
        raise SetupError(f"no pinned uv for {machine}: put uv {UV_VERSION} at {uv}, then run this again")
    name, digest = UV_WHEELS[machine]
    say(f"uv {UV_VERSION}: downloading its wheel")
    unpack_uv(download(find_wheel(index_of(environ), name)), digest, uv)
    return uv


def unpack_uv(wheel: bytes, digest: str, uv: Path) -> None:
    """Puts the wheel's one program at `uv`, whole or not at all, if the wheel is the pinned one."""
    found = hashlib.sha256(wheel).hexdigest()
    if found != digest:
        raise SetupError(f"uv's wheel has the digest {found}, not the pinned {digest}: refused")
    uv.parent.mkdir(parents=True, exist_ok=True)
    wheel_file, part = uv.with_name(f"wheel.{os.getpid()}"), uv.with_name(f"uv.{os.getpid()}")
    try:
        wheel_file.write_bytes(wheel)
        with zipfile.ZipFile(wheel_file) as archive:
            inside = next(n for n in archive.namelist() if n.endswith(".data/scripts/uv"))
            with archive.open(inside) as source, part.open("wb") as target:
                shutil.copyfileobj(source, target)
        part.chmod(0o755)
        part.replace(uv)
    finally:
        for leftover in (wheel_file, part):
            with contextlib.suppress(FileNotFoundError):
                leftover.unlink()


# --- the environment, and what runs in it


def outside(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: the system's Python and certificates, and pip's certificate setting honoured."""
    env = {k: v for k, v in environ.items() if k not in ("VIRTUAL_ENV", "PYTHONHOME", "UV_PYTHON")}
    env |= {"UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON_PREFERENCE": "only-system", "UV_SYSTEM_CERTS": "true"}
    if "PIP_CERT" in env:
        env.setdefault("SSL_CERT_FILE", env["PIP_CERT"])
    return env


def index_of(environ: Mapping[str, str]) -> str:
    """The package index that this machine is set to use."""
    return (environ.get("UV_DEFAULT_INDEX") or environ.get("PIP_INDEX_URL") or DEFAULT_INDEX).rstrip("/")


def sync(uv: Path, env: Mapping[str, str], goal: str) -> None:
    """Makes `.venv` what uv.lock says, digest by digest. The demo needs no Go compiler, and leaves one in place."""
    wanted = ["--inexact"] if goal == "demo" else ["--group", "go"]
    interpreter = [] if (ROOT / ".venv").exists() else ["--python", sys._base_executable]  # type: ignore[attr-defined]
    # The lock names the ordinary registry: under another default index uv would call it out of date.
    plain = {k: v for k, v in env.items() if k not in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")}
    if index_of(env) == DEFAULT_INDEX:
        say("uv sync: .venv as uv.lock has it")
        run_uv(uv, plain, "sync", "--locked", "--all-packages", *wanted, *interpreter)
        return
    say("uv: .venv as uv.lock has it, from the index set for this machine")
    pins, mirror = str(CACHE / "requirements.txt"), plain | {"UV_DEFAULT_INDEX": index_of(env)}
    groups = [word for word in wanted if word != "--inexact"]
    run_uv(uv, plain, "export", "--frozen", "--all-packages", *groups, "--no-emit-workspace", "-o", pins)
    run_uv(uv, plain, "venv", "--allow-existing", *interpreter)
    run_uv(uv, mirror, "pip", "sync", "--require-hashes", pins)
    run_uv(uv, mirror, "pip", "install", "--no-deps", "-e", "trust", "-e", "server", "-e", "client")


def run_uv(uv: Path, env: Mapping[str, str], *args: str) -> None:
    """One uv command in the checkout, quiet unless it fails."""
    if subprocess.run([str(uv), args[0], "--quiet", *args[1:]], cwd=ROOT, env=env, stdin=subprocess.DEVNULL).returncode:
        raise SetupError(f"uv {args[0]} failed: its words stand above")


def command_for(goal: str, rest: list[str]) -> list[str]:
    """What runs once everything is there."""
    if goal == "demo":
        return ["python", "-m", "tests.demo", *rest]
    # Two workers are safe: each test has a folder of its own, every server takes port 0, and loop devices are handed
    # out by the kernel one at a time.
    return ["python", "-m", "pytest", "-n", "2", *rest]


def main(args: list[str]) -> NoReturn:
    """Set up, then become the program that was asked for."""
    goal, rest = (args[0], args[1:]) if args else ("", [])
    if goal not in ("demo", "tests", "setup"):
        print("usage: python3 tests/run.py demo|tests|setup [options passed on]", file=sys.stderr)
        sys.exit(2)
    say(f"Python {platform.python_version()}: {sys.executable}")
    try:
        install_packages("demo" if goal == "demo" else "tests")
        env = outside(os.environ)
        uv = get_uv(CACHE, env)
        sync(uv, env, goal)
    except SetupError as error:
        sys.exit(f"set-up: {error}")
    if goal == "setup":
        say("ready")
        sys.exit(0)
    command = command_for(goal, rest)
    say(" ".join(command))
    os.chdir(ROOT)
    os.execve(uv, [str(uv), "run", "--no-sync", "--all-packages", *command], env)


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - the one file that an older Python may be given
        sys.exit(f"set-up: Python 3.11 or later is needed, this is {platform.python_version()} ({sys.executable})")
    main(sys.argv[1:])
