"""mqtt-io as it is installed, on gpiozero's mock pins, which only the process itself can move: a thread of it does what the
lines on the standard input say. `pins.py CONFIG`; see hand.py for the lines."""

import sys

from gpiozero import Device
from hand import follow
from mqtt_io.__main__ import main

PIN = 17


def move(on):
    pin = Device.pin_factory.pin(PIN)
    # Pulled up, and pressed to ground.
    (pin.drive_low if on else pin.drive_high)()


Device.ensure_pin_factory()
follow(move)
sys.argv[0] = "mqtt_io"
main()
