"""Who is measured: how each is started, moved and understood."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


class Subject:
    """A program that turns presses into messages."""

    name = ""
    # The topics of all it says, of the button, and of the word that it is there.
    topics, button, status, there = "", "", "", "running"
    # How long a press lasts.
    hold_ms = 30

    def __init__(self, folder, port):
        self.folder, self.port, self.process = folder / self.name.replace(" ", "-"), port, None
        self.folder.mkdir()

    def command(self):
        raise NotImplementedError

    def start(self):
        """Executes it; gives the time of day just before, in nanoseconds."""
        with open(self.folder / "log", "ab") as log:
            before = time.time_ns()
            environment = {**os.environ, "GPIOZERO_PIN_FACTORY": "mock", "PYTHONPATH": str(HERE)}
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, text=True
            )
        return before

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(20)
        self.process = None

    def press(self, milliseconds):
        self.process.stdin.write(f"press {milliseconds}\n")
        self.process.stdin.flush()

    def level(self, payload):
        return payload == "ON"

    def name_of(self, _payload):
        """What tells a message from its repeat; none if nothing does."""
        return None

    def resident(self):
        """Of it, all and what no file stands behind, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        sizes = dict(line.split(":", 1) for line in status.splitlines())
        return tuple(int(sizes[size].split()[0]) / 1000 for size in ("VmRSS", "RssAnon"))

    def cpu_ns(self):
        """What all its threads have run so far."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


class Campanile(Subject):
    name = "campanile"
    topics, button, status, there = "campanile/#", "campanile/porch/input/button", "campanile/porch/status", "online"
    binary = ""
    control = None

    def house(self, more=""):
        (self.folder / "house.toml").write_text(
            f"""[node]
name = "porch"

[boards.desk]
kind = "virtual"

[inputs.button]
line = "GPIO17"
pull = "up"
active = "low"
debounce = "eager 10ms"

[sinks.home]
kind = "mqtt"
url = "mqtt://127.0.0.1:{self.port}"
{more}"""
        )

    def command(self):
        if not (self.folder / "house.toml").exists():
            self.house()
        return [self.binary, "run", self.folder / "house.toml", "--state", self.folder / "state"]

    def press(self, milliseconds):
        if not self.control:
            self.control = socket.socket(socket.AF_UNIX)
            self.control.connect(str(self.folder / "state" / "control.sock"))
        request = {"do": "press", "input": "button", "for-us": milliseconds * 1000}
        self.control.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self.control.makefile().readline())
        assert answer["ok"], answer

    def stop(self, how=signal.SIGTERM):
        if self.control:
            self.control.close()
            self.control = None
        super().stop(how)

    def level(self, payload):
        return json.loads(payload)["value"] == "on"

    def name_of(self, payload):
        message = json.loads(payload)
        return int(message["boot"].split("-")[0]), message["seq"]


class MqttIo(Subject):
    name = "mqtt-io"
    topics, button, status = "mqtt-io/#", "mqtt-io/input/button", "mqtt-io/status"
    how = "    interrupt: both\n"

    def config(self):
        file = self.folder / "config.yml"
        file.write_text(
            f"""mqtt:
  host: 127.0.0.1
  port: {self.port}
  topic_prefix: {self.topics.split("/")[0]}
gpio_modules:
  - name: pins
    module: gpiozero
digital_inputs:
  - name: button
    module: pins
    pin: 17
    pullup: yes
{self.how}"""
        )
        return file

    def command(self):
        return [sys.executable, HERE / "pins.py", self.config()]


class MqttIoPolling(MqttIo):
    """As it comes: without `interrupt` it looks at a pin every 100 ms."""

    name = "mqtt-io polling"
    topics, button, status = "mqtt-io-polling/#", "mqtt-io-polling/input/button", "mqtt-io-polling/status"
    how = ""
    hold_ms = 150


class Floor(Subject):
    name = "paho"
    topics, button, status = "floor/#", "floor/input/button", "floor/status"

    def command(self):
        return [sys.executable, HERE / "floor.py", str(self.port)]
