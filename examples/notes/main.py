"""An HTTP server and its client, talking over the loopback interface: a small service that keeps notes.

The server runs in a thread of its own. Every request and what came back is printed, so that the output shows the
protocol: status codes, headers, JSON bodies, conditional requests, chunked answers, errors.
"""

import hashlib
import http.client
import json
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Store:
    """The notes by number. All methods may be called from any thread."""

    def __init__(self):
        self._notes = {}
        self._next = 1
        self._lock = threading.Lock()

    def add(self, title, tags=()):
        with self._lock:
            number = self._next
            self._next += 1
            self._notes[number] = {"id": number, "title": title, "tags": sorted(tags)}
            return dict(self._notes[number])

    def get(self, number):
        with self._lock:
            return dict(self._notes[number])

    def change(self, number, **values):
        with self._lock:
            self._notes[number].update(values)
            return dict(self._notes[number])

    def remove(self, number):
        with self._lock:
            del self._notes[number]

    def find(self, tag=None):
        with self._lock:
            return [dict(n) for n in self._notes.values() if tag is None or tag in n["tags"]]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "notes"
    sys_version = ""
    store: Store

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/notes":
            tag = parse_qs(url.query).get("tag", [None])[0]
            return self.answer(self.store.find(tag))
        if url.path == "/export":
            return self.export()
        with self.missing_notes():
            self.answer(self.store.get(self.note_number()))

    def do_POST(self):
        if self.path != "/notes":
            return self.send_error(HTTPStatus.NOT_FOUND, "nothing to post to")
        body = self.body()
        if body is not None:
            note = self.store.add(body["title"], body.get("tags", ()))
            self.answer(note, HTTPStatus.CREATED, {"Location": f"/notes/{note['id']}"})

    def do_PUT(self):
        with self.missing_notes():
            body = self.body()
            if body is not None:
                self.answer(self.store.change(self.note_number(), **body))

    def do_DELETE(self):
        with self.missing_notes():
            self.store.remove(self.note_number())
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()

    def note_number(self):
        return int(self.path.removeprefix("/notes/"))

    @contextmanager
    def missing_notes(self):
        """A note that is not there becomes a 404."""
        try:
            yield
        except (KeyError, ValueError):
            self.answer({"error": f"no note at {self.path}"}, HTTPStatus.NOT_FOUND)

    def body(self):
        length = int(self.headers.get("Content-Length", 0))
        try:
            return json.loads(self.rfile.read(length))
        except json.JSONDecodeError as error:
            self.answer({"error": f"bad JSON: {error.msg}", "at": error.pos}, HTTPStatus.BAD_REQUEST)

    def answer(self, value, status=HTTPStatus.OK, headers=None):
        data = json.dumps(value).encode()
        etag = '"' + hashlib.sha256(data).hexdigest()[:12] + '"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.end_headers()
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", etag)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def export(self):
        """All notes as lines, in chunks, since their length is not known before."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/jsonlines")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for note in self.store.find():
            line = json.dumps(note).encode() + b"\n"
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format, *args):
        """Keeps standard error clean: the client prints what happens."""


class Client:
    def __init__(self, host, port):
        self.connection = http.client.HTTPConnection(host, port, timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.connection.close()

    def request(self, method, path, value=None, *, raw=None, headers=None):
        body = raw if raw is not None else (json.dumps(value) if value is not None else None)
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        data = response.read()
        print(f"{method} {path} -> {response.status} {response.reason}")
        if (kind := response.headers.get_content_type()) == "application/json" and data:
            print("   ", json.dumps(json.loads(data), sort_keys=True))
        elif data:
            print(f"    {kind}, {len(data)} bytes, {len(data.splitlines())} lines")
        return response


@contextmanager
def running_server(store):
    handler = type("StoreHandler", (Handler,), {"store": store})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="server", kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address
        finally:
            server.shutdown()
            thread.join()


def many_clients(address, count):
    """Clients in parallel, each with its own connection."""
    results = []

    def work(i):
        connection = http.client.HTTPConnection(*address, timeout=30)
        connection.request("POST", "/notes", json.dumps({"title": f"from client {i}", "tags": ["bulk"]}))
        response = connection.getresponse()
        results.append((response.status, json.loads(response.read())["title"]))
        connection.close()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sorted(results)


def main():
    store = Store()
    with running_server(store) as address:
        with Client(*address) as client:
            created = client.request("POST", "/notes", {"title": "buy milk", "tags": ["home", "food"]})
            print("    Location:", created.headers["Location"])
            client.request("POST", "/notes", {"title": "call Zoë", "tags": ["home"]})
            client.request("PUT", "/notes/2", {"title": "call Zoë at 5"})
            first = client.request("GET", "/notes/1")
            client.request("GET", "/notes/1", headers={"If-None-Match": first.headers["ETag"]})
            client.request("GET", "/notes?tag=food")
            client.request("GET", "/export")
            client.request("POST", "/notes", raw='{"title": ')
            client.request("DELETE", "/notes/1")
            client.request("GET", "/notes/1")
            client.request("GET", "/notes/x")
            client.request("PATCH", "/notes/2", {})
        results = many_clients(address, 16)
        print(len(results), "notes from parallel clients:", results[0], "...", results[-1])
        with Client(*address) as client:
            client.request("GET", "/notes/2")
    print("after the server:", len(store.find("bulk")), "bulk notes,", [t.name for t in threading.enumerate()])


if __name__ == "__main__":
    main()
