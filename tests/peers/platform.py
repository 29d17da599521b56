"""X, as its documentation describes it, for tests on the loopback: the login with a PIN, POST /2/tweets, and the timeline of
the account.

Every signature is checked by oauthlib, which knows nothing of us. What was posted goes to a file, a line each, and what
timelines were asked for to another.

    platform.py PORT POSTS_FILE ASKED_FILE
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode

from oauthlib.oauth1 import (
    AccessTokenEndpoint,
    RequestTokenEndpoint,
    RequestValidator,
    ResourceEndpoint,
)

APP = {"bell-app-key": "hunter2-app-secret"}
PIN = "7654321"


class Rules(RequestValidator):
    """One program, one account."""

    enforce_ssl = False
    client_key_length = request_token_length = access_token_length = (5, 100)
    verifier_length = (7, 7)
    nonce_length = (16, 64)
    safe_characters = RequestValidator.safe_characters.fget(RequestValidator) | {"-"}
    dummy_client = dummy_request_token = dummy_access_token = "nobody"

    def __init__(self):
        self.asking, self.let_in, self.seen = {}, {}, set()

    def get_client_secret(self, client_key, request):
        return APP.get(client_key, "none")

    def validate_client_key(self, client_key, request):
        return client_key in APP

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, request_token=None, access_token=None):
        mark = (client_key, timestamp, nonce)
        is_new = mark not in self.seen
        self.seen.add(mark)
        return is_new

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri == "oob"

    def get_default_realms(self, client_key, request):
        return []

    def get_realms(self, token, request):
        return []

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    def save_request_token(self, token, request):
        self.asking[token["oauth_token"]] = token["oauth_token_secret"]

    def get_request_token_secret(self, client_key, token, request):
        return self.asking.get(token, "none")

    def validate_request_token(self, client_key, token, request):
        return token in self.asking

    def validate_verifier(self, client_key, token, verifier, request):
        return verifier == PIN

    def invalidate_request_token(self, client_key, request_token, request):
        self.asking.pop(request_token, None)

    def save_access_token(self, token, request):
        self.let_in[token["oauth_token"]] = token["oauth_token_secret"]

    def get_access_token_secret(self, client_key, token, request):
        return self.let_in.get(token, "none")

    def validate_access_token(self, client_key, token, request):
        return token in self.let_in


rules = Rules()
posts = []


class Platform(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        uri = f"http://{self.headers['Host']}{self.path}"
        request = (uri, "POST", body, dict(self.headers))
        if self.path == "/oauth/request_token":
            headers, answer, status = RequestTokenEndpoint(rules).create_request_token_response(*request)
            self.answer(status, answer or "", headers.get("Content-Type", "text/plain"))
        elif self.path == "/oauth/access_token":
            extra = {"user_id": "1", "screen_name": "bell"}
            headers, answer, status = AccessTokenEndpoint(rules).create_access_token_response(*request, credentials=extra)
            self.answer(status, answer or "", headers.get("Content-Type", "text/plain"))
        elif self.path == "/2/tweets":
            valid, _ = ResourceEndpoint(rules).validate_protected_resource_request(*request)
            self.tweet(valid, body)
        else:
            self.answer(404, "")

    def do_GET(self):
        uri = f"http://{self.headers['Host']}{self.path}"
        valid, _ = ResourceEndpoint(rules).validate_protected_resource_request(uri, "GET", "", dict(self.headers))
        path, _, query = self.path.partition("?")
        if not valid:
            self.problem(401, "Unauthorized")
        elif path == "/2/users/by/username/bell":
            self.answer(200, json.dumps({"data": {"id": "1", "username": "bell"}}), "application/json")
        elif path == "/2/users/1/tweets":
            with open(sys.argv[3], "a", encoding="utf-8") as file:
                print("GET", path, file=file)
            since = int(dict(parse_qsl(query)).get("since_id", 0))
            newer = [{"id": str(n), "text": text} for n, text in enumerate(posts, 1) if n > since]
            answer = {"data": newer[::-1], "meta": {"result_count": len(newer)}} if newer else {"meta": {"result_count": 0}}
            self.answer(200, json.dumps(answer), "application/json")
        else:
            self.problem(404, "Not Found")

    def tweet(self, valid, body):
        if not valid:
            return self.problem(401, "Unauthorized")
        text = json.loads(body)["text"]
        if text in posts:
            return self.problem(403, "You are not allowed to create a Tweet with duplicate content.")
        posts.append(text)
        with open(sys.argv[2], "a", encoding="utf-8") as file:
            print(text, file=file)
        return self.answer(201, json.dumps({"data": {"id": str(len(posts)), "text": text}}), "application/json")

    def problem(self, status, detail):
        self.answer(status, json.dumps({"status": status, "title": detail, "detail": detail}), "application/json")

    def answer(self, status, body, kind="text/plain"):
        if isinstance(body, dict):
            body = urlencode(body)
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Platform).serve_forever()
