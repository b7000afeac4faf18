"""A stand-in for clusterd: speaks the protocol, answers what it was told to, and keeps what it was asked."""

import json
import pathlib
import socket
import threading

INTERFACE = "org.parhelion.Cluster."


class Error(Exception):
    def __init__(self, name, **parameters):
        super().__init__(name)
        self.name = name if "." in name else INTERFACE + name
        self.parameters = parameters


class ClusterdDouble:
    """answers: method -> reply, Error, or a function of the parameters that gives either.  None: never answer."""

    def __init__(self, root, answers=None):
        self.path = pathlib.Path(root) / "run/cluster/clusterd.sock"
        self.answers = {"Request": {}, **(answers or {})}
        self.calls = []
        self.lock = threading.Lock()
        self.connections = []

    def __enter__(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.path))
        self.listener.listen(600)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()
        self.path.unlink()

    @property
    def requests(self):
        """Of Request, in the order of a sort: they come side by side."""
        found = [p["request"] for method, p in self.calls if method == "Request"]
        return sorted(found, key=json.dumps)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        data = b""
        try:
            while chunk := connection.recv(65536):
                data += chunk
                while b"\0" in data:
                    text, data = data.split(b"\0", 1)
                    self._call(connection, json.loads(text))
        except OSError:
            pass

    def _call(self, connection, message):
        method = message["method"].removeprefix(INTERFACE)
        parameters = message.get("parameters", {})
        with self.lock:
            self.calls.append((method, parameters))
        answer = self.answers.get(method, Error("org.varlink.service.MethodNotFound", method=method))
        if callable(answer):
            answer = answer(parameters)
        if answer is None:
            return
        if isinstance(answer, Error):
            reply = {"error": answer.name, "parameters": answer.parameters}
        else:
            reply = {"parameters": answer}
        text = json.dumps(reply).encode() + b"\0"
        connection.sendall(text[:7])            # in two pieces, as it may come
        connection.sendall(text[7:])
