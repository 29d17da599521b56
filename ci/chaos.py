"""What a subscriber got, held against the journal and against the counter: `chaos.py JOURNAL RECEIVED RESIDENT`.

The journal is what `campanile log --json` prints, the second file has lines of `topic payload`, the third of `PID KILOBYTES`.
Every change of the counter in the journal has to have come, in order; what came twice has to be the same to the byte. The
counter goes up by one: where it jumps, the receiver has to have been told of at least as many lost records, and of the very
ones that are missing. A word on a loss says behind which record and up to which; where it stands among the others says
nothing, for a sink that was slower than the memory of a failing disk hears of the hole when it is past it.
"""

import json
import re
import sys

TOPIC = "campanile/porch/variable/count"
WORDS = "campanile/porch/diagnostics"
SINK = "home"
# Memory is bounded, however long anything is away: 8 MB at rest, 4 MiB of records that stand in for a disk which takes
# nothing, 2 MiB for one which has not synced, and what is under way between the threads.
RESIDENT_MB = 20


def identity(record):
    """Of a record: the number of its start, and its own."""
    return int(record["boot"].split("-")[0]), record["seq"]


def place(text):
    """The same of `BOOT/SEQ`."""
    boot, seq = text.split("/")
    return identity({"boot": boot, "seq": int(seq)})


def read_journal(path):
    """The changes of the counter by their names, and the words on losses."""
    written, words = {}, []
    with open(path) as lines:
        for line in lines:
            record = json.loads(line)
            change = re.fullmatch(r"count = (-?\d+)", record["text"])
            if change:
                written[identity(record)] = int(change[1])
            else:
                words.append(record["text"])
    return written, words


class Received:
    """What came: values by their names, how they came, and what was said to be lost."""

    def __init__(self, path):
        self.values, self.lost = {}, {}
        self.repeated, self.changed, self.late = 0, [], []
        payloads, last = {}, (0, 0)
        with open(path) as lines:
            for line in lines:
                topic, payload = line.rstrip("\n").split(" ", 1)
                if topic not in (TOPIC, WORDS):
                    continue
                message = json.loads(payload)
                name = identity(message)
                if topic == WORDS:
                    if "after" in message and message.get("sink", SINK) == SINK:
                        span = place(message["after"]), place(message["to"])
                        # A word that comes twice is one.
                        self.lost[(*name, message["host"])] = (*span, message.get("lost", 0))
                    continue
                if "host" in message:
                    continue  # how things were at a start, which is no change
                if name in payloads:
                    self.repeated += 1
                    if payloads[name] != payload:
                        self.changed.append(payload)
                    continue
                payloads[name], self.values[name] = payload, message["value"]
                if name < last:
                    self.late.append(payload)
                last = max(last, name)

    def stride(self):
        """How many records one change of the counter brings along."""
        names = sorted(self.values)
        return min(b[1] - a[1] for a, b in zip(names, names[1:]) if a[0] == b[0])

    def holes(self):
        """Where the counter jumps: how many changes are missing, how many records were said to be lost there, and the
        longest stretch of the hole that no word names, in records."""
        (before, value), *rest = sorted(self.values.items())
        for name, next_value in rest:
            missing = next_value - value - 1
            if missing > 0:
                words = [word for word in self.lost.values() if word[0] < name and before < word[1]]
                yield before, name, missing, sum(lost for *_, lost in words), unnamed(before, name, words)
            before, value = name, max(value, next_value) if name[0] != before[0] else next_value


def unnamed(before, name, words):
    """The longest stretch between two records that no word names. Of several starts nobody knows where each ended."""
    if before[0] != name[0]:
        return 0
    longest, reached = 0, before[1]
    for (boot, after), (last, to), _ in sorted(words):
        after, to = after if boot == name[0] else 0, to if last == name[0] else name[1]
        longest, reached = max(longest, after - reached), max(reached, to)
    return max(longest, name[1] - 1 - reached)


def resident(path):
    """The least and the most that the daemon had, in MB, a second and more after its start."""
    looks, seen = [], {}
    with open(path) as lines:
        for line in lines:
            pid, kilobytes = map(int, line.split())
            seen[pid] = seen.get(pid, 0) + 1
            if seen[pid] > 2:
                looks.append(kilobytes / 1000)
    return sorted(looks)


def main():
    written, words = read_journal(sys.argv[1])
    received = Received(sys.argv[2])
    memory = resident(sys.argv[3])
    if not written or not received.values or not memory:
        sys.exit("chaos: nothing happened")

    lost = sorted(name for name in written if name not in received.values)
    wrong = [name for name, value in written.items() if received.values.get(name, value) != value]
    holes = list(received.holes())
    untold = [hole for hole in holes if hole[3] < hole[2] or hole[4] >= received.stride()]
    # While the disk takes nothing the journal goes on from memory, and a kill then takes what had been told already.
    only_told = sum(name not in written for name in received.values)
    print(
        f"chaos: {len(written)} events of {len({boot for boot, _ in written})} starts in the journal, "
        f"{len(received.values)} received: {len(lost)} lost, {len(received.late)} out of order, "
        f"{received.repeated} duplicates of which {len(received.changed)} differ, {only_told} told and not on the disk"
    )
    for text in words:
        print(f"chaos: the journal says: {text}")
    for before, name, missing, said, _ in holes:
        print(f"chaos: the counter jumps over {missing} from {before} to {name}; the receiver was told of {said} lost records")
    print(f"chaos: resident {memory[0]:.1f} MB at least, {memory[len(memory) // 2]:.1f} MB mostly, {memory[-1]:.1f} MB at most")
    for what, found in [
        ("lost", lost),
        ("late", received.late),
        ("a duplicate that differs", received.changed),
        ("wrong", wrong),
        ("a hole that nobody was told of", untold),
        ("more memory than promised", [most for most in memory[-1:] if most > RESIDENT_MB]),
    ]:
        if found:
            sys.exit(f"chaos: {what}: {found[:5]}")
    if not holes:
        sys.exit("chaos: the disk was full until records had to go, and nothing is missing")


main()
