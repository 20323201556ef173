"""The dialogue of test/faults/dialogue.h by asyncio's streams.

    dialogue.py ask PORT     plays the asking party
    dialogue.py answer N     listens on 127.0.0.1, prints the port, and answers N times
"""
import asyncio
import sys

BLOCK, BLOCKS = 1280, 8
TEXT = bytes(ord("A") + (i * 7 + i // 23) % 53 for i in range(BLOCK * BLOCKS))


async def ask(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"echo 10240, please\n")
    await writer.drain()
    assert await reader.readexactly(8) == b"READY:01"
    assert await reader.readuntil(b";") == b"server=awl;"
    for i in range(BLOCKS):
        block = TEXT[i * BLOCK:(i + 1) * BLOCK]
        writer.writelines([block[:100], block[100:]])
        await writer.drain()
        assert await reader.readexactly(BLOCK) == block
    writer.write_eof()
    assert await reader.readline() == b"bye\n"
    assert await reader.read() == b"" and reader.at_eof()
    writer.close()
    await writer.wait_closed()


async def answer(reader, writer, done):
    assert await reader.readline() == b"echo 10240, please\n"
    writer.write(b"READY:01")
    writer.write(b"server=awl;")
    got = b""
    while len(got) < len(TEXT):
        piece = await reader.read(500)
        assert piece
        got += piece
        writer.write(piece)
        await writer.drain()
    assert got == TEXT
    assert await reader.read(1) == b""
    writer.write(b"bye\n")
    writer.close()
    await writer.wait_closed()
    done.release()


async def serve(n):
    done = asyncio.Semaphore(0)
    server = await asyncio.start_server(lambda r, w: answer(r, w, done), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    for _ in range(n):
        await done.acquire()
    server.close()


asyncio.run(asyncio.wait_for({"ask": ask, "answer": serve}[sys.argv[1]](int(sys.argv[2])), 20))
