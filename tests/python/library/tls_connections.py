# TLS over sockets: threads, timeouts, asyncio and HTTPS.
import asyncio
import gc
import http.server
import os
import signal
import socket
import ssl
import sys
import threading
import urllib.error
import urllib.request

from certificates.ends import client_context, raises, server_context


class Echo(threading.Thread):
    """A server that sends back what it gets."""

    def __init__(self, context=None):
        super().__init__(daemon=True)
        self.context = context or server_context()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.failures = []

    def run(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        try:
            with self.context.wrap_socket(raw, server_side=True) as s:
                while data := s.recv(4096):
                    s.sendall(data)
                s.unwrap()
        except OSError as e:
            self.failures.append(e)
            raw.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()


def sockets():
    context = client_context()
    with Echo() as server:
        with context.wrap_socket(socket.create_connection(server.address), server_hostname="localhost") as s:
            assert s.version() == "TLSv1.3"
            s.sendall(b"ping")
            assert s.recv(10) == b"ping"
            # One thread writes while another waits to read.
            data = os.urandom(3_000_000)
            writer = threading.Thread(target=s.sendall, args=(data,))
            writer.start()
            got = bytearray()
            while len(got) < len(data):
                got += s.recv(1 << 16)
            writer.join()
            assert got == data
            s.settimeout(0.05)
            assert str(raises(TimeoutError, s.recv, 1)) == "The read operation timed out"
            s.setblocking(False)
            raises(ssl.SSLWantReadError, s.recv, 1)
            s.settimeout(10)
            raw = s.unwrap()
            assert isinstance(raw, socket.socket)
            raw.close()
        # A host that is not the certificate's: the handshake fails at once, and the socket is closed.
        e = raises(
            ssl.SSLCertVerificationError,
            context.wrap_socket,
            socket.create_connection(server.address),
            server_hostname="wrong.test",
        )
        assert e.verify_code == 62
    a, b = socket.socketpair()
    with a, b:
        a.settimeout(0.05)
        e = raises(TimeoutError, context.wrap_socket, a, server_hostname="localhost")
        assert str(e).endswith(": The handshake operation timed out") and str(e).startswith("_ssl.c:")
    a, b = socket.socketpair()
    s = context.wrap_socket(a, server_hostname="localhost", do_handshake_on_connect=False)
    b.close()
    assert isinstance(raises(BrokenPipeError, s.do_handshake), ConnectionError)
    s.close()
    # The socket object is gone.
    a, b = socket.socketpair()
    s = context._wrap_socket(a, False, server_hostname="localhost")
    a.close()
    assert raises(OSError, s.do_handshake).errno == 9
    del a
    gc.collect()
    assert str(raises(ssl.SSLError, s.do_handshake)).startswith("Underlying socket connection gone")
    b.close()


def threads_and_signals():
    context = client_context()
    with Echo() as server:
        with context.wrap_socket(socket.create_connection(server.address), server_hostname="localhost") as s:
            # Everything at once: a reader that waits, writers, and threads that ask.
            stop = threading.Event()
            total = 0
            failures = []
            hook, threading.excepthook = threading.excepthook, failures.append

            def ask():
                while not stop.is_set():
                    assert s.version() == "TLSv1.3" and s.cipher() and s.pending() >= 0
                    assert s.getpeercert()["version"] == 3 and s.session is not None

            def write():
                for i in range(200):
                    s.send(b"%04d" % i * 50)

            askers = [threading.Thread(target=ask) for _ in range(3)]
            writer = threading.Thread(target=write)
            for t in askers + [writer]:
                t.start()
            while total < 200 * 200:
                got = len(s.recv(10_000))
                assert got
                total += got
            stop.set()
            for t in askers + [writer]:
                t.join()
            threading.excepthook = hook
            assert not failures, failures

            # A signal's handler runs while a read waits; the read goes on, or ends with what the handler raises.
            seen = []
            previous = signal.signal(signal.SIGALRM, lambda *_: seen.append(1) or s.send(b"wake"))
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                assert s.recv(10) == b"wake" and seen == [1]

                def fail(*_):
                    raise InterruptedError("handler")

                signal.signal(signal.SIGALRM, fail)
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                assert str(raises(InterruptedError, s.recv, 10)) == "handler"
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, previous)
            s.sendall(b"still there")
            assert s.recv(100) == b"still there"


async def over_asyncio():
    async def echo(reader, writer):
        while data := await reader.readline():
            writer.write(data.upper())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context())
    host, port = server.sockets[0].getsockname()
    context = client_context()

    async def talk(i):
        reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname="localhost")
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        for j in range(5):
            writer.write(b"line %d %d\n" % (i, j))
            assert await reader.readline() == b"LINE %d %d\n" % (i, j)
        writer.close()
        await writer.wait_closed()

    async with server:
        await asyncio.gather(*map(talk, range(4)))
        try:
            await asyncio.open_connection(host, port, ssl=context, server_hostname="wrong.test")
        except ssl.SSLCertVerificationError as e:
            assert e.verify_code == 62
        else:
            raise AssertionError("a wrong name was taken")

    # TLS is started on a connection that is open.
    async def upgrade(reader, writer):
        assert await reader.readline() == b"STARTTLS\n"
        writer.write(b"go\n")
        await writer.start_tls(server_context())
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(upgrade, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"STARTTLS\n")
        assert await reader.readline() == b"go\n"
        await writer.start_tls(context, server_hostname="localhost")
        writer.write(b"secret\n")
        assert await reader.readline() == b"secret\n"
        writer.close()


def https():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"you asked for {self.path}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            assert isinstance(sys.exception(), OSError), sys.exception()

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = server_context().wrap_socket(server.socket, server_side=True)
    runner = threading.Thread(target=server.serve_forever, args=(0.01,))
    runner.start()
    try:
        url = f"https://localhost:{server.server_port}"
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=client_context())
        )
        for path in ("/a", "/b"):
            with opener.open(url + path, timeout=20) as answer:
                assert answer.status == 200 and answer.read() == b"you asked for " + path.encode()
        strangers = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
        )
        e = raises(urllib.error.URLError, strangers.open, url, timeout=20)
        assert isinstance(e.reason, ssl.SSLCertVerificationError)
    finally:
        server.shutdown()
        runner.join()
        server.server_close()


sockets()
threads_and_signals()
asyncio.run(over_asyncio())
https()
print("tls_connections: ok")
