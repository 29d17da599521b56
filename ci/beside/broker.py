"""The one broker, and the one subscriber that everybody's messages are seen by."""

import subprocess
import threading
import time


class Broker:
    """mosquitto, with the configuration that it is given."""

    def __init__(self, config, log):
        self.config, self.log, self.process = config, log, None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["mosquitto", "-c", self.config], stdout=log, stderr=log)

    def stop(self):
        """Asks it to end; it keeps its sessions."""
        self.process.terminate()
        self.process.wait(20)


class Subscriber:
    """mosquitto_sub, whose session the broker keeps; it stamps each message when it reads it."""

    def __init__(self, port, topics):
        topics = [part for topic in topics for part in ("-t", topic)]
        command = ["stdbuf", "-oL", "mosquitto_sub", "-V", "5", "-h", "127.0.0.1", "-p", str(port), "-q", "1", "-c"]
        command += ["-i", "beside-subscriber", "-x", "3600", "-k", "5", "-F", "%U %t %p", *topics]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.messages, self.changed = [], threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        time.sleep(1)  # it says nothing when it is subscribed

    def _read(self):
        for line in self.process.stdout:
            stamp, topic, payload = line.rstrip("\n").split(" ", 2)
            seconds, fraction = stamp.split(".")
            with self.changed:
                self.messages.append((int(seconds) * 10**9 + int(fraction), topic, payload))
                self.changed.notify_all()

    def clear(self):
        with self.changed:
            self.messages.clear()

    def of(self, topic):
        """Stamps and payloads of a topic, or of all below it."""
        below = topic.removesuffix("#")
        with self.changed:
            return [
                (stamp, payload)
                for stamp, got, payload in self.messages
                if got == topic or (below != topic and got.startswith(below))
            ]

    def wait(self, holds, seconds=30):
        """Until something holds of the messages; false when the time is up."""
        end = time.monotonic() + seconds
        with self.changed:
            while not holds():
                left = end - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    return False
        return True

    def rest(self, seconds=1.0):
        """Until nothing has come for a while."""
        count = -1
        while count != len(self.messages):
            count = len(self.messages)
            time.sleep(seconds)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
