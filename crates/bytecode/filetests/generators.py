def g(it):
    x = yield 1
    yield from it
    return x

async def c(m):
    async with m as r:
        async for i in r:
            await i.go(1)
    return [x async for x in r]

async def ag():
    yield 1
