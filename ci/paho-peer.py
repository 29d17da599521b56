"""The client that Home Assistant has is the other side of a house: it reads states, asks for things, and sees the house go.

paho-peer.py PORT HOUSE: talks to the broker on that port of the loopback; kills the house of that process id at its end.
"""

import json
import os
import queue
import signal
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PORT, HOUSE = int(sys.argv[1]), int(sys.argv[2])
# For a machine that is busy with other things; nothing is measured by it.
PATIENCE = 60
BASE = "campanile/porch/"

came = queue.Queue()
seen = []


def wait_for(what, holds):
    """The first message for which it holds; all on the way there are kept in `seen`."""
    while True:
        try:
            message = came.get(timeout=PATIENCE)
        except queue.Empty:
            sys.exit(f"paho: {what} never came; what did: {[(m.topic, m.payload) for m in seen]}")
        seen.append(message)
        if holds(message):
            return message


def is_state(topic, value):
    return lambda m: m.topic == BASE + topic and json.loads(m.payload)["value"] == value


client = mqtt.Client(client_id="paho", protocol=mqtt.MQTTv5)
subscribed = queue.Queue()
client.on_message = lambda _client, _data, message: came.put(message)
client.on_subscribe = lambda _client, _data, mid, codes, _properties: subscribed.put(codes)
session = Properties(PacketTypes.CONNECT)
session.SessionExpiryInterval = 300
client.connect("127.0.0.1", PORT, clean_start=True, properties=session)
client.loop_start()
client.subscribe(BASE + "#", qos=1)
codes = subscribed.get(timeout=PATIENCE)
assert [code.value for code in codes] == [1], codes


def ask(topic, payload):
    client.publish(BASE + topic, payload, qos=1).wait_for_publish(PATIENCE)


# What the broker keeps: the house is there, and so are its states.
online = wait_for("the availability", lambda m: m.topic == BASE + "status")
assert (online.payload, online.retain) == (b"online", True), online.payload
lamp = next((m for m in seen if m.topic == BASE + "output/lamp"), None) or wait_for(
    "the lamp's state", lambda m: m.topic == BASE + "output/lamp"
)
assert lamp.retain and json.loads(lamp.payload)["value"] == "off", lamp.payload

ask("set/lamp", "ON")
lit = wait_for("the lamp's new state", is_state("output/lamp", "on"))
assert (lit.retain, lit.qos) == (False, 1), "as it happens, at least once"

# A repeat is known by its number: the second would undo what the scenario did.
ask("let/rings", '{"value": 3, "id": 7}')
ask("start/ring", "PRESS")
wait_for("a ring", is_state("variable/rings", 4))
ask("let/rings", '{"value": 3, "id": 7}')
ask("start/ring", "PRESS")
bell = wait_for("the second ring's message", lambda m: m.topic == BASE + "message/doorbell" and b"Ring 5" in m.payload)
said = json.loads(bell.payload)
assert not bell.retain and said["node"] == "porch" and said["time"].endswith("Z"), said
assert isinstance(said["trusted"], bool), said

# Not among the `commands` of the file: nothing comes of it before what is asked for next.
ask("set/chime", "ON")
ask("set/lamp", "OFF")
wait_for("the lamp is out", is_state("output/lamp", "off"))
assert not any(is_state("output/chime", "on")(m) for m in seen), "a command that the file does not allow was carried out"

# In order, by the identity that each message has. States that were kept came in whatever order the broker has them.
places = [json.loads(m.payload) for m in seen if not m.retain and m.payload.startswith(b"{")]
places = [(place["boot"], place["seq"]) for place in places if "seq" in place and "host" not in place]
told = [m.topic.removeprefix(BASE).split("/")[0] for m in seen if not m.retain]
assert places == sorted(places, key=lambda place: place[1]) and len(places) >= 5, (places, told)

os.kill(HOUSE, signal.SIGKILL)
gone = wait_for("the last will", lambda m: m.topic == BASE + "status")
assert gone.payload == b"offline", gone.payload
client.disconnect()
client.loop_stop()
print(f"paho: {len(seen)} messages read, commands carried out once, the last will seen")
