"""aiohttp on uvloop."""

import asyncio
import socket

import uvloop
from aiohttp import web


async def hello(request):
    return web.Response(text=f"Hello {request.match_info['name']}\n")


async def main():
    app = web.Application()
    app.router.add_get("/hello/{name}", hello)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    await web.SockSite(runner, listener).start()
    print(listener.getsockname()[1], flush=True)
    await asyncio.Event().wait()


uvloop.install()
asyncio.run(main())
