"""A stand-in for a service's endpoint that is in trouble: throttles, denies, doubts the clock, fails, hangs.

    troubled_endpoint.py LOG MODE

says its port on standard output. Each request is a line of JSON in LOG: the operation, and its body.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# As SageMaker's protocol (AWS JSON 1.1) has them: the HTTP status, and code and message in the body.
TROUBLES = {
    "throttle": (400, "ThrottlingException", "Rate exceeded"),
    "deny": (400, "AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/nb/SageMaker is not authorized"),
    "clock": (400, "InvalidSignatureException", "Signature expired: 20261123T150000Z is now earlier than 20261123T155500Z"),
    "expired": (400, "ExpiredTokenException", "The security token included in the request is expired"),
    "fail": (500, "InternalFailure", "We encountered an internal error. Please try again."),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log = mode = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8", "replace")
        operation = self.headers.get("X-Amz-Target", "").partition(".")[2] or self.path
        with open(self.log, "a") as log:
            log.write(json.dumps({"at": time.time(), "operation": operation, "body": body}) + "\n")
        if self.mode == "hang":
            time.sleep(3600)
        status, code, message = TROUBLES[self.mode]
        said = json.dumps({"__type": code, "message": message}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    Handler.log, Handler.mode = sys.argv[1:]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
