"""What a subscriber got, held against the journal: `chaos.py JOURNAL RECEIVED`.

The journal is what `campanile log --json` prints, the other lines of `topic payload`. Every change of the counter in the
journal has to have come, in order; what came twice has to be the same to the byte.
"""

import json
import re
import sys

TOPIC = "campanile/porch/variable/count"


def identity(record):
    """Of a record: the number of its start, and its own."""
    return int(record["boot"].split("-")[0]), record["seq"]


written, words = {}, []
with open(sys.argv[1]) as lines:
    for line in lines:
        record = json.loads(line)
        change = re.match(r"count = (-?\d+)", record["text"])
        if change:
            written[identity(record)] = int(change[1])
        elif re.match(r"journal-gap|dropped|damaged|dead-letter", record["text"]):
            words.append(record["text"])

received, repeated, changed, late, last = {}, 0, [], [], (0, 0)
with open(sys.argv[2]) as lines:
    for line in lines:
        topic, payload = line.rstrip("\n").split(" ", 1)
        if topic != TOPIC:
            continue
        message = json.loads(payload)
        if "host" in message:
            continue  # how things were at a start, which is no change
        name = identity(message)
        if name in received:
            repeated += 1
            if received[name] != payload:
                changed.append(payload)
            continue
        received[name] = payload
        if name < last:
            late.append(payload)
        last = max(last, name)

lost = sorted(name for name in written if name not in received)
wrong = [name for name in written if name in received and json.loads(received[name])["value"] != written[name]]
# While the disk takes nothing the journal goes on from memory, and a kill then takes what had been told already.
only_told = sum(name not in written for name in received)
print(
    f"chaos: {len(written)} events of {len({boot for boot, _ in written})} starts in the journal, "
    f"{len(received)} received: {len(lost)} lost, {len(late)} out of order, "
    f"{repeated} duplicates of which {len(changed)} differ, {only_told} told and not on the disk when it was killed"
)
for text in words:
    print(f"chaos: the journal says: {text}")
for what, found in [("lost", lost), ("late", late), ("a duplicate that differs", changed), ("wrong", wrong), ("a loss", words)]:
    if found:
        sys.exit(f"chaos: {what}: {found[:5]}")
if not written:
    sys.exit("chaos: nothing happened")
