"""websocket.py URL [proxy]: aiohttp's WebSocket client with the path /ws of http_site."""
import asyncio
import os
import sys

import aiohttp


async def main(url, proxied):
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, protocols=["other", "repeat"], max_msg_size=0, ssl=False) as ws:
            assert ws.protocol == "repeat"
            for size in [0, 1, 125, 126, 65535, 65536, 3000000]:
                data = os.urandom(size)
                await ws.send_bytes(data)
                assert (await ws.receive_bytes()) == data
            await ws.send_str("h\u00e4llo \U0001f600")
            assert (await ws.receive_str()) == "h\u00e4llo \U0001f600"
            await ws.ping(b"x")
            await ws.close(code=4000, message=b"bye")
            assert ws.close_code == 4000
        async with session.ws_connect(url, ssl=False) as ws:
            await ws.send_str("close 4001 enough")
            message = await ws.receive()
            assert message.type == aiohttp.WSMsgType.CLOSE
            assert (message.data, message.extra) == (4001, "enough"), message
        if proxied:  # which destroys what the server said last, if the client is sending still
            return
        async with session.ws_connect(url) as ws:
            await ws.send_bytes(bytes(5 << 20))
            message = await ws.receive()
            assert message.type == aiohttp.WSMsgType.CLOSE and message.data == 1009, message


asyncio.run(main(sys.argv[1], "proxy" in sys.argv[2:]))
