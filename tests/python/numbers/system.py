import errno
import math
import os
import stat
import time

def raises(kind, text, f, *args, **kw):
    try:
        f(*args, **kw)
    except kind as e:
        assert str(e) == text, (str(e), text)
        return e
    raise AssertionError(f"{kind} expected")

# math
assert math.isqrt(10**40 + 1) == 10**20 and math.comb(100, 50) == math.factorial(100) // math.factorial(50) ** 2
assert math.perm(10, 3) == 720 and math.gcd(12, 18, -30) == 6 and math.lcm(4, 6) == 12 and math.gcd() == 0
assert math.fsum([0.1] * 10) == 1.0 and math.sumprod([10, 20], [1.5, 2]) == 55.0 and math.prod([1, 2, 3.5], start=2) == 14.0
assert math.log(10**400) == 921.0340371976182 and math.log2(2**3000) == 3000.0 and math.log10(10**500) == 500.0
assert math.fma(2, 3, 4) == 10.0 and math.nextafter(1, 2, steps=2) == 1.0000000000000004 and math.ulp(1.0) == 2**-52
assert math.hypot(3, 4) == 5.0 and math.dist((0, 0), (3, 4)) == 5.0 and math.modf(-1.5) == (-0.5, -1.0) and math.frexp(8) == (0.5, 4)
raises(ValueError, "expected a nonnegative input, got -1.0", math.sqrt, -1)
raises(ValueError, "expected a positive input", math.log, 0)
raises(OverflowError, "math range error", math.exp, 1000)
raises(ValueError, "math domain error", math.fmod, 1, 0)

# time
t = time.gmtime(0)
assert t[:6] == (1970, 1, 1, 0, 0, 0) and t.tm_zone == "GMT" and t.tm_gmtoff == 0 and len(t) == 9 and t.tm_yday == 1 and t.tm_wday == 3
assert repr(t).startswith("time.struct_time(tm_year=1970, tm_mon=1, ") and time.strftime("%Y-%m-%d %H:%M:%S", t) == "1970-01-01 00:00:00"
assert time.asctime(t) == "Thu Jan  1 00:00:00 1970" and time.mktime(time.localtime(10**9)) == 10**9
assert time.struct_time(range(9)).tm_zone is None and time.struct_time(range(11)).tm_gmtoff == 10
raises(TypeError, "time.struct_time() takes an at least 9-sequence (3-sequence given)", time.struct_time, (1, 2, 3))
a = time.monotonic_ns()
time.sleep(0.01)
assert time.monotonic_ns() - a >= 10_000_000 and isinstance(time.time(), float) and time.get_clock_info("time").adjustable is True
raises(ValueError, "sleep length must be non-negative", time.sleep, -1)

# os
base = f"/tmp/cinder-test-{os.getpid()}"
os.mkdir(base)
path = os.path.join(base, "file")
fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
assert os.write(fd, b"hello") == 5 and os.lseek(fd, 0, 0) == 0 and os.read(fd, 100) == b"hello" and os.pread(fd, 2, 1) == b"el"
st = os.fstat(fd)
assert st.st_size == 5 and stat.S_ISREG(st.st_mode) and len(st) == 10 and st[6] == 5 and st.st_mtime_ns // 10**9 == st[8]
assert os.get_inheritable(fd) is False and st == os.stat(path) == os.stat(path.encode()) and repr(st).startswith("os.stat_result(st_mode=")
os.close(fd)
e = raises(FileNotFoundError, f"[Errno 2] No such file or directory: '{base}/none'", os.stat, base + "/none")
assert e.errno == errno.ENOENT and e.filename == base + "/none"
os.symlink("file", base + "/link")
assert os.readlink(base + "/link") == "file" and os.readlink((base + "/link").encode()) == b"file"
assert sorted(os.listdir(base)) == ["file", "link"] and sorted(os.listdir(base.encode())) == [b"file", b"link"]
with os.scandir(base) as entries:
    found = {x.name: (x.is_file(), x.is_symlink(), x.is_dir(), x.path) for x in entries}
assert found == {"file": (True, False, False, path), "link": (True, True, False, base + "/link")}
os.utime(path, ns=(10**18, 10**18 + 7))
assert os.stat(path).st_mtime_ns == 10**18 + 7
os.rename(path, path + "2")
os.unlink(path + "2")
os.remove(base + "/link")
os.rmdir(base)
raises(TypeError, "stat: path should be string, bytes, os.PathLike or integer, not list", os.stat, [])
raises(ValueError, "stat: embedded null character in path", os.stat, "a\0b")

r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(w, b"child")
    os._exit(3)
os.close(w)
assert os.read(r, 10) == b"child"
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
os.environ["CINDER_TEST"] = "value"
assert os.getenv("CINDER_TEST") == "value" and os.environb[b"CINDER_TEST"] == b"value"
del os.environ["CINDER_TEST"]
assert "CINDER_TEST" not in os.environ and len(os.urandom(16)) == 16 and os.strerror(2) == "No such file or directory"
assert stat.filemode(0o100755) == "-rwxr-xr-x" and stat.filemode(0o41777) == "drwxrwxrwt"
