"""Programs of asyncio over loopback: servers, groups, timeouts, subprocesses, signals, eager tasks."""

import asyncio
import os
import signal
import sys


async def echo(reader, writer):
    while data := await reader.readline():
        writer.write(data.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def talk(port, n):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for i in range(n):
        writer.write(b"hello %d\n" % i)
        await writer.drain()
        answers.append(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return answers


async def servers():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(talk(port, 10)) for _ in range(5)]
    for t in tasks:
        assert t.result() == [b"HELLO %d\n" % i for i in range(10)]
    server.close()
    await server.wait_closed()


async def timeouts():
    try:
        async with asyncio.timeout(0.02):
            await asyncio.sleep(10)
    except TimeoutError:
        pass
    else:
        raise AssertionError("no timeout")
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.02)
    except TimeoutError:
        pass
    else:
        raise AssertionError("no timeout")


async def groups():
    async def fail():
        raise ValueError(1)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            sleeper = group.create_task(asyncio.sleep(10))
    except* ValueError as e:
        assert [str(x) for x in e.exceptions] == ["1"]
    assert sleeper.cancelled()


async def cancelling():
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    assert task.cancel("why")
    assert task.cancelling() == 1
    try:
        await task
    except asyncio.CancelledError as e:
        assert e.args == ("why",)
    assert task.cancelled() and task.done()
    try:
        task.result()
    except asyncio.CancelledError:
        pass
    shielded = asyncio.get_running_loop().create_future()
    outer = asyncio.shield(shielded)
    outer.cancel()
    await asyncio.sleep(0)
    assert not shielded.cancelled()


async def subprocesses():
    program = "print(input()[::-1])"
    p = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await p.communicate(b"abc\n")
    assert out.strip() == b"cba" and p.returncode == 0


async def signals():
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, event.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(event.wait(), 5)
    loop.remove_signal_handler(signal.SIGUSR1)


async def futures():
    loop = asyncio.get_running_loop()
    seen = []
    f = loop.create_future()
    f.add_done_callback(lambda f: seen.append(f.result()))
    f.set_result(3)
    assert seen == []
    assert await f == 3
    await asyncio.sleep(0)
    assert seen == [3]
    for call in (lambda: f.set_result(4), lambda: f.set_exception(ValueError())):
        try:
            call()
        except asyncio.InvalidStateError:
            pass
        else:
            raise AssertionError("a finished future was set")
    f = loop.create_future()
    f.set_exception(StopIteration)
    assert isinstance(f.exception(), RuntimeError)
    assert isinstance(f.exception().__cause__, StopIteration)
    assert await asyncio.to_thread(lambda: 5) == 5
    assert await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2)) == [1, 2]
    assert asyncio.current_task() in asyncio.all_tasks()


async def eager():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)

    async def at_once():
        return asyncio.current_task().get_name()

    task = asyncio.create_task(at_once(), name="first")
    assert task.done() and await task == "first"
    waiting = asyncio.create_task(asyncio.sleep(0, 7))
    assert not waiting.done()
    assert await waiting == 7
    loop.set_task_factory(None)


async def main():
    for part in (servers, timeouts, groups, cancelling, subprocesses, signals, futures, eager):
        await part()


asyncio.run(main())
