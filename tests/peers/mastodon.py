"""Mastodon, as its documentation describes it, for tests on the loopback: statuses, an account's timeline, and the stream of
the home timeline over server-sent events, with its signs of life.

There are two accounts, and attic follows bell. What was asked for goes to a file, a line each. SIGUSR1 breaks all streams, as
a server that is started anew does.

    mastodon.py PORT ASKED_FILE
"""

import json
import queue
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ACCOUNTS = {"bell": "23634", "attic": "23635"}
FOLLOWS = {"bell": [], "attic": ["bell"]}
# The token, whose it is, and what it may do.
TOKENS = {
    "hunter2-bell": ("bell", {"write:statuses"}),
    "hunter2-attic": ("attic", {"read:accounts", "read:statuses", "write:statuses"}),
    "hunter2-deaf": ("attic", {"read:accounts", "write:statuses"}),
}
HEARTBEAT_S = 15

lock = threading.Lock()
statuses = []
by_key = {}
# Streams that are open: whose, and what is to be sent; nothing ends it.
streams = []


def picture(what, name):
    return f"https://files.social.example/{what}/{name}/original/3d0f6ba1c2f94e0e8a7d5b1c.png"


# Accounts and statuses are those of the documentation in full: most of an answer is what nobody here asks for.
def account(name):
    return {
        "id": ACCOUNTS[name],
        "username": name,
        "acct": name,
        "display_name": f"{name} :bell: of the house :house:",
        "locked": False,
        "bot": True,
        "discoverable": True,
        "indexable": False,
        "group": False,
        "created_at": "2022-11-06T00:00:00.000Z",
        "note": "<p>" + "Rings when someone is at the door. " * 14 + "</p>",
        "url": f"https://social.example/@{name}",
        "uri": f"https://social.example/users/{name}",
        "avatar": picture("accounts/avatars", name),
        "avatar_static": picture("accounts/avatars", name),
        "header": picture("accounts/headers", name),
        "header_static": picture("accounts/headers", name),
        "followers_count": 12,
        "following_count": 3,
        "statuses_count": len(statuses),
        "last_status_at": "2026-11-21",
        "hide_collections": False,
        "noindex": True,
        "roles": [],
        "emojis": [
            {
                "shortcode": emoji,
                "url": picture("custom_emojis", emoji),
                "static_url": picture("custom_emojis", emoji),
                "visible_in_picker": True,
                "category": "house",
            }
            for emoji in ("bell", "house", "door", "lamp")
        ],
        "fields": [
            {
                "name": field,
                "value": f'<a href="https://{field}.example/@{name}" target="_blank" rel="nofollow noopener me" translate="no">'
                f"https://{field}.example/@{name}</a>",
                "verified_at": "2026-11-01T07:30:00.000+00:00",
            }
            for field in ("home", "code", "mail", "garden")
        ],
    }


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def who(self, scope):
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        name, scopes = TOKENS.get(token, (None, set()))
        if name is None:
            self.answer(401, {"error": "The access token is invalid"})
        elif scope not in scopes:
            self.answer(403, {"error": "This action is outside the authorized scopes"})
            name = None
        return name

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/api/v1/statuses":
            return self.answer(404, {"error": "Not Found"})
        name = self.who("write:statuses")
        if name is None:
            return None
        asked = json.loads(body)
        key = (name, self.headers.get("Idempotency-Key"))
        with lock:
            if key[1] is not None and key in by_key:
                return self.answer(200, by_key[key])
            status = {
                "id": str(114000000000000000 + len(statuses)),
                "created_at": "2026-11-21T07:30:00.123Z",
                "in_reply_to_id": None,
                "in_reply_to_account_id": None,
                "sensitive": False,
                "spoiler_text": "",
                "visibility": asked["visibility"],
                "language": asked.get("language"),
                "uri": f"https://social.example/users/{name}/statuses/{len(statuses)}",
                "url": f"https://social.example/@{name}/{len(statuses)}",
                "replies_count": 0,
                "reblogs_count": 0,
                "favourites_count": 0,
                "edited_at": None,
                "content": f"<p>{asked['status']}</p>",
                "reblog": None,
                "application": {"name": "campanile", "website": None},
                "account": account(name),
                "media_attachments": [],
                "mentions": [],
                "tags": [],
                "emojis": [],
                "card": {
                    "url": "https://home.example/door",
                    "title": "The door",
                    "description": "Who was there, and when. " * 80,
                    "type": "link",
                    "html": "",
                    "width": 400,
                    "height": 400,
                    "image": picture("cache/preview_cards", "86"),
                    "blurhash": "UFBWY:8_0Jxv4mx]t8t64.%M-:IUWGWAt6M}",
                },
                "poll": None,
            }
            statuses.append(status)
            by_key[key] = status
            event = f"event: update\ndata: {json.dumps(status)}\n\n"
            for whose, out in streams:
                if whose == name or name in FOLLOWS[whose]:
                    out.put(event)
        return self.answer(200, status)

    def do_GET(self):
        with open(sys.argv[2], "a", encoding="utf-8") as file:
            print("GET", self.path, file=file)
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        parts = url.path.strip("/").split("/")
        if url.path == "/api/v1/streaming/user":
            return self.stream()
        name = self.who("read:accounts" if parts[-1] == "lookup" else "read:statuses") if len(parts) > 3 else None
        if name is None:
            return len(parts) > 3 or self.answer(404, {"error": "Not Found"})
        if url.path == "/api/v1/accounts/lookup" and query.get("acct") in ACCOUNTS:
            return self.answer(200, account(query["acct"]))
        if parts[2] == "accounts" and parts[-1] == "statuses":
            with lock:
                own = [status for status in statuses if status["account"]["id"] == parts[3]]
            limit = min(int(query.get("limit", 20)), 40)
            if "min_id" in query:
                return self.answer(200, [status for status in own if int(status["id"]) > int(query["min_id"])][:limit][::-1])
            return self.answer(200, own[::-1][:limit])
        return self.answer(404, {"error": "Record not found"})

    def stream(self):
        # The streaming server's answer to a token that may not: 401, unlike that of the others.
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        name, scopes = TOKENS.get(token, (None, set()))
        if "read:statuses" not in scopes:
            return self.answer(401, {"error": "Access token does not have the required scopes"})
        out = queue.Queue()
        with lock:
            streams.append((name, out))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(":)\n")
        try:
            while True:
                try:
                    said = out.get(timeout=HEARTBEAT_S)
                except queue.Empty:
                    said = ":thump\n"
                if said is None:
                    break
                self.chunk(said)
        except OSError:
            pass
        with lock:
            streams.remove((name, out))
        self.close_connection = True
        return None

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        return True

    def log_message(self, *_):
        pass


def break_streams(*_):
    # Not from here, where a thread may hold the lock.
    def break_all():
        with lock:
            for _, out in streams:
                out.put(None)

    threading.Thread(target=break_all).start()


signal.signal(signal.SIGUSR1, break_streams)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Server).serve_forever()
