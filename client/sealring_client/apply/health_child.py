"""Becomes the health check: its own processes, limits and user, then the command. Run as a script.

python -I -S health_child.py PARENT UID GID MEMORY FILE_SIZE PROCESSES -- PROGRAM ARGUMENT...

A program of its own, since limits set from outside after the start would come too late, and code between
fork and exec is unsafe in a process with threads. As root the check gets its own process namespace: when
its first process ends, the kernel kills every other one, also those that left the session (SPEC HC-1).
PARENT is who counts the check's time: when it dies, the check does.
Exit code: the command's, or 128 and the signal's number; 126 where it can't be run.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWPID = 0x20000000


def main(arguments: list[str]) -> int:
    """Start the check and end with its exit code."""
    parent, uid, gid, memory, file_size, processes = (int(word) for word in arguments[:6])
    command = arguments[7:]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        return 126
    if os.geteuid() == 0 and libc.unshare(_CLONE_NEWPID) == 0:
        return _fork(lambda: _first(libc, lambda: _become(libc, uid, gid, (memory, file_size, processes), command)))
    return _fork(lambda: _become(libc, uid, gid, (memory, file_size, processes), command))


def _first(libc: ctypes.CDLL, become: Callable[[], int]) -> int:
    """The namespace's first process: dies with its parent, and everything in the namespace with it."""
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return _fork(become)


def _become(libc: ctypes.CDLL, uid: int, gid: int, limits: tuple[int, int, int], command: list[str]) -> int:
    memory, file_size, processes = limits
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    if os.geteuid() == 0:
        # Only here: the limit counts all processes of the user, and root's own are not bounded by it.
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    try:
        os.execv(command[0], command)
    except OSError as err:
        os.write(2, f"{command[0]}: {err.strerror}\n".encode())
    return 126


def _fork(child: Callable[[], int]) -> int:
    # The order to end waits until there is somebody who passes it on.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os._exit(child())
    # The health check's time is up: its first process dies, and the wait below ends when all the others have.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    while True:
        ended, status = os.wait()  # as first process of a namespace it also buries orphans
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
