"""One side of a conversation by UDP, as asyncio has it: the same command line as datagram_peer.c."""
import asyncio
import sys


class Echo(asyncio.DatagramProtocol):
    def __init__(self):
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)
        if data == b"bye":
            self.ended.set_result(None)


class Answers(asyncio.DatagramProtocol):
    def __init__(self):
        self.all = asyncio.Queue()

    def datagram_received(self, data, address):
        self.all.put_nowait(data)


async def serve():
    transport, echo = await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    await echo.ended
    transport.close()


async def ask(host, port, *texts):
    loop = asyncio.get_running_loop()
    transport, answers = await loop.create_datagram_endpoint(Answers, remote_addr=(host, int(port)))
    for text in texts:
        transport.sendto(text.encode())
        print((await asyncio.wait_for(answers.all.get(), 10)).decode())
    transport.close()


if sys.argv[1] == "serve":
    asyncio.run(serve())
else:
    asyncio.run(ask(*sys.argv[2:]))
