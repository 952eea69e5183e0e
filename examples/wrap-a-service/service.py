"""A small library: books, and a scanner that takes its time. It needs nothing but Python 3.9.

    LIBRARY_KEY=secret python3 service.py [PORT]

It answers what `openapi.json` lists, and serves that document itself: each `operationId` there is a method
of `Library` here.
"""
import hmac
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

DOCUMENT = Path(__file__).with_name("openapi.json")
METHODS = ("delete", "get", "post")
SECONDS_A_PAGE = 0.02


class Refused(Exception):
    """What a caller reads in the place of an answer."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status


class Library:
    def __init__(self):
        self.lock = threading.Lock()
        self.books = {}
        self.scans = {}
        for title, author, pages in [
            ("The Tide Tables", "Ada Quill", 30),
            ("Salt & Light: Lighthouses", "Ben Oar", 45),
            ("A Field Guide to Fog", "Ada Quill", 60),
        ]:
            self.add_book({}, {"title": title, "author": author, "pages": pages})

    def list_books(self, asked, _):
        books = [book for book in self.books.values() if asked.get("author") in (None, book["author"])]
        return 200, {"books": books[: int(asked.get("limit", 20))]}

    def get_book(self, asked, _):
        return 200, self.book(asked)

    def add_book(self, _, body):
        with self.lock:
            book = {"id": f"b{len(self.books) + 1}", **body}
            self.books[book["id"]] = book
        return 201, book

    def start_scan(self, asked, _):
        book = self.book(asked)
        with self.lock:
            scan = f"s{len(self.scans) + 1}"
            self.scans[scan] = (book, time.monotonic())
        return 202, {"id": scan, "status_url": f"/scans/{scan}"}

    def get_scan(self, asked, _):
        if asked["id"] not in self.scans:
            raise Refused(404, f"there is no scan {asked['id']!r}")
        book, began = self.scans[asked["id"]]
        pages = min(int((time.monotonic() - began) / SECONDS_A_PAGE), book["pages"])
        if pages == book["pages"]:
            return 200, {"state": "done", "progress": 1, "scan": {"book": book["title"], "pages": pages}}
        state = "scanning" if pages * 2 < book["pages"] else "binding"
        return 200, {"state": state, "progress": pages / book["pages"]}

    def book(self, asked):
        if asked["id"] not in self.books:
            raise Refused(404, f"there is no book {asked['id']!r}")
        return self.books[asked["id"]]


def routes(document):
    """Method, path and name of every operation."""
    for path, item in document["paths"].items():
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
        for method in METHODS:
            if method in item:
                yield method.upper(), pattern, item[method]["operationId"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    library = Library()
    key = os.environ.get("LIBRARY_KEY", "")
    routes = list(routes(json.loads(DOCUMENT.read_text())))

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            status, value = self.found(json.loads(body or b"{}"))
        except Refused as refused:
            status, value = refused.status, {"detail": str(refused)}
        except ValueError as error:
            status, value = 400, {"detail": str(error)}
        answer = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_DELETE = do_GET = do_POST = answer

    def found(self, body):
        url = urlsplit(self.path)
        if url.path == "/openapi.json":
            return 200, json.loads(DOCUMENT.read_text())
        if not hmac.compare_digest(self.headers.get("Authorization", ""), f"Bearer {self.key}"):
            raise Refused(401, "the key is missing or wrong")
        for method, pattern, operation in self.routes:
            found = pattern.fullmatch(url.path)
            if found and method == self.command:
                asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
                asked.update((name, unquote(value)) for name, value in found.groupdict().items())
                return getattr(self.library, operation)(asked, body)
        raise Refused(404, "there is nothing here")

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    if not Handler.key:
        sys.exit("set LIBRARY_KEY to a secret")
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000), Handler)
    print(f"the library is at http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
