#!/usr/bin/env python3
"""A stand-in for clusterd inside a simulated node: answers the agents' questions from a file, writes down their requests.

fake_clusterd.py CONFIG REQUESTS: CONFIG is read at each call: {"self", "self_id", "resources": {name: answer of GetResource},
"groups", "types", "cluster", "refuse": {"GIVEOVER": [code, message]}}.  REQUESTS gets one JSON line a request, with the
monotonic time at which it came."""
import json
import os
import socketserver
import sys
import time

PATH = "/run/cluster/clusterd.sock"
CLUSTER = "org.parhelion.Cluster."
CODES = {"resource": 14, "group": 12, "type": 13}


class NotFound(Exception):
    pass


def find(config, kind, name):
    try:
        return {"self": config["self"], "seq": 1, **config[kind + "s"][name]}
    except KeyError:
        raise NotFound({"code": CODES[kind], "message": f"there is no {kind} {name}"}) from None


def answer(config, method, params):
    if method == "GetCluster":
        return {"self": config["self"], "self_id": config.get("self_id", 1), "seq": 1, **config.get("cluster", {})}
    kind = method.removeprefix("Get").lower()
    reply = find(config, kind, params[kind])
    if kind == "resource" and params.get("group", reply["group"]) != reply["group"]:
        raise NotFound({"code": CODES[kind], "message": "not in that group"})
    return reply


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        data = b""
        while True:
            while b"\0" not in data:
                chunk = self.request.recv(65536)
                if not chunk:
                    return
                data += chunk
            message, data = data.split(b"\0", 1)
            self.request.sendall(json.dumps(self.reply(json.loads(message))).encode() + b"\0")

    def reply(self, message):
        came = time.monotonic()
        with open(sys.argv[1], encoding="utf-8") as file:
            config = json.load(file)
        method = message["method"].removeprefix(CLUSTER)
        params = message["parameters"]
        if method != "Request":
            try:
                return {"parameters": answer(config, method, params)}
            except NotFound as error:
                return {"error": CLUSTER + "NotFound", "parameters": error.args[0]}
        request = params["request"]
        with open(sys.argv[2], "a", encoding="utf-8") as file:
            file.write(json.dumps({"came": came, **request}) + "\n")
        refusal = config.get("refuse", {}).get(request.get("tag"))
        if refusal:
            return {"error": CLUSTER + "Refused", "parameters": {"code": refusal[0], "message": refusal[1]}}
        return {"parameters": {}}


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    os.makedirs(os.path.dirname(PATH), exist_ok=True)
    if os.path.exists(PATH):
        os.unlink(PATH)
    with Server(PATH, Handler) as server:
        server.serve_forever()
