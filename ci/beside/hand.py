"""The hand on a pin: `press MILLISECONDS` and `burst EDGES_A_SECOND SECONDS`, a line each on the standard input."""

import sys
import threading
import time


def follow(move):
    """Does what the lines say, on a thread of its own, until there are no more."""
    threading.Thread(target=_follow, args=(move,), daemon=True).start()


def _follow(move):
    for line in sys.stdin:
        word, *numbers = line.split()
        if word == "press":
            move(True)
            time.sleep(int(numbers[0]) / 1000)
            move(False)
        else:
            _burst(move, *map(int, numbers))


def _burst(move, rate, seconds):
    begin, level = time.monotonic(), False
    for edge in range(rate * seconds):
        ahead = begin + edge / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        level = not level
        move(level)
