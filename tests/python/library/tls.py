# TLS over buffers: handshakes, verification, names, sessions and callbacks.
import gc
import os
import ssl
import sys
import tempfile
import warnings
import weakref

from certificates.ends import AUTHORITY, CLIENT, FOLDER, LOCKED, OTHER, SERVER, client_context, pair, raises, server_context, shake


def buffers():
    b = ssl.MemoryBIO()
    assert (b.read(), b.pending, b.eof) == (b"", 0, False)
    assert b.write(b"abcdef") == 6 and b.write(bytearray(b"gh")) == 2 and b.write(memoryview(b"i")) == 1
    assert b.pending == 9 and b.read(2) == b"ab" and b.read(0) == b"" and b.read() == b"cdefghi"
    b.write(b"x")
    b.write_eof()
    assert not b.eof and b.read(5) == b"x" and b.eof
    e = raises(ssl.SSLError, b.write, b"y")
    assert e.args == ("cannot write() after write_eof()",)
    raises(TypeError, b.write, "text")
    raises(TypeError, ssl.MemoryBIO, 1)


def handshake():
    c, s = pair(client_context(), server_context())
    assert c.version() is None and c.cipher() is None and c.session is None and not c.session_reused
    assert str(raises(ValueError, c.getpeercert)) == "handshake not done yet"
    assert c.get_channel_binding() is None and c.server_hostname == "localhost" and s.server_hostname is None
    assert not shake(c, s)
    assert c.version() == s.version() == "TLSv1.3" and c.cipher() == s.cipher() and c.cipher()[1:] == ("TLSv1.3", 256)
    assert c.cipher() in s.shared_ciphers() and c.shared_ciphers() is None and c.compression() is None
    binding = c.get_channel_binding("tls-unique")
    assert binding == s.get_channel_binding() and len(binding) >= 12
    assert s.getpeercert() is None and s.getpeercert(True) is None
    assert c.write(b"hello") == 5 and s.read(3) == b"hel" and s.pending() == 2 and s.read() == b"lo"
    room = bytearray(b"......")
    s.write(b"0123456789")
    assert c.read(4, room) == 4 and room == b"0123.." and c.read(100, room) == 6 and room == b"456789"
    assert c.read(0) == b"" and c.write(b"") == 0
    raises(ValueError, c.read, -1)
    raises(ssl.SSLWantReadError, c.read, 1)
    big = os.urandom(100_000)
    assert c.write(big) == len(big)
    got = b""
    while len(got) < len(big):
        part = s.read(1 << 20)
        assert 0 < len(part) <= 16384
        got += part
    assert got == big
    # Either end closes; the other reads the end.
    raises(ssl.SSLWantReadError, s.unwrap)
    assert c.read(10) == b""
    c.unwrap()
    s.unwrap()
    e = raises(ssl.SSLZeroReturnError, s.read, 1)
    assert e.errno == ssl.SSL_ERROR_ZERO_RETURN and str(e).startswith("TLS/SSL connection has been closed (EOF)")
    e = raises(ssl.SSLError, c.write, b"x")
    assert e.reason == "PROTOCOL_IS_SHUTDOWN" and e.library == "SSL" and e.errno == ssl.SSL_ERROR_SSL


def versions():
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        c, s = client_context(), server_context()
        c.maximum_version = version
        s.minimum_version = ssl.TLSVersion.TLSv1_2
        c, s = pair(c, s)
        assert not shake(c, s) and c.version() == name == s.version()
        assert c.get_channel_binding() == s.get_channel_binding()
    c, s = client_context(), server_context()
    c.maximum_version = ssl.TLSVersion.TLSv1_2
    s.minimum_version = ssl.TLSVersion.TLSv1_3
    failed = shake(*pair(c, s))
    assert failed["server"].reason == "UNSUPPORTED_PROTOCOL", failed
    assert failed["client"].reason == "TLSV1_ALERT_PROTOCOL_VERSION", failed
    c, s = client_context(), server_context()
    for x in (c, s):
        x.maximum_version = ssl.TLSVersion.TLSv1_2
    c.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    s.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    failed = shake(*pair(c, s))
    assert failed["server"].reason == "NO_SHARED_CIPHER"
    assert failed["client"].reason == "SSLV3_ALERT_HANDSHAKE_FAILURE"
    assert "ssl/tls alert handshake failure" in str(failed["client"])


def verification():
    failed = shake(*pair(client_context(), server_context(), "wrong.test"))
    e = failed["client"]
    assert type(e) is ssl.SSLCertVerificationError and isinstance(e, ValueError) and isinstance(e, ssl.SSLError)
    assert (e.errno, e.library, e.reason, e.verify_code) == (1, "SSL", "CERTIFICATE_VERIFY_FAILED", 62)
    assert e.verify_message == "Hostname mismatch, certificate is not valid for 'wrong.test'."
    assert str(e).startswith(
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for "
        "'wrong.test'. (_ssl.c:"
    ), str(e)
    assert failed["server"].reason == "SSLV3_ALERT_BAD_CERTIFICATE"
    e = shake(*pair(client_context(), server_context(), "127.0.0.2"))["client"]
    assert (e.verify_code, e.verify_message) == (64, "IP address mismatch, certificate is not valid for '127.0.0.2'.")
    for host in ("127.0.0.1", "::1", "a.example.test", "LOCALHOST"):
        assert not shake(*pair(client_context(), server_context(), host)), host
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    failed = shake(*pair(nobody, server_context()))
    assert failed["client"].verify_message == "unable to get local issuer certificate"
    assert failed["client"].verify_code == 20 and failed["server"].reason == "TLSV1_ALERT_UNKNOWN_CA"
    nobody.check_hostname = False
    nobody.verify_mode = ssl.CERT_NONE
    c, s = pair(nobody, server_context(), "wrong.test")
    assert not shake(c, s) and c.getpeercert() == {} and c.getpeercert(True).startswith(b"0\x82")
    # The client shows a certificate of its own.
    server = server_context()
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(AUTHORITY)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    failed = shake(*pair(client_context(), server))
    assert failed["server"].reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    client = client_context()
    client.load_cert_chain(CLIENT)
    c, s = pair(client, server)
    assert not shake(c, s)
    assert s.getpeercert()["subject"] == ((("organizationName", "Tests"),), (("commonName", "client"),))
    assert s.get_unverified_chain()[0] == s.getpeercert(True) != c.getpeercert(True)
    # Strict verification, as create_default_context asks for it.
    strict = ssl.create_default_context(cafile=AUTHORITY)
    assert strict.verify_flags & ssl.VERIFY_X509_STRICT and strict.check_hostname
    assert not shake(*pair(strict, server_context()))


def certificates():
    c, s = pair(client_context(), server_context())
    assert not shake(c, s)
    cert = c.getpeercert()
    number = cert.pop("serialNumber")
    assert int(number, 16) > 0 and number == number.upper()
    authority = ((("organizationName", "Tests"),), (("commonName", "Authority"),))
    assert cert == {
        "subject": ((("countryName", "XX"),), (("organizationName", "Tests"),), (("commonName", "localhost"),)),
        "issuer": authority,
        "version": 3,
        "notBefore": "Jan  1 00:00:00 2020 GMT",
        "notAfter": "Jan  1 00:00:00 2120 GMT",
        "subjectAltName": (
            ("DNS", "localhost"),
            ("DNS", "*.example.test"),
            ("IP Address", "127.0.0.1"),
            ("IP Address", "0:0:0:0:0:0:0:1"),
            ("email", "someone@example.test"),
            ("URI", "https://example.test/"),
            ("Registered ID", "1.2.3.4"),
            ("DirName", ((("organizationName", "Tests"),), (("commonName", "Folder"),))),
        ),
        "OCSP": ("http://ocsp.example.test/",),
        "caIssuers": ("http://issuers.example.test/",),
        "crlDistributionPoints": ("http://lists.example.test/",),
    }, cert
    assert list(cert)[:3] == ["subject", "issuer", "version"]
    with open(SERVER) as f:
        text = f.read()
    der = ssl.PEM_cert_to_DER_cert(text[: text.index("-----BEGIN PRIVATE")].strip())
    assert c.getpeercert(True) == der
    leaf, root = c._sslobj.get_verified_chain()
    (sent,) = c._sslobj.get_unverified_chain()
    assert leaf == sent and hash(leaf) == hash(sent) and leaf != root and leaf != 5
    assert repr(leaf) == "<_ssl.Certificate 'CN=localhost,O=Tests,C=XX'>", repr(leaf)
    assert leaf.public_bytes() in text and leaf.public_bytes(ssl._ssl.ENCODING_DER) == der
    assert root.get_info()["subject"] == authority == root.get_info()["issuer"]
    raises(ValueError, leaf.public_bytes, 7)
    raises(TypeError, lambda: leaf < root)
    raises(TypeError, type(leaf))
    assert c.get_verified_chain()[0] == der and ssl._ssl._test_decode_cert(SERVER)["version"] == 3


def contexts():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert c.protocol is ssl.PROTOCOL_TLS_CLIENT and c.check_hostname and c.verify_mode is ssl.CERT_REQUIRED
    assert c.options & ssl.OP_NO_COMPRESSION and c.options & ssl.OP_NO_SSLv3
    e = raises(ValueError, setattr, c, "verify_mode", ssl.CERT_NONE)
    assert str(e) == "Cannot set verify_mode to CERT_NONE when check_hostname is enabled."
    c.check_hostname = False
    c.verify_mode = ssl.CERT_OPTIONAL
    assert c.verify_mode is ssl.CERT_OPTIONAL
    c.verify_mode = ssl.CERT_NONE
    c.check_hostname = True
    assert c.verify_mode is ssl.CERT_REQUIRED
    raises(ValueError, setattr, c, "verify_mode", 9)
    raises(ValueError, setattr, c, "minimum_version", 5)
    raises(ValueError, setattr, c, "sni_callback", print)
    raises(ValueError, setattr, c, "num_tickets", 1)
    raises(ValueError, setattr, c, "options", -1)
    raises(OverflowError, setattr, c, "options", 1 << 70)
    raises(AttributeError, setattr, c, "protocol", 1)
    e = raises(AttributeError, delattr, ssl._ssl._SSLContext(ssl.PROTOCOL_TLS_CLIENT), "options")
    assert str(e) == "attribute 'options' of '_ssl._SSLContext' objects cannot be deleted"
    e = raises(ssl.SSLError, c.set_ciphers, "nothing")
    assert e.args == ("No cipher can be selected.",)
    c.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    names = [x["name"] for x in c.get_ciphers()]
    assert names[-1] == "ECDHE-RSA-AES128-GCM-SHA256" and names[0].startswith("TLS_")
    shown = c.get_ciphers()[-1]
    assert shown["protocol"] == "TLSv1.2" and shown["strength_bits"] == 128 and shown["aead"] is True
    assert shown["symmetric"] == "aes-128-gcm" and shown["digest"] is None and shown["auth"] == "auth-rsa"
    assert c.session_stats()["number"] == 0 and len(c.session_stats()) == 11
    assert c.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0} and c.get_ca_certs() == []
    c.load_verify_locations(AUTHORITY)
    with open(AUTHORITY) as f:
        text = f.read()
    c.load_verify_locations(cadata=text + "\n" + text)
    c.load_verify_locations(cadata=ssl.PEM_cert_to_DER_cert(text) * 2)
    assert c.cert_store_stats() == {"x509": 1, "crl": 0, "x509_ca": 1}
    assert c.get_ca_certs(True) == [ssl.PEM_cert_to_DER_cert(text)] and c.get_ca_certs()[0]["version"] == 3
    e = raises(ssl.SSLError, c.load_verify_locations, cadata="nothing")
    assert str(e).startswith("no start line: cadata does not contain a certificate")
    e = raises(ssl.SSLError, c.load_verify_locations, cadata=b"nothing")
    assert str(e).startswith("not enough data: cadata does not contain a certificate")
    raises(ssl.SSLError, c.load_verify_locations, cadata=ssl.PEM_cert_to_DER_cert(text) + b"x")
    raises(TypeError, c.load_verify_locations)
    assert str(raises(TypeError, c.load_verify_locations, 5)) == "cafile should be a valid filesystem path"
    assert raises(FileNotFoundError, c.load_verify_locations, "nowhere.pem").errno == 2
    assert raises(FileNotFoundError, c.load_cert_chain, "nowhere.pem").errno == 2
    e = raises(ssl.SSLError, c.load_cert_chain, AUTHORITY)
    assert e.library == "SSL" and e.reason is None and str(e).startswith("[SSL] PEM lib (_ssl.c:"), str(e)
    e = raises(ssl.SSLError, c.load_cert_chain, SERVER, OTHER)
    assert e.reason == "KEY_VALUES_MISMATCH" and e.library == "X509"
    for password in ("secret", b"secret", bytearray(b"secret"), lambda: "secret", lambda: b"secret"):
        c.load_cert_chain(LOCKED, password=password)
    raises(ssl.SSLError, c.load_cert_chain, LOCKED, password="wrong")
    raises(ValueError, c.load_cert_chain, LOCKED, password="x" * 1025)
    raises(TypeError, c.load_cert_chain, LOCKED, password=5)
    raises(ZeroDivisionError, c.load_cert_chain, LOCKED, password=lambda: 1 / 0)
    assert str(raises(TypeError, c.load_cert_chain, LOCKED, password=lambda: 5)) == (
        "password callback must return a string"
    )
    c.set_ecdh_curve("prime256v1")
    assert str(raises(ValueError, c.set_ecdh_curve, "no curve")) == "unknown elliptic curve name 'no curve'"
    assert raises(FileNotFoundError, c.load_dh_params, "nowhere.pem").errno == 2
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        ssl.SSLContext(ssl.PROTOCOL_TLS)
        c.options |= ssl.OP_NO_TLSv1_1
        c.minimum_version = ssl.TLSVersion.TLSv1
    assert [str(w.message) for w in seen] == [
        "ssl.PROTOCOL_TLS is deprecated",
        "ssl.OP_NO_SSL*/ssl.OP_NO_TLS* options are deprecated",
        "ssl.TLSVersion.TLSv1 is deprecated",
    ], seen
    assert c.minimum_version is ssl.TLSVersion.TLSv1
    b = ssl.MemoryBIO()
    raises(ssl.SSLError, c._wrap_bio, b, b, True)
    raises(ValueError, c._wrap_bio, b, b, False, server_hostname="")
    raises(ValueError, c._wrap_bio, b, b, False, server_hostname=".dot")
    raises(TypeError, c._wrap_bio, b, b, False, server_hostname="nul\0")
    raises(TypeError, ssl._ssl._SSLSocket)
    # Contexts with callbacks that lead back to them are collected.
    s = server_context()
    s.sni_callback = lambda *a, s=s: None
    gone = weakref.ref(s)
    del s
    gc.collect()
    assert gone() is None


def trust_of_the_environment():
    saved = {k: os.environ.get(k) for k in ("SSL_CERT_FILE", "SSL_CERT_DIR")}
    try:
        os.environ["SSL_CERT_FILE"] = AUTHORITY
        os.environ["SSL_CERT_DIR"] = FOLDER
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.load_default_certs()
        assert c.cert_store_stats() == {"x509": 1, "crl": 0, "x509_ca": 1}
        assert ssl.get_default_verify_paths().cafile == AUTHORITY
    finally:
        for k, v in saved.items():
            if v is None:
                del os.environ[k]
            else:
                os.environ[k] = v


def alpn():
    for ours, theirs, chosen in (
        (["h2", "http/1.1"], ["http/1.1", "h2"], "http/1.1"),
        (["h2"], ["spdy", "h2"], "h2"),
        (["h2"], ["spdy"], None),
        (["h2"], None, None),
    ):
        client, server = client_context(), server_context()
        client.set_alpn_protocols(ours)
        if theirs:
            server.set_alpn_protocols(theirs)
        c, s = pair(client, server)
        assert not shake(c, s)
        assert c.selected_alpn_protocol() == s.selected_alpn_protocol() == chosen, (ours, theirs)
    raises(ssl.SSLError, client.set_alpn_protocols, [""])


def names():
    seen = []
    second = server_context(OTHER)
    server = server_context()

    def choose(end, name, context):
        seen.append((name, context is server))
        assert isinstance(end, ssl.SSLObject) and end.context is server
        if name == "other.test":
            end.context = second

    server.sni_callback = choose
    assert server.sni_callback is choose
    c, s = pair(client_context(), server, "other.test")
    assert not shake(c, s) and c.getpeercert()["subject"][-1] == (("commonName", "other.test"),)
    assert s.context is second
    assert not shake(*pair(client_context(), server))
    assert not shake(*pair(client_context(), server, "127.0.0.1"))
    assert seen == [("other.test", True), ("localhost", True), (None, True)], seen
    server.sni_callback = lambda *a: ssl.ALERT_DESCRIPTION_ACCESS_DENIED
    failed = shake(*pair(client_context(), server))
    assert failed["client"].reason == "TLSV1_ALERT_ACCESS_DENIED" and failed["server"].reason == "CALLBACK_FAILED"
    reports = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda u: reports.append((u.exc_type, u.err_msg))
    try:
        server.sni_callback = lambda *a: 1 / 0
        assert shake(*pair(client_context(), server))["client"].reason == "SSLV3_ALERT_HANDSHAKE_FAILURE"
        server.sni_callback = lambda *a: "text"
        assert shake(*pair(client_context(), server))["client"].reason == "TLSV1_ALERT_INTERNAL_ERROR"
    finally:
        sys.unraisablehook = hook
    assert [r[0] for r in reports] == [ZeroDivisionError, TypeError]
    raises(TypeError, setattr, server, "sni_callback", 5)


def sessions():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        client, server = client_context(), server_context()
        client.maximum_version = version
        c, s = pair(client, server)
        assert not shake(c, s)
        s.write(b"x")
        assert c.read(1) == b"x"
        session = c.session
        assert session == c.session and session.has_ticket and session.timeout > 0 and session.time > 0
        assert isinstance(session.id, bytes) and session.ticket_lifetime_hint > 0
        assert not session != c.session and session != 5
        raises(TypeError, hash, session)
        assert str(raises(ValueError, setattr, c, "session", session)) == "Cannot set session after handshake."
        c2, s2 = pair(client, server, session=session)
        assert not shake(c2, s2) and c2.session_reused and s2.session_reused
        assert server.session_stats()["hits"] == 1
        raises(ValueError, pair, client_context(), server, session=session)
        raises(TypeError, pair, client, server, session=5)
        c3, s3 = pair(client, server)
        c3.session = session
        assert not shake(c3, s3) and c3.session_reused
        raises(ValueError, setattr, s3, "session", session)


def callbacks():
    messages = []
    client, server = client_context(), server_context()
    client._msg_callback = lambda *a: messages.append(a)
    c, s = pair(client, server)
    assert not shake(c, s)
    assert messages[1][0] is c and messages[1][1] == "write" and messages[1][4] is ssl._TLSMessageType.CLIENT_HELLO
    assert {m[4] for m in messages} >= {ssl._TLSMessageType.SERVER_HELLO, ssl._TLSMessageType.FINISHED}
    assert {m[2] for m in messages} >= {ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2}
    client._msg_callback = lambda *a: 1 / 0
    e = raises(ssl.SSLWantReadError, pair(client, server)[0].do_handshake)
    assert isinstance(e.__context__, ZeroDivisionError)
    client._msg_callback = None
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "keys")
        client.keylog_filename = log
        assert client.keylog_filename == log
        assert not shake(*pair(client, server))
        client.keylog_filename = None
        with open(log) as f:
            lines = f.read().splitlines()
        assert lines[0].startswith("#") and any(x.startswith("CLIENT_HANDSHAKE_TRAFFIC_SECRET ") for x in lines)
        raises(FileNotFoundError, setattr, client, "keylog_filename", os.path.join(folder, "no", "keys"))
    # Keys that both ends know.
    told = []
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("PSK")
    client.set_psk_client_callback(lambda hint: told.append(hint) or ("me", b"key"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.set_ciphers("PSK")
    server.set_psk_server_callback(lambda identity: told.append(identity) or b"key", "a hint")
    c, s = pair(client, server)
    assert not shake(c, s), shake(c, s)
    assert told == ["a hint", "me"] and "PSK" in c.cipher()[0]
    raises(ssl.SSLError, client.set_psk_server_callback, print)
    raises(ssl.SSLError, server.set_psk_client_callback, print)
    raises(TypeError, client.set_psk_client_callback, 5)
    # A certificate is asked for after the handshake.
    client, server = client_context(), server_context()
    client.post_handshake_auth = True
    client.load_cert_chain(CLIENT)
    server.post_handshake_auth = True
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(AUTHORITY)
    c, s = pair(client, server)
    assert not shake(c, s) and s.getpeercert() is None
    s.verify_client_post_handshake()
    s.write(b"?")
    assert c.read(1) == b"?"
    c.write(b"!")
    assert s.read(1) == b"!" and s.getpeercert()["subject"][-1] == (("commonName", "client"),)
    assert raises(ssl.SSLError, c.verify_client_post_handshake).reason == "NOT_SERVER"


def broken_streams():
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    c = client_context().wrap_bio(a, b, server_hostname="localhost")
    a.write_eof()
    e = raises(ssl.SSLEOFError, c.do_handshake)
    assert e.reason == "UNEXPECTED_EOF_WHILE_READING" and "EOF occurred in violation of protocol" in str(e)
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    s = server_context().wrap_bio(a, b, server_side=True)
    a.write(b"GET / HTTP/1.0\r\n\r\n")
    assert raises(ssl.SSLError, s.do_handshake).reason == "HTTP_REQUEST"
    for _ in range(20):
        a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
        s = server_context().wrap_bio(a, b, server_side=True)
        a.write(b"\x16\x03\x01" + os.urandom(300))
        try:
            s.do_handshake()
        except ssl.SSLError:
            pass


def module():
    assert ssl.OPENSSL_VERSION.startswith("OpenSSL 3.") and ssl.OPENSSL_VERSION_INFO[0] == 3
    assert ssl.HAS_SNI and ssl.HAS_ALPN and ssl.HAS_TLSv1_3 and ssl.HAS_PSK and not ssl.HAS_SSLv3
    assert ssl._ssl.txt2obj("1.3.6.1.5.5.7.3.1") == (
        129,
        "serverAuth",
        "TLS Web Server Authentication",
        "1.3.6.1.5.5.7.3.1",
    )
    assert ssl._ssl.txt2obj("serverAuth", name=True) == ssl._ssl.nid2obj(129)
    assert str(raises(ValueError, ssl._ssl.txt2obj, "serverAuth")) == "unknown object 'serverAuth'"
    assert str(raises(ValueError, ssl._ssl.nid2obj, 99999)) == "unknown NID 99999"
    raises(ValueError, ssl._ssl.nid2obj, -1)
    assert len(ssl.RAND_bytes(16)) == 16 and ssl.RAND_bytes(0) == b"" and ssl.RAND_status() is True
    raises(ValueError, ssl.RAND_bytes, -1)
    ssl.RAND_add("text", 1.0)
    ssl.RAND_add(b"bytes", 1.0)
    # A child that was forked has random numbers of its own.
    r, w = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(w, ssl.RAND_bytes(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(r, 16) != ssl.RAND_bytes(16)
    os.close(r)
    os.close(w)
    assert str(ssl.SSLError(1, "text")) == "text" and str(ssl.SSLError("alone")) == "('alone',)"
    assert ssl.SSLCertVerificationError.__mro__[1:4] == (ssl.SSLError, OSError, ValueError)
    paths = ssl._ssl.get_default_verify_paths()
    assert paths[0] == "SSL_CERT_FILE" and paths[2] == "SSL_CERT_DIR" and os.path.isabs(paths[1])


for test in (
    module,
    buffers,
    handshake,
    versions,
    verification,
    certificates,
    contexts,
    trust_of_the_environment,
    alpn,
    names,
    sessions,
    callbacks,
    broken_streams,
):
    test()
print("tls: ok")
