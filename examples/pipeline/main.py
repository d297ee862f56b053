"""A pipeline of threads: a reader, workers, a reducer, joined by bounded queues.

A producer makes log lines, parsers turn them into records, aggregators count per host, and a writer prints the
result. The stages run at different speeds, so the queues fill up; one stage fails for some lines, and the pipeline
carries the errors to the end instead of stopping.
"""

import concurrent.futures
import queue
import random
import re
import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass

LINE = re.compile(r'(?P<host>\S+) \[(?P<time>[\d:]+)\] "(?P<method>[A-Z]+) (?P<path>\S+)" (?P<status>\d{3}) (?P<size>\d+)')
DONE = object()


@dataclass(frozen=True, slots=True)
class Record:
    number: int
    host: str
    method: str
    path: str
    status: int
    size: int


class BadLine(ValueError):
    def __init__(self, number, text):
        super().__init__(f"line {number}: {text!r}")
        self.number = number


class Stage(threading.Thread):
    """Applies a function to everything that comes in; several threads may share a stage's queues."""

    def __init__(self, name, function, source, target, group):
        super().__init__(name=name)
        self.function, self.source, self.target, self.group = function, source, target, group
        self.handled = 0

    def run(self):
        while True:
            item = self.source.get()
            if item is DONE:
                # The next thread of the group has to stop, too; the last one tells the next stage.
                if self.group.leave():
                    self.target.put(DONE)
                else:
                    self.source.put(DONE)
                return
            if isinstance(item, Exception):
                self.target.put(item)
                continue
            try:
                self.target.put(self.function(item))
            except BadLine as error:
                self.target.put(error)
            self.handled += 1


class Group:
    """Counts the threads of a stage."""

    def __init__(self, size):
        self._left = size
        self._lock = threading.Lock()

    def leave(self):
        with self._lock:
            self._left -= 1
            return self._left == 0


def lines(count, seed):
    rng = random.Random(seed)
    for n in range(1, count + 1):
        host = f"10.0.0.{rng.randint(1, 5)}"
        status = rng.choice([200, 200, 200, 304, 404, 500])
        path = rng.choice(["/", "/index.html", "/api/items", "/logo.png"])
        text = f'{host} [12:{n // 60 % 60:02}:{n % 60:02}] "GET {path}" {status} {rng.randint(100, 5000)}'
        yield n, text if n % 97 else text.replace('"', "", 1)


def parse(item):
    number, text = item
    m = LINE.fullmatch(text)
    if m is None:
        raise BadLine(number, text)
    return Record(number, m["host"], m["method"], m["path"], int(m["status"]), int(m["size"]))


def classify(record):
    kind = {2: "fine", 3: "cached", 4: "missing", 5: "broken"}[record.status // 100]
    return kind, record


def run_pipeline(count, workers):
    raw, parsed, classified = (queue.Queue(maxsize=16) for _ in range(3))
    threads = []
    for name, function, source, target in [("parse", parse, raw, parsed), ("classify", classify, parsed, classified)]:
        group = Group(workers)
        threads += [Stage(f"{name}-{i}", function, source, target, group) for i in range(workers)]

    def produce():
        for item in lines(count, seed=7):
            raw.put(item)
        raw.put(DONE)

    threads.append(threading.Thread(target=produce, name="produce"))
    for t in threads:
        t.start()
    totals, sizes, errors = defaultdict(Counter), Counter(), []
    while (item := classified.get()) is not DONE:
        if isinstance(item, Exception):
            errors.append(item)
        else:
            kind, record = item
            totals[record.host][kind] += 1
            sizes[record.host] += record.size
    for t in threads:
        t.join()
    handled = {name: sum(t.handled for t in threads if t.name.startswith(name)) for name in ("parse", "classify")}
    return totals, sizes, sorted(errors, key=lambda e: e.number), handled


def barrier_demo(parties):
    """Rounds that all threads finish before any begins the next."""
    barrier = threading.Barrier(parties)
    log, lock = [], threading.Lock()
    local = threading.local()

    def work(i):
        for turn in range(3):
            local.value = turn * 10 + i
            with lock:
                log.append(turn)
            barrier.wait()
            assert local.value == turn * 10 + i

    with concurrent.futures.ThreadPoolExecutor(parties) as pool:
        for f in [pool.submit(work, i) for i in range(parties)]:
            f.result()
    return log == sorted(log), Counter(log)


def condition_demo():
    """A bank whose transfers wait until there is enough money."""
    accounts = {"a": 0, "b": 50, "c": 0}
    changed = threading.Condition()
    done = []

    def transfer(source, target, amount):
        with changed:
            enough = changed.wait_for(lambda: accounts[source] >= amount, timeout=10)
            assert enough
            accounts[source] -= amount
            accounts[target] += amount
            done.append((source, target, amount))
            changed.notify_all()

    plan = [("c", "a", 30), ("a", "c", 40), ("b", "a", 50), ("a", "b", 10)]
    with ExitStack() as stack:
        for source, target, amount in plan:
            t = threading.Thread(target=transfer, args=(source, target, amount))
            t.start()
            stack.callback(t.join)
    return accounts, sorted(done)


def timer_demo():
    events = []
    cancelled = threading.Timer(30, events.append, ["never"])
    quick = threading.Timer(0.01, events.append, ["timer"])
    cancelled.start()
    quick.start()
    cancelled.cancel()
    quick.join()
    cancelled.join()
    return events


def busy_threads_take_turns():
    """A thread that only computes does not keep others from running."""
    stop = threading.Event()
    turns = Counter()

    def spin(name):
        while not stop.is_set():
            turns[name] += 1

    threads = [threading.Thread(target=spin, args=(n,)) for n in "xyz"]
    for t in threads:
        t.start()
    deadline = time.monotonic() + 10
    while len(turns) < 3 and time.monotonic() < deadline:
        time.sleep(0.001)
    stop.set()
    for t in threads:
        t.join()
    return sorted(turns)


def main():
    totals, sizes, errors, handled = run_pipeline(1000, workers=3)
    for host in sorted(totals):
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(totals[host].items()))
        print(f"{host}: {kinds}; {sizes[host]:,} bytes")
    print("handled:", handled)
    print(len(errors), "bad lines, the first:", errors[0])
    print("rounds in order:", *barrier_demo(4))
    print("accounts:", *condition_demo())
    print("timers:", timer_demo())
    print("busy threads:", busy_threads_take_turns())
    print("left over:", [t.name for t in threading.enumerate()])


if __name__ == "__main__":
    main()
