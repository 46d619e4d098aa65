"""Reads events, one a line, with IntelMQ's own classes; prints how many it took, and each as it holds it."""

import json
import sys

from intelmq.lib.message import Event, MessageFactory  # type: ignore[import-not-found]  # lives in an environment of its own

for line in sys.stdin.read().splitlines():
    event = MessageFactory.unserialize(line, default_type="Event")
    if not isinstance(event, Event):
        raise SystemExit("no event")
    sys.stdout.write(json.dumps(event.to_dict(hierarchical=False)) + "\n")
