"""Reads discovery messages, `topic payload` a line, with the schemas of Home Assistant."""

import importlib
import json
import sys

checked = 0
for line in sys.stdin:
    topic, payload = line.rstrip("\n").split(" ", 1)
    prefix, component, node, thing, config = topic.split("/")
    assert (prefix, config) == ("homeassistant", "config"), topic
    platform = importlib.import_module(f"homeassistant.components.mqtt.{component}")
    try:
        platform.DISCOVERY_SCHEMA(json.loads(payload))
    except Exception as error:
        sys.exit(f"{topic}: {error}\n{payload}")
    checked += 1
if not checked:
    sys.exit("nothing was introduced")
print(f"home-assistant: {checked} introductions, all of them taken")
