"""The moving average behind a socket, as one would write it in Python: prints its port of 127.0.0.1, and serves."""

import asyncio

from generator import started


def text_of(average: float) -> bytes:
    """As windowd writes it: whole numbers without a fraction."""
    return repr(int(average) if average.is_integer() else average).encode() + b"\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    service = started(3)
    while line := await reader.readline():
        average = service.send(float(line))
        assert average is not None
        writer.write(text_of(average))
        await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
