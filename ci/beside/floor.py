"""The floor: nothing but a client that publishes what it is told to, with QoS 1 and in memory. `floor.py PORT`; see hand.py
for the lines on the standard input."""

import sys
import threading

import paho.mqtt.client as mqtt
from hand import follow

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "floor", clean_session=False)
client.max_queued_messages_set(0)
client.reconnect_delay_set(1, 2)
client.on_connect = lambda *_: client.publish("floor/status", "running", qos=1)
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_start()
follow(lambda on: client.publish("floor/input/button", "ON" if on else "OFF", qos=1))
threading.Event().wait()
