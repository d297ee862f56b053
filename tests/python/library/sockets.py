"""Sockets: arguments that are out of range, addresses of every family, descriptors sent along."""

import os
import socket
import subprocess
import sys
import tempfile


def raises(kind, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert type(e) is kind, e
        return str(e)
    raise AssertionError(f"{kind} was not raised")


# Numbers that the C types do not hold.
for convert in socket.ntohs, socket.htons, socket.ntohl, socket.htonl:
    assert raises(ValueError, convert, -1) == "Cannot convert negative int" == raises(ValueError, convert, -1 << 1000)
    raises(OverflowError, convert, 1 << 32)
assert raises(OverflowError, socket.htons, 1 << 16) == "Python int too large for C uint16_t"
assert socket.htonl(socket.ntohl(0xFFFF_FFFE)) == 0xFFFF_FFFE

raises(ValueError, socket.if_indextoname, -1)
raises(OverflowError, socket.if_indextoname, 1 << 40)
try:
    socket.if_nametoindex("no-such-interface")
except OSError as e:
    assert e.errno is not None
else:
    raise AssertionError("the interface exists")

if hasattr(socket, "CMSG_LEN"):
    limit = 0x7FFF_FFFF
    assert socket.CMSG_LEN(limit - socket.CMSG_LEN(0)) == limit
    for length in -1, limit - socket.CMSG_LEN(0) + 1, sys.maxsize:
        raises(OverflowError, socket.CMSG_LEN, length)
    raises(OverflowError, socket.CMSG_SPACE, limit - socket.CMSG_SPACE(1) + 1)

# Targets that cannot be written to.
a, b = socket.socketpair()
with a, b:
    said = raises(TypeError, b.recv_into, b"fixed")
    assert said == "recv_into() argument 1 must be read-write bytes-like object, not bytes", said
    raises(TypeError, b.recvfrom_into, "text")
    for buffers in [b"fixed"], [object()], [bytearray(3), 5]:
        said = raises(TypeError, b.recvmsg_into, buffers)
        assert said.endswith("must be an iterable of single-segment read-write buffers"), said

    # Descriptors that come with a message; flags are those of the message.
    read, write = os.pipe()
    socket.send_fds(a, [b"take it"], [read])
    message, (received,), flags, _ = socket.recv_fds(b, 100, 5)
    assert (message, flags) == (b"take it", 0)
    os.write(write, b"through")
    assert os.read(received, 10) == b"through"
    for fd in read, write, received:
        os.close(fd)

if sys.platform == "linux":
    # The system gives a name in the abstract namespace where none is asked for.
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("")
        name = s.getsockname()
        assert len(name) == 6 and name[0] == 0, name

index, name = socket.if_nameindex()[0]
if socket.has_ipv6:
    try:
        ((*_, address),) = socket.getaddrinfo(
            f"ff02::1de:c0:face:8d%{name}", 1234, socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_UDP
        )
    except socket.gaierror:
        pass  # No IPv6 here.
    else:
        assert address == ("ff02::1de:c0:face:8d", 1234, 0, index), address

# Children: groups that are none, functions for the child when the interpreter is on its way out.
assert raises(ValueError, subprocess.check_call, ["true"], extra_groups=[1 << 64]) == "invalid group id"
late = """
import subprocess

class Late:
    def __del__(self):
        print("begun")
        subprocess.Popen(["/bin/sh", "-c", ":"], preexec_fn=lambda: None)
        print("never printed")

late = Late()
"""
with tempfile.TemporaryDirectory() as d:
    p = subprocess.run([sys.executable, "-c", late], capture_output=True, text=True, cwd=d)
assert p.stdout == "begun\n" and "preexec_fn not supported at interpreter shutdown" in p.stderr, p
