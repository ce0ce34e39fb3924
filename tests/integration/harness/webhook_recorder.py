"""A webhook receiver that keeps what it is sent, and can be told to fail."""

import http.server
import json
import threading


class WebhookRecorder:
    """Listens on a free port of 127.0.0.1. Thread-safe; use as a context manager."""

    def __init__(self):
        self._lock = threading.Lock()
        self._bodies = []
        self._refused = 0
        self._status = 200
        self._listens = threading.Event()
        self._listens.set()
        recorder = self

        class Receiver(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if not recorder._listens.wait(60):
                    return
                status = recorder._take(body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def _take(self, body):
        with self._lock:
            if self._status == 200:
                self._bodies.append(body)
            else:
                self._refused += 1
            return self._status

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    @property
    def refused(self):
        with self._lock:
            return self._refused

    def answer_with(self, status):
        with self._lock:
            self._status = status
        self._listens.set()

    def hang(self):
        """Takes requests and answers none, until answer_with()."""
        self._listens.clear()

    def transitions(self):
        """Every alert transition received so far, in order of arrival, doubles included."""
        return [each for each in self._received() if each["format"] == "alert/1"]

    def heartbeats(self):
        return [each for each in self._received() if each["format"] == "heartbeat/1"]

    def _received(self):
        with self._lock:
            bodies = list(self._bodies)
        transitions = []
        for body in bodies:
            text = body.decode()
            try:
                value = json.loads(text)
                transitions.extend(value if isinstance(value, list) else value.get("alerts", [value]))
            except json.JSONDecodeError:  # several a request come as NDJSON
                transitions.extend(json.loads(line) for line in text.splitlines() if line)
        return transitions

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
