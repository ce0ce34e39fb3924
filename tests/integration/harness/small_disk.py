"""A file system of some dozen megabytes that can really be filled, and has room again at once."""

import contextlib
import ctypes
import os
import pathlib
import shutil
import tempfile
import threading

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE, MS_REMOUNT, MS_RDONLY = 0x4000, 0x40000, 0x20, 0x1
MIB = 1 << 20
SMALLEST, LARGEST = 48 * MIB, 1024 * MIB

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(kind, path, flags, options):
    _checked(_libc.mount(kind.encode(), str(path).encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()), f"mount {path}")


def _own_mounts():
    """From here on this process, and what it starts, mounts for itself alone: all is gone when they end."""
    user, group = os.getuid(), os.getgid()
    if user == 0:
        _checked(_libc.unshare(CLONE_NEWNS), "unshare")
    else:
        _checked(_libc.unshare(CLONE_NEWNS | CLONE_NEWUSER), "unshare")
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _mount("none", "/", MS_REC | MS_PRIVATE, "")


def _small_one_that_is_there():
    """As the /dev/shm of a container, which may mount nothing itself."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, path, kind, options, *_ = line.split()
        if kind != "tmpfs" or "rw" not in options.split(",") or not os.access(path, os.W_OK):
            continue
        size = os.statvfs(path)
        if SMALLEST <= size.f_blocks * size.f_frsize <= LARGEST and size.f_bavail * size.f_frsize >= SMALLEST:
            return pathlib.Path(path)
    return None


class SmallDisk:
    """A tmpfs of our own where mounting is allowed, else a small one that is there already; where there
    is neither, an error: what needs it is not passed over. Use as a context manager, before threads."""

    def __init__(self, megabytes=96):
        self._megabytes = megabytes
        self._is_mounted = False
        self.path = None

    def __enter__(self):
        try:
            _own_mounts()
            self.path = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-disk-"))
            _mount("tmpfs", self.path, 0, f"size={self._megabytes}m")
            self._is_mounted = True
        except PermissionError as refused:
            place = _small_one_that_is_there()
            if place is None:
                raise AssertionError(f"{refused}, and no small file system is there: run this as root, or in a container "
                                     "with its /dev/shm") from None
            self.path = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-disk-", dir=place))
        kind = "a tmpfs of our own" if self._is_mounted else "one that was there"
        print(f"disk of {self.total >> 20} MiB at {self.path}, {kind}", flush=True)
        return self

    def __exit__(self, *_):
        if self._is_mounted:
            _libc.umount2(str(self.path).encode(), 2)  # lazily: a killed daemon may still end
            self.path.rmdir()
        else:
            shutil.rmtree(self.path)

    @property
    def total(self):
        size = os.statvfs(self.path)
        return size.f_blocks * size.f_frsize

    @property
    def free(self):
        size = os.statvfs(self.path)
        return size.f_bavail * size.f_frsize

    @property
    def _ballast(self):
        return self.path / "ballast"

    def fill(self, leave):
        """Takes all room but so many bytes."""
        taken = self._ballast.stat().st_size if self._ballast.exists() else 0
        with open(self._ballast, "ab") as file:
            with contextlib.suppress(OSError):  # somebody else was quicker
                os.posix_fallocate(file.fileno(), 0, max(1, taken, taken + self.free - leave))

    @contextlib.contextmanager
    def kept_full(self):
        """Also what is given back meanwhile is taken; room is made at the end."""
        over = threading.Event()

        def keep():
            while not over.wait(0.02):
                self.fill(leave=0)

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.make_room()

    def make_room(self):
        self._ballast.unlink()
