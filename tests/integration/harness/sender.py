"""A client that sends events by HTTP for as long as it is told to, and notes what was acknowledged."""

import threading
import time

from .event_stream import to_ndjson


class Sender:
    """Sends one batch after the other, each until it is taken. Use as a context manager."""

    def __init__(self, daemon, stream, batch=200, pause=0.0):
        self._daemon = daemon
        self._stream = stream
        self._batch = batch
        self._pause = pause
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._refusals = []
        self._failure = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0  # events of the stream that were acknowledged, from the first on

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """The batch under way is tried no more; what is not acknowledged is not in `sent`."""
        self._over.set()
        self._thread.join(60)
        if self._failure is not None:
            raise self._failure

    def refusals(self):
        """Answers other than 200 since the last call."""
        with self._lock:
            taken, self._refusals = self._refusals, []
        return taken

    def _run(self):
        try:
            while not self._over.is_set():
                self._send(to_ndjson(self._stream.slice(self.sent, self.sent + self._batch)))
        except BaseException as failure:  # told by stop()
            self._failure = failure

    def _send(self, body):
        while not self._over.is_set():
            answer = self._daemon.post_events(body)
            if answer.status == 200:
                self.sent += self._batch
                time.sleep(self._pause)
                return
            if answer.status not in (429, 503):
                raise AssertionError(f"POST /v1/events: {answer}")
            with self._lock:
                self._refusals.append(answer)
            time.sleep(0.1)
