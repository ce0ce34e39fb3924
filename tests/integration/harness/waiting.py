"""Waiting for something to become true, with a limit and a message that tells what was missing."""

import socket
import time


class TooLong(AssertionError):
    """What was waited for did not happen in time."""


def wait_until(condition, what, timeout=30.0, interval=0.05, alive=None):
    """Calls `condition` until it returns something true, and returns that.

    `what` ends the sentence "waited N s for …"; it may be a function, asked when time is up.
    `alive` raises when waiting on makes no sense because the other side has died.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if alive is not None:
            alive()
        if time.monotonic() > deadline:
            raise TooLong(f"waited {timeout:g} s for {what() if callable(what) else what}")
        time.sleep(interval)


def free_ports(count):
    """Ports that nobody listens on now. For programs that cannot bind port 0 and tell which they got."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
