"""Campanile beside mqtt-io and a bare client: one broker, one subscriber, in turns or at the same time, so that the machine is
the same for all.

    beside.py FOLDER CAMPANILE BROKER_CONFIG PORT [PART...]

Prints `WHAT<tab>FIGURE of campanile<tab>of mqtt-io<tab>...` for the parts `latency`, `start`, `idle`, `rate`, `outage`.
"""

import random
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from broker import Broker, Subscriber
from subjects import Campanile, Floor, MqttIo, MqttIoPolling

ROUNDS, PRESSES = 5, 60
STARTS = 7
IDLE_SECONDS = 60
RATES = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 40_000]
RATE_SECONDS = 5


def table(what, figures):
    print("\t".join([what, *figures]), flush=True)


def at(spans, share):
    """The value below which such a share of all lies."""
    return sorted(spans)[min(int(len(spans) * share), len(spans) - 1)]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Beside:
    def __init__(self, folder, port, broker, subscriber):
        self.folder, self.port, self.broker, self.subscriber = folder, port, broker, subscriber
        self.number = 0

    def all(self, kinds=(Campanile, MqttIo, MqttIoPolling, Floor)):
        """One of each, in a folder of its own."""
        self.number += 1
        folder = self.folder / str(self.number)
        folder.mkdir()
        return [kind(folder, self.port) for kind in kinds]

    def begin(self, subject):
        """Starts it; gives the nanoseconds from before that to its word at the subscriber that it is there."""

        def words():
            # A broker that was away may have others of an earlier start left.
            return [stamp for stamp, word in self.subscriber.of(subject.status) if word == subject.there]

        self.subscriber.rest(0.3)
        seen = len(words())
        before = subject.start()
        if not self.subscriber.wait(lambda: len(words()) > seen):
            sys.exit(f"{subject.name} says nothing: {(subject.folder / 'log').read_text()[-2000:]}")
        return words()[seen] - before

    def presses(self, subject, count):
        """The nanoseconds from before each press to its message, for those that came within a second."""
        spans = []
        for _ in range(count):
            # Uneven, so that no timer of anybody's keeps step with it.
            time.sleep(random.uniform(0.6, 1.5) * subject.hold_ms / 1000)
            seen = self.count(subject)
            before = time.time_ns()
            subject.press(subject.hold_ms)
            if self.subscriber.wait(lambda: self.count(subject) > seen, 1):
                spans.append(self.subscriber.of(subject.button)[seen][0] - before)
            # The release.
            self.subscriber.wait(lambda: self.count(subject) > seen + 1, 1)
        return spans

    def count(self, subject):
        """How often its button has spoken."""
        return len(self.subscriber.of(subject.button))

    def latency(self):
        subjects = self.all()
        spans, middles = {subject.name: [] for subject in subjects}, []
        for turn in range(ROUNDS):
            middle = []
            for subject in subjects:
                self.begin(subject)
                self.subscriber.rest(0.3)
                self.presses(subject, 5)
                here = self.presses(subject, PRESSES)
                subject.stop()
                self.subscriber.rest(0.3)
                self.subscriber.clear()
                spans[subject.name] += here
                middle.append(median(here))
            middles.append(middle)
            say(f"latency, turn {turn + 1} of {ROUNDS}: " + ", ".join(f"{m / 1e6:.2f}" for m in middle) + " ms")
        names = [subject.name for subject in subjects]
        for word, share in [("p50", 0.5), ("p99", 0.99)]:
            table(f"press to message, {word}", [f"{at(spans[name], share) / 1e6:.2f} ms" for name in names])
        ratios = [median(middle[i] / middle[0] for middle in middles) for i in range(len(names))]
        table("  the median of a turn, to campanile's in the same turn", [f"{ratio:.1f}" for ratio in ratios])
        missed = [ROUNDS * PRESSES - len(spans[name]) for name in names]
        table(f"  of {ROUNDS * PRESSES} presses without a message within 1 s", [str(count) for count in missed])

    def start(self):
        subjects = self.all((Campanile, MqttIo, Floor))
        spans = {subject.name: [] for subject in subjects}
        for turn in range(STARTS):
            for subject in subjects:
                spans[subject.name].append(self.begin(subject) / 1e6)
                self.subscriber.rest(0.3)
                subject.stop()
                self.subscriber.rest(0.3)
            say(f"start, turn {turn + 1} of {STARTS}: " + ", ".join(f"{of[-1]:.0f}" for of in spans.values()) + " ms")
        self.subscriber.clear()
        self.row("exec to its word at the subscriber that it is there", subjects, [f"{median(of):.0f} ms" for of in spans.values()])

    def row(self, what, subjects, figures):
        """With a place for whom it was not measured of."""
        of = dict(zip([subject.name for subject in subjects], figures))
        table(what, [of.get(name, "-") for name in ("campanile", "mqtt-io", "mqtt-io polling", "paho")])

    def idle(self):
        subjects = self.all()
        for subject in subjects:
            self.begin(subject)
            self.presses(subject, 10)
        time.sleep(15)  # what the start needed is gone
        before = [subject.cpu_ns() for subject in subjects]
        time.sleep(IDLE_SECONDS)
        shares = [(subject.cpu_ns() - had) / IDLE_SECONDS / 1e7 for subject, had in zip(subjects, before)]
        table(f"idle, share of a core over {IDLE_SECONDS} s", [f"{share:.4f} %" for share in shares])
        sizes = [subject.resident() for subject in subjects]
        table("resident; of it anonymous", [f"{rss:.1f} MB; {anon:.1f} MB" for rss, anon in sizes])
        for subject in subjects:
            subject.stop()
        self.subscriber.rest()
        self.subscriber.clear()

    def offered(self, kind, rate):
        """Offers so many events a second, from within the process: how many came, how many of them out of turn, and the
        milliseconds from when the last one was due to when it came."""
        (subject,) = self.all((kind,))
        wanted = rate * RATE_SECONDS
        topic = subject.button
        if kind is Campanile:
            # Its pins cannot be moved so fast from outside; a timer that changes variables takes the same way behind them.
            each = max(rate // 1000, 1)
            names = [f"v{number}" for number in range(each)]
            actions = ", ".join(f'{{ let = "{name}", be = "{name} + 1" }}' for name in names)
            variables = "\n".join(f"{name} = 0" for name in names)
            subject.house(
                f"""only = ["variable:*"]

[variables]
{variables}

[[scenarios]]
name = "burst"
when = [{{ every = "{1000 * each // rate}ms" }}]
if = "v0 < {wanted // each}"
do = [{actions}]
"""
            )
            topic = "campanile/porch/variable/#"
        self.begin(subject)
        if kind is not Campanile:
            self.subscriber.rest(0.3)
            self.subscriber.clear()
            subject.process.stdin.write(f"burst {rate} {RATE_SECONDS}\n")
            subject.process.stdin.flush()
        time.sleep(RATE_SECONDS)
        self.subscriber.rest(1.5)
        # How things are at a start is no change.
        came = [(stamp, payload) for stamp, payload in self.subscriber.of(topic) if '"host"' not in payload]
        subject.stop(signal.SIGKILL)
        self.subscriber.rest(0.3)
        self.subscriber.clear()
        if kind is Campanile:
            names = [subject.name_of(payload) for _, payload in came]
            late = sum(second <= first for first, second in pairwise(names))
        else:
            levels = [subject.level(payload) for _, payload in came]
            late = sum(first == second for first, second in pairwise(levels))
        lag = (came[-1][0] - came[0][0]) / 1e6 - RATE_SECONDS * 1000 if came else 0
        return wanted, len(came), late, lag

    def rate(self):
        best, ordered = {}, {}
        for rate in RATES:
            for kind in (Campanile, MqttIo, Floor):
                if best.get(kind, 0) < max((other for other in RATES if other < rate), default=0):
                    continue
                wanted, came, late, lag = self.offered(kind, rate)
                say(f"rate, {kind.name} at {rate}/s: {came} of {wanted}, {late} out of turn, {lag:.0f} ms late")
                if came >= wanted and lag < 1000:
                    best[kind] = rate
                    if not late:
                        ordered[kind] = rate
        kinds = [Campanile, MqttIo, Floor]
        what = f"events a second for {RATE_SECONDS} s, all there within 1 s"
        self.row(what, kinds, [f"{best.get(kind, 0):,}" for kind in kinds])
        self.row("  and in their order", kinds, [f"{ordered.get(kind, 0):,}" for kind in kinds])

    def outage(self):
        """Presses of all at the same time while the broker is restarted; then while it is away and the process is killed."""
        subjects = self.all((Campanile, MqttIo, Floor))
        for kills in (False, True):
            for subject in subjects:
                self.begin(subject)
            self.subscriber.rest()
            self.subscriber.clear()
            pressed = 0
            for tenth in range(120):
                if tenth == 30:
                    self.broker.stop()
                if tenth == 60:
                    if kills:
                        for subject in subjects:
                            subject.stop(signal.SIGKILL)
                    self.broker.start()
                    if kills:
                        for subject in subjects:
                            self.begin(subject)
                for subject in subjects:
                    subject.press(subject.hold_ms)
                pressed += 1
                time.sleep(0.1)
            time.sleep(15)
            self.subscriber.rest(2)
            figures = []
            for subject in subjects:
                payloads = [payload for _, payload in self.subscriber.of(subject.button) if '"host"' not in payload]
                names = [subject.name_of(payload) for payload in payloads]
                once = payloads if None in names else dict(zip(names, payloads)).values()
                # A new start may say where the pin rests, so each level is counted by itself.
                on = sum(subject.level(payload) for payload in once)
                lost = max(pressed - on, 0) + max(pressed - (len(once) - on), 0)
                figures.append(f"{lost} of {2 * pressed}")
            how = "the program killed meanwhile" if kills else "and back"
            self.row(f"messages lost: the broker away for 3 s, {how}", subjects, figures)
            for subject in subjects:
                subject.stop(signal.SIGKILL)
            self.subscriber.rest()
            self.subscriber.clear()


def main():
    folder, Campanile.binary, config, port, *parts = sys.argv[1:]
    broker = Broker(config, Path(folder) / "mosquitto.log")
    broker.start()
    time.sleep(1)
    subscriber = Subscriber(port, [kind.topics for kind in (Campanile, MqttIo, MqttIoPolling, Floor)])
    beside = Beside(Path(folder), int(port), broker, subscriber)
    try:
        for part in parts or ["latency", "start", "idle", "rate", "outage"]:
            getattr(beside, part)()
    finally:
        subscriber.stop()
        broker.stop()


main()
