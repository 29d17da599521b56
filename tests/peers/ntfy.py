"""ntfy, as its documentation describes it, for tests on the loopback: publishing as JSON, with access tokens, the limits of a
message and of requests, and the documented errors.

It is stricter than ntfy, which passes over what it does not know: a field that is not among those here, or of another type, is
refused. Of the requests that a token may make every third is one too many. What was answered goes to a file, a line each: the
status, and what was published or why not.

    ntfy.py PORT ANSWERS_FILE
"""

import json
import re
import secrets
import string
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The token, and where it may publish. Nobody may without one.
TOKENS = {
    "tk_hunter2-bell": {"bell-7f3a"},
    "tk_hunter2-attic": {"attic-7f3a"},
    "tk_hunter2-guest": set(),
}
FIELDS = {"topic": str, "message": str, "title": str, "priority": int, "tags": list}
TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
MESSAGE_MAX = 4096
# Twice the message, for what JSON adds.
BODY_MAX = 2 * MESSAGE_MAX
CACHED_S = 12 * 3600
DOCS = "https://ntfy.sh/docs/publish/"

lock = threading.Lock()
# How often each token has asked for what it may.
asked = {}


class Refused(Exception):
    """The documented error: the number's first three digits are the status."""

    def __init__(self, code, error, chapter=None):
        super().__init__(error)
        self.status = code // 100
        self.body = {"code": code, "http": self.status, "error": error}
        if chapter is not None:
            self.body["link"] = f"{DOCS}#{chapter}"


def once(pairs):
    """An object in which nothing stands twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a field stands twice")
    return dict(pairs)


def parsed(body):
    """What is to be published, of the documented form."""
    if len(body) > BODY_MAX:
        raise Refused(41303, "JSON body too large")
    try:
        wanted = json.loads(body.decode(), object_pairs_hook=once)
    except ValueError:
        raise Refused(40017, "invalid request: request body must be message JSON", "publish-as-json") from None
    # The type itself: to Python `true` is a number.
    if type(wanted) is not dict or any(type(value) is not FIELDS.get(name) for name, value in wanted.items()):
        raise Refused(40017, "invalid request: request body must be message JSON", "publish-as-json")
    if any(type(tag) is not str or not tag or "," in tag for tag in wanted.get("tags", [])):
        raise Refused(40017, "invalid request: request body must be message JSON", "publish-as-json")
    if not TOPIC.fullmatch(wanted.get("topic", "")):
        raise Refused(40009, "invalid request: topic invalid")
    if not 1 <= wanted.get("priority", 3) <= 5:
        raise Refused(40007, "invalid priority parameter", "message-priority")
    return wanted


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        topic = None
        try:
            if self.path != "/":
                raise Refused(40401, "page not found")
            token = self.token()
            wanted = parsed(body)
            topic = wanted["topic"]
            self.admit(token, topic)
            published = self.published(wanted)
        except Refused as refused:
            self.answer(refused.status, refused.body, {"topic": topic, "code": refused.body["code"]})
        else:
            self.answer(200, published, wanted)

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        refused = Refused(40401, "page not found")
        self.answer(refused.status, refused.body, {"get": self.path})

    do_PUT = do_GET

    def token(self):
        """Whoever names none is everybody; who names a wrong one is nobody."""
        said = self.headers.get("Authorization")
        if said is None:
            return None
        scheme, _, token = said.partition(" ")
        if scheme != "Bearer" or token not in TOKENS:
            raise Refused(40101, "unauthorized", "authentication")
        return token

    def admit(self, token, topic):
        if topic not in TOKENS.get(token, set()):
            raise Refused(40301, "forbidden", "authentication")
        with lock:
            asked[token] = asked.get(token, 0) + 1
            if asked[token] % 3 == 0:
                raise Refused(42901, "limit reached: too many requests", "limitations")

    def published(self, wanted):
        # Beyond it the message would be an attachment, which this server does not keep.
        if len(wanted.get("message", "").encode()) > MESSAGE_MAX:
            raise Refused(40014, "invalid request: attachments not allowed")
        now = int(time.time())
        return {
            "id": "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12)),
            "time": now,
            "expires": now + CACHED_S,
            "event": "message",
            **wanted,
            "message": wanted.get("message") or "triggered",
        }

    def answer(self, status, body, told):
        with lock, open(sys.argv[2], "a", encoding="utf-8") as file:
            print(status, json.dumps(told, ensure_ascii=False, sort_keys=True), file=file)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Server).serve_forever()
