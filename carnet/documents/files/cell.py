# SPDX-License-Identifier: EUPL-1.2
"""The cell a process shuts itself in before it looks at a file of others: nothing but its two pipes.

Several layers, each enough against most of what a broken parser could be made to do: limits of memory,
time and size; a user who owns nothing; Landlock (no file, no TCP); a list of the few system calls that
computing needs, all others answered "not permitted" (seccomp). What a kernel does not have is missing
from the answer of `shut`, and `carnet check` says so.
Source of numbers and layouts: Linux UAPI (unistd.h, seccomp.h, filter.h, landlock.h).
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct

MEMORY = 512 << 20  # bytes of address space
SECONDS = 10  # of processor
NOBODY = 65534

# What computing needs: memory, its own pipes, clocks, the end. No open, no socket, no process, no signal.
CALLS = {
    "x86_64": (0xC000003E, (9, 10), (
        0,  # read
        1,  # write
        3,  # close
        7,  # poll
        8,  # lseek
        11,  # munmap
        12,  # brk
        13, 14, 15,  # rt_sigaction, rt_sigprocmask, rt_sigreturn
        19, 20,  # readv, writev
        24,  # sched_yield
        25,  # mremap
        28,  # madvise
        35,  # nanosleep
        39,  # getpid
        60,  # exit
        79,  # getcwd, which Pillow asks before it writes
        96,  # gettimeofday
        98, 99, 100,  # getrusage, sysinfo, times
        131,  # sigaltstack
        186,  # gettid
        201,  # time
        202,  # futex
        204,  # sched_getaffinity
        219,  # restart_syscall
        228, 229, 230,  # clock_gettime, clock_getres, clock_nanosleep
        231,  # exit_group
        271,  # ppoll
        273,  # set_robust_list
        318,  # getrandom
        324,  # membarrier
        334,  # rseq
    )),
    "aarch64": (0xC00000B7, (222, 226), (
        17,  # getcwd
        57,  # close
        62, 63, 64, 65, 66,  # lseek, read, write, readv, writev
        73,  # ppoll
        93, 94,  # exit, exit_group
        98, 99,  # futex, set_robust_list
        101,  # nanosleep
        113, 114, 115,  # clock_gettime, clock_getres, clock_nanosleep
        123, 124,  # sched_getaffinity, sched_yield
        128,  # restart_syscall
        132, 134, 135, 139,  # sigaltstack, rt_sigaction, rt_sigprocmask, rt_sigreturn
        153,  # times
        165, 169, 172, 178, 179,  # getrusage, gettimeofday, getpid, gettid, sysinfo
        214, 215, 216, 233,  # brk, munmap, mremap, madvise
        278, 283, 293,  # getrandom, membarrier, rseq
    )),
}  # fmt: skip

LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06  # of the filter's small machine
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050001, 0x80000000  # REFUSE is EPERM
NUMBER, ARCHITECTURE, THIRD = 0, 4, 32  # where they stand in seccomp_data
EXECUTABLE = 4  # PROT_EXEC
SET_DUMPABLE, SET_SECCOMP, SET_NO_NEW_PRIVS = 4, 22, 38


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def shut(memory: int = MEMORY, seconds: int = SECONDS) -> list[str]:
    """Shut this process in, for ever; the layers that hold, in order.

    Everything that will be used has been imported: nothing can be opened any more.
    memory: bytes of address space. seconds: of processor time.
    """
    held: list[str] = []
    if platform.system() == "Linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(SET_DUMPABLE, 0, 0, 0, 0)
        if _nobody():
            held.append("user")
        if libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            held.append("no-new-privileges")
        if _landlock(libc):
            held.append("landlock")
        held += _limits(memory, seconds)
        if _seccomp(libc):
            held.append("seccomp")
        return held
    _nobody()
    return _limits(memory, seconds)


def _nobody() -> bool:
    """Leave the rights of root; who is not root has none to leave."""
    if os.getuid() != 0:
        return True
    try:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    except OSError:
        return False
    return True


def _limits(memory: int, seconds: int) -> list[str]:
    wanted = [
        ("memory", resource.RLIMIT_AS, memory),
        ("time", resource.RLIMIT_CPU, seconds),
        ("size", resource.RLIMIT_FSIZE, 0),
        ("core", resource.RLIMIT_CORE, 0),
        ("files", resource.RLIMIT_NOFILE, 0),  # no more than the two that are open
        ("processes", resource.RLIMIT_NPROC, 0),
    ]
    held = []
    for name, limit, most in wanted:
        try:
            # One second more before the end that cannot be told from another.
            resource.setrlimit(limit, (most, most + 1 if name == "time" else most))
        except (OSError, ValueError):
            continue
        held.append(name)
    return held


def _landlock(libc: ctypes.CDLL) -> bool:
    """Handle every right the kernel knows and grant none."""
    create, restrict = 444, 446  # the same numbers everywhere
    version = libc.syscall(create, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    if version < 1:
        return False
    files = 0x1FFF
    for since, right in ((2, 1 << 13), (3, 1 << 14), (5, 1 << 15)):
        files |= right if version >= since else 0
    network = 3 if version >= 4 else 0
    scoped = 3 if version >= 6 else 0
    rules = struct.pack("<QQQ", files, network, scoped)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(create, rules, ctypes.c_size_t(size), ctypes.c_uint(0))
    if ruleset < 0:
        return False
    done = libc.syscall(restrict, ctypes.c_int(ruleset), ctypes.c_uint(0)) == 0
    os.close(ruleset)
    return bool(done)


def _seccomp(libc: ctypes.CDLL) -> bool:
    """Refuse every system call but those of CALLS, and memory that could be run."""
    known = CALLS.get(platform.machine())
    if known is None:
        return False
    code = filter_of(*known)
    held = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(held, ctypes.c_void_p))
    return bool(libc.prctl(SET_SECCOMP, 2, ctypes.byref(program), 0, 0) == 0)


def filter_of(architecture: int, mapping: tuple[int, ...], allowed: tuple[int, ...]) -> bytes:
    """The filter, in the machine code of classic BPF.

    mapping: calls that are allowed as long as the memory cannot be run.
    """
    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
    ]
    for number in mapping:
        steps += [
            (EQUAL, 0, 4, number),
            (LOAD, 0, 0, THIRD),
            (ANY_BIT, 1, 0, EXECUTABLE),
            (RETURN, 0, 0, ALLOW),
            (RETURN, 0, 0, REFUSE),
        ]
    for number in allowed:
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    steps.append((RETURN, 0, 0, REFUSE))
    return b"".join(struct.pack("<HBBI", *step) for step in steps)
