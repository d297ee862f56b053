"""An asyncio crawler and the site that it crawls: both in one process, talking over the loopback interface.

The server speaks a small part of HTTP/1.1 with asyncio's streams; the crawler keeps a few connections open, follows
links breadth first, respects what the site excludes, and reports in an order that does not depend on timing.
"""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

SITE = {
    "/": ("Home", ["/a/", "/b/", "about.html#team", "http://elsewhere.invalid/"]),
    "/about.html": ("About", ["/", "/a/"]),
    "/a/": ("Section A", [f"page{i}.html" for i in range(1, 6)] + ["../b/"]),
    "/b/": ("Section B", ["deep/", "/moved", "/gone", "/private/x.html"]),
    "/b/deep/": ("Deep", ["../../a/page1.html", "?q=1", "broken.html"]),
    "/private/x.html": ("Private", []),
    **{f"/a/page{i}.html": (f"Page {i}", [f"page{i % 5 + 1}.html"]) for i in range(1, 6)},
}
MOVED = {"/moved": "/a/page3.html"}
EXCLUDED = "User-agent: *\nDisallow: /private/\n"


class Server:
    """Serves SITE. Every third request of a page is answered slowly, and /b/deep/broken.html closes early."""

    def __init__(self):
        self.requests = Counter()
        self.connections = 0

    async def handle(self, reader, writer):
        self.connections += 1
        try:
            while line := await reader.readline():
                method, target, _ = line.decode("ascii").split()
                while (await reader.readline()).strip():
                    pass
                path = urlsplit(target).path
                self.requests[target] += 1
                if path.endswith("broken.html"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<html>cut")
                    return
                if sum(self.requests.values()) % 3 == 0:
                    await asyncio.sleep(0.01)
                status, headers, body = self.page(path)
                head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
                writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + (b"" if method == "HEAD" else body))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def page(self, path):
        if path == "/robots.txt":
            return "200 OK", ["Content-Type: text/plain"], EXCLUDED.encode()
        if path in MOVED:
            return "301 Moved Permanently", [f"Location: {MOVED[path]}"], b""
        if path not in SITE:
            return "404 Not Found", ["Content-Type: text/plain"], b"nothing here"
        title, links = SITE[path]
        items = "".join(f'<li><a href="{link}">to {link}</a>' for link in links)
        html = f"<!doctype html><title>{title}</title><h1>{title} &amp; more</h1><ul>{items}</ul>"
        return "200 OK", ["Content-Type: text/html"], html.encode()


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links, self.title, self._in_title = [], "", False

    def handle_starttag(self, tag, attrs):
        self._in_title = tag == "title"
        if tag == "a" and (href := dict(attrs).get("href")):
            self.links.append(href)

    def handle_endtag(self, tag):
        self._in_title = False

    def handle_data(self, data):
        if self._in_title:
            self.title += data


@dataclass
class Result:
    url: str
    status: int
    title: str = ""
    links: list = field(default_factory=list)
    note: str = ""


class Connection:
    """A connection that is opened when it is first needed, and again after an error."""

    def __init__(self, host, port):
        self.address = host, port
        self.streams = None

    async def get(self, target):
        if self.streams is None:
            self.streams = await asyncio.open_connection(*self.address)
        reader, writer = self.streams
        try:
            writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await writer.drain()
            status = int((await reader.readuntil(b"\r\n")).split()[1])
            headers = {}
            while line := (await reader.readuntil(b"\r\n")).strip():
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            body = await reader.readexactly(int(headers["content-length"]))
            return status, headers, body
        except BaseException:
            await self.close()
            raise

    async def close(self):
        if self.streams:
            self.streams[1].close()
            self.streams = None


class Spider:
    def __init__(self, base, workers=4):
        self.base = base
        self.workers = workers
        self.queue = asyncio.Queue()
        self.results = {}
        self.seen = set()
        self.excluded = []
        self.skipped = Counter()

    def enqueue(self, url):
        url = urldefrag(url).url
        if urlsplit(url).netloc != urlsplit(self.base).netloc:
            self.skipped["other site"] += 1
        elif any(urlsplit(url).path.startswith(p) for p in self.excluded):
            self.skipped["excluded"] += 1
        elif url not in self.seen:
            self.seen.add(url)
            self.queue.put_nowait(url)

    async def crawl(self):
        parts = urlsplit(self.base)
        first = Connection(parts.hostname, parts.port)
        _, _, robots = await first.get("/robots.txt")
        self.excluded = re.findall(r"^Disallow: (\S+)$", robots.decode(), re.MULTILINE)
        await first.close()
        self.enqueue(self.base)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.work(parts)) for _ in range(self.workers)]
            await self.queue.join()
            for t in tasks:
                t.cancel()
        return [self.results[url] for url in sorted(self.results)]

    async def work(self, parts):
        connection = Connection(parts.hostname, parts.port)
        try:
            while True:
                url = await self.queue.get()
                try:
                    async with asyncio.timeout(5):
                        self.results[url] = await self.visit(connection, url)
                except asyncio.IncompleteReadError as error:
                    note = f"cut short after {len(error.partial)} bytes"
                    self.results[url] = Result(url, 0, note=note)
                finally:
                    self.queue.task_done()
        finally:
            await connection.close()

    async def visit(self, connection, url):
        target = urlsplit(url)
        status, headers, body = await connection.get(target.path + (f"?{target.query}" if target.query else ""))
        result = Result(url, status)
        if 300 <= status < 400:
            result.note = f"moved to {headers['location']}"
            self.enqueue(urljoin(url, headers["location"]))
        elif headers.get("content-type") == "text/html":
            page = Links()
            page.feed(body.decode())
            result.title = page.title
            result.links = [urljoin(url, link) for link in page.links]
            for link in result.links:
                self.enqueue(link)
        return result


async def main():
    site = Server()
    server = await asyncio.start_server(site.handle, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        base = f"http://{host}:{port}/"
        spider = Spider(base)
        results = await spider.crawl()
    for r in results:
        path = "/" + r.url.removeprefix(base)
        print(f"{r.status:3} {path:22} {r.title or r.note}{f' ({len(r.links)} links)' if r.links else ''}")
    print("skipped:", dict(sorted(spider.skipped.items())))
    print("every page asked for once:", max(site.requests.values()) == 1 or site.requests.most_common(1))
    print("connections:", "few" if site.connections <= 1 + spider.workers + 1 else site.connections)
    incoming = Counter(urldefrag(link).url.removeprefix(base) for r in results for link in set(r.links))
    for path, n in sorted(incoming.items(), key=lambda i: (-i[1], i[0]))[:4]:
        print(f"{n} pages link to /{path}")


asyncio.run(main())
