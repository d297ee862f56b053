"""An asyncio program: crawls a made-up site, with a limit on parallel requests, retries, timeouts and a rate limiter.

The site answers after delays that come from its own clock, so that the same things happen in the same order on every
machine.
"""

import asyncio
import contextlib
import itertools
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

PAGES = {
    "/": ["/docs", "/blog", "/about"],
    "/docs": ["/docs/intro", "/docs/api", "/"],
    "/docs/intro": ["/docs/api"],
    "/docs/api": ["/docs/api/a", "/docs/api/b", "/missing"],
    "/docs/api/a": [],
    "/docs/api/b": ["/docs/slow"],
    "/docs/slow": [],
    "/blog": ["/blog/1", "/blog/2", "/flaky"],
    "/blog/1": ["/blog/2"],
    "/blog/2": ["/blog/1"],
    "/flaky": ["/about"],
    "/about": [],
}
DELAYS = {"/": 2, "/docs": 3, "/blog": 1, "/docs/slow": 60, "/about": 5}


class NotFound(Exception):
    pass


class Overloaded(Exception):
    pass


class Clock:
    """Virtual time: sleepers wake in order as soon as everybody else waits."""

    def __init__(self):
        self.now = 0
        self._sleepers: list[tuple[int, int, asyncio.Future]] = []
        self._ids = itertools.count()

    async def sleep(self, ticks: int) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + ticks, next(self._ids), future))
        await future

    async def run(self) -> None:
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            self._sleepers = [s for s in self._sleepers if not s[2].done()]
            if self._sleepers:
                due, _, future = min(self._sleepers, key=lambda s: s[:2])
                self.now = max(self.now, due)
                future.set_result(None)


@dataclass
class Site:
    clock: Clock
    visits: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    active: int = 0
    most_active: int = 0

    @contextlib.asynccontextmanager
    async def request(self, path: str) -> AsyncIterator[list[str]]:
        self.visits[path] += 1
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            await self.clock.sleep(DELAYS.get(path, 4))
            if path not in PAGES:
                raise NotFound(path)
            if path == "/flaky" and self.visits[path] < 3:
                raise Overloaded(f"{path} (attempt {self.visits[path]})")
            yield PAGES[path]
        finally:
            self.active -= 1


@dataclass
class Crawler:
    site: Site
    clock: Clock
    limit: int = 3
    found: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.queue: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.seen: set[str] = set()

    def offer(self, path: str, depth: int) -> None:
        if path not in self.seen:
            self.seen.add(path)
            self.queue.put_nowait((path, depth))

    async def fetch(self, path: str) -> list[str]:
        for attempt in itertools.count(1):
            request = asyncio.ensure_future(self.read(path))
            timer = asyncio.ensure_future(self.clock.sleep(20))
            done, waiting = await asyncio.wait({request, timer}, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            if request not in done:
                raise TimeoutError(f"no answer from {path}")
            try:
                return request.result()
            except Overloaded as error:
                if attempt == 3:
                    raise
                self.log(f"retry after {error}")
                await self.clock.sleep(attempt)
        raise AssertionError("not reached")

    async def read(self, path: str) -> list[str]:
        async with self.site.request(path) as links:
            return links

    def log(self, text: str) -> None:
        print(f"[{self.clock.now:>3}] {text}")

    async def worker(self, name: str) -> None:
        while True:
            path, depth = await self.queue.get()
            try:
                links = await self.fetch(path)
            except (NotFound, Overloaded, TimeoutError) as error:
                self.failed[path] = type(error).__name__
                self.log(f"{name}: {path} failed: {type(error).__name__}")
            else:
                self.found[path] = depth
                self.log(f"{name}: {path} has {len(links)} links")
                for link in links:
                    self.offer(link, depth + 1)
            finally:
                self.queue.task_done()

    async def run(self) -> None:
        self.offer("/", 0)
        workers = [asyncio.create_task(self.worker(f"w{n}"), name=f"w{n}") for n in range(self.limit)]
        await self.queue.join()
        for task in workers:
            task.cancel()
        results = await asyncio.gather(*workers, return_exceptions=True)
        assert all(isinstance(r, asyncio.CancelledError) for r in results), results


async def in_levels(found: dict[str, int]) -> AsyncIterator[tuple[int, list[str]]]:
    by_depth = sorted(found.items(), key=lambda item: (item[1], item[0]))
    for depth, group in itertools.groupby(by_depth, key=lambda item: item[1]):
        await asyncio.sleep(0)
        yield depth, [path for path, _ in group]


async def failures_in_groups() -> None:
    """Several tasks of a group fail: each kind is handled by itself."""

    async def fail(error: Exception):
        await asyncio.sleep(0)
        raise error

    async def forever():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            print("the waiting task was cancelled")
            raise

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(forever())
            group.create_task(fail(ValueError("first")))
            group.create_task(fail(KeyError("second")))
    except* ValueError as errors:
        print("values:", [str(e) for e in errors.exceptions])
    except* KeyError as errors:
        print("keys:", [str(e) for e in errors.exceptions])


async def main() -> int:
    clock = Clock()
    ticking = asyncio.create_task(clock.run())
    crawler = Crawler(Site(clock), clock)
    await crawler.run()
    ticking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticking
    print(f"\n{len(crawler.found)} pages, {len(crawler.failed)} failures, "
          f"at most {crawler.site.most_active} requests at a time, {clock.now} ticks")
    async for depth, paths in in_levels(crawler.found):
        print(f"  depth {depth}: {' '.join(paths)}")
    for path, reason in sorted(crawler.failed.items()):
        print(f"  {path}: {reason}")
    await failures_in_groups()
    try:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    except TimeoutError:
        print("the last wait timed out")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
