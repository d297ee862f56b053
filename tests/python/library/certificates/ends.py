"""What the programs about TLS share: certificates, contexts, two ends and their handshake."""
import os
import ssl

FOLDER = os.path.dirname(os.path.abspath(__file__))
AUTHORITY = os.path.join(FOLDER, "authority.pem")
SERVER = os.path.join(FOLDER, "server.pem")
OTHER = os.path.join(FOLDER, "other.pem")
CLIENT = os.path.join(FOLDER, "client.pem")
LOCKED = os.path.join(FOLDER, "locked.pem")


def raises(kind, f, *args, **kw):
    try:
        f(*args, **kw)
    except kind as e:
        assert type(e) is kind, type(e)
        return e
    raise AssertionError(f"no {kind.__name__}")


def client_context():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(AUTHORITY)
    return c


def server_context(file=SERVER):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(file)
    return c


def pair(client, server, host="localhost", **kw):
    """Two ends over buffers."""
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    return client.wrap_bio(a, b, server_hostname=host, **kw), server.wrap_bio(b, a, server_side=True)


def shake(c, s):
    """Runs a handshake; the exceptions that end it, by end."""
    failed = {}
    done = set()
    for _ in range(6):
        for name, end in (("client", c), ("server", s)):
            if name in failed or name in done:
                continue
            try:
                end.do_handshake()
                done.add(name)
            except ssl.SSLWantReadError as e:
                assert e.errno == ssl.SSL_ERROR_WANT_READ and e.reason is None and e.library is None
                assert "The operation did not complete (read) (_ssl.c:" in str(e)
            except OSError as e:
                failed[name] = e
    return failed
