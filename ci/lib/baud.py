"""A serial line between two TCP ports: `baud.py HERE THERE BAUD [SEED]` listens at HERE, where a host comes and goes, and is connected
to THERE, where an emulated board is. Bytes pass each way at the pace of that many baud, ten bits a byte. What the board says while
no host is there is gone. At its end, by a signal, it prints how many bytes passed from the board to the host, how many back, and of
the board's longest burst, in which it was never silent for long, the bytes and the milliseconds; of a bad line behind that how
often each kind of fault was made."""

import asyncio
import contextlib
import random
import signal
import sys

# The line is held up for so many bytes at once: 1.4 ms at 115,200 baud.
CHUNK = 16
# Longer than this the board is silent only behind a burst, in seconds.
SILENCE = 0.3


# A board that was started a moment ago is given so long to listen, in seconds.
PATIENCE = 30
# Of a bad line one of so many bytes is hit: a frame of the longest gets through every third time.
ONE_OF = 250
# It holds bytes up for so long, in seconds.
HELD_UP = (0.02, 0.4)


class Faults:
    """What a bad line does to bytes. The kinds come from a shuffled deck, one for both directions: all have come round before one
    comes again."""

    KINDS = ("lost", "doubled", "swapped", "changed", "cut", "delayed")

    def __init__(self, seed):
        self.hits = {whose: random.Random(f"{seed} {whose}") for whose in ("board", "host")}
        self.draw, self.deck = random.Random(seed), []
        self.made = dict.fromkeys(self.KINDS, 0)
        # What waits for the byte behind it, to come after that.
        self.swapped = {whose: b"" for whose in self.hits}

    def deal(self):
        if not self.deck:
            self.deck = list(self.KINDS)
            self.draw.shuffle(self.deck)
        kind = self.deck.pop()
        self.made[kind] += 1
        return kind

    def spoil(self, whose, data):
        """The bytes as they arrive, and how much later."""
        spoilt, late, cut = bytearray(), 0.0, False
        for byte in data:
            waiting = self.swapped[whose]
            # Of two that change places, and of those that are cut off, none is hit again: each fault is one that shows.
            hit = self.hits[whose].randrange(ONE_OF) == 0 and not waiting and not cut
            kind = self.deal() if hit else None
            cut = cut or kind == "cut"
            if cut or kind == "lost":
                continue
            if kind == "swapped":
                self.swapped[whose] = bytes((byte,))
                continue
            if kind == "delayed":
                late += self.draw.uniform(*HELD_UP)
            if kind == "changed":
                byte ^= 1 << self.draw.randrange(8)
            spoilt += bytes((byte, byte)) if kind == "doubled" else bytes((byte,))
            spoilt += waiting
            self.swapped[whose] = b""
        return bytes(spoilt), late


class Line:
    def __init__(self, baud, faults):
        self.byte = 10 / baud
        self.faults = faults
        self.passed = {"board": 0, "host": 0}
        self.host = None
        self.burst = self.longest = (0, 0.0, 0.0)  # bytes, when it began, when it ended

    def said(self, length, begun, ended):
        """The board has: so many bytes, between these times."""
        before, first, last = self.burst
        if begun - last > SILENCE:
            before, first = 0, begun
        self.burst = (before + length, first, ended)
        self.longest = max(self.longest, self.burst)

    async def carry(self, whose, source, sink):
        """Each byte takes its time from when it came, or from when those before it were through: however late this wakes, the
        line is no slower for it."""
        clock = asyncio.get_running_loop().time
        came = asyncio.Queue()

        async def listen():
            while data := await source.read(4096):
                came.put_nowait((clock(), data))
            came.put_nowait((clock(), b""))

        listening = asyncio.create_task(listen())
        free = clock()
        try:
            while True:
                at, data = await came.get()
                if not data:
                    break
                for chunk in (data[n : n + CHUNK] for n in range(0, len(data), CHUNK)):
                    late = 0.0
                    if self.faults:
                        chunk, late = self.faults.spoil(whose, chunk)
                    begun = max(free, at) + late
                    free = begun + len(chunk) * self.byte
                    await asyncio.sleep(free - clock())
                    self.passed[whose] += len(chunk)
                    if whose == "board":
                        self.said(len(chunk), begun, free)
                    if (writer := sink()) is not None:
                        writer.write(chunk)
        finally:
            listening.cancel()


async def connect(port):
    clock = asyncio.get_running_loop().time
    end = clock() + PATIENCE
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            if clock() > end:
                raise
            await asyncio.sleep(0.05)


async def main(here, there, baud, seed=None):
    faults = None if seed is None else Faults(seed)
    line = Line(baud, faults)
    from_board, to_board = await connect(there)

    async def host(reader, writer):
        line.host = writer
        # It goes when it likes, or stays until the end.
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await line.carry("host", reader, lambda: to_board)
        if line.host is writer:
            line.host = None
        writer.close()

    server = await asyncio.start_server(host, "127.0.0.1", here)
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    board = asyncio.create_task(line.carry("board", from_board, lambda: line.host))
    board.add_done_callback(lambda _: end.set())
    await end.wait()
    server.close()
    size, first, last = line.longest
    made = faults.made.values() if faults else ()
    print(line.passed["board"], line.passed["host"], size, round((last - first) * 1000), *made)


asyncio.run(main(*map(int, sys.argv[1:5])))
