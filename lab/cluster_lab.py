"""A cluster of real daemons in a lab: what the demo and the cluster tests share.

    cluster = Cluster(Lab("name"), stage)
    cluster.up(nodes=3)                     # formed when it returns
    cluster.cmd("node1", "scstat", "-n")    # CompletedProcess; check=True raises LabError
    cluster.web("web-rg", "app1")           # nginx behind a logical host name, online
    client = Client(cluster.lab, "app1:80") # asks every 5 ms and remembers the gaps
"""
import json
import os
import subprocess
import threading
import time

from clusterlab_lib import LabError

NGINX = """worker_processes 1; pid /run/nginx-%(name)s.pid; error_log /var/log/nginx-%(name)s.log;
events { worker_connections 512; }
http { access_log off; server { listen 80; location / { default_type text/plain; return 200 "%(node)s\\n"; } } }
"""


class Client:
    """labprobe on a client of the lab; remembers the gaps between two answers."""

    def __init__(self, lab, target, node="client1"):
        self.events, self.changed = [], threading.Condition()
        self.process = lab.popen(node, "labprobe", "-p", "5", target, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()

    def wait(self, kind, after=0.0, timeout=30.0):
        """The first event of a kind that ended after a moment (CLOCK_MONOTONIC, s); None when none comes in time."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                for event in self.events:
                    if event["event"] == kind and event.get("to", event.get("mono", 0)) > after:
                        return event
                if not self.changed.wait(deadline - time.monotonic()):
                    return None

    def gap_after(self, moment, timeout=30.0):
        return self.wait("gap", moment, timeout)

    def moved_after(self, moment, timeout=30.0):
        """The gap after which another node answered."""
        deadline = time.monotonic() + timeout
        while True:
            gap = self.wait("gap", moment, max(0.0, deadline - time.monotonic()))
            if gap is None or gap["before"] != gap["after"]:
                return gap
            moment = gap["to"]

    def stop(self):
        """The last event: {"ok","failed","max_gap_ms"}."""
        self.process.terminate()
        self.process.wait()
        return self.wait("end", timeout=5)


class Cluster:
    def __init__(self, lab, stage):
        self.lab, self.stage = lab, stage

    def up(self, nodes=3, clients=1, timeout=60):
        self.lab.up(nodes=nodes, clients=clients, stage=self.stage,
                    setup=os.path.join(self.stage, "usr/cluster/lib/sc/lab-setup"))
        self.wait_members(timeout=timeout)

    def nodes(self):
        return [name for name in self.lab.names() if name.startswith("node")]

    def cmd(self, node, *command, check=False, timeout=60):
        return self.lab.exec(node, *command, check=check, timeout=timeout)

    def status(self, node="node1"):
        try:
            done = self.cmd(node, "scstat", "--json")
        except LabError:
            return {}           # it died meanwhile
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def wait_for(self, what, node="node1", timeout=60.0, why="the state that was waited for"):
        """Until what(status of node) is true.  A person or a test may look again and again; daemons never do."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            status = self.status(node) if self.lab.status(node).state == "up" else {}
            if status and what(status):
                return status
            time.sleep(0.02)
        raise LabError(f"{node} did not see {why} in {timeout:.0f} s\n" + self.last_words())

    def last_words(self, lines=8):
        """The end of every node's log, for whoever has to find out why."""
        return "\n".join(f"{n} ({self.lab.status(n).state}): {line}" for n in self.nodes()
                         for name in ("clusterd", "failfastd") for line in self.log(n, name).splitlines()[-lines:])

    def wait_members(self, members=None, node="node1", timeout=60.0):
        wanted = set(members or self.nodes())
        return self.wait_for(lambda s: {n["name"] for n in s["nodes"] if n["member"]} == wanted, node, timeout,
                             f"the members {sorted(wanted)}")

    def serves(self, node, idle_since):
        """Is it up, and does its clusterd run, or is it still on its way (3 s)?  idle_since: node -> when it was seen without."""
        if self.lab.status(node).state != "up":
            return False
        if not self.lab.exec(node, "pgrep", "-x", "clusterd", check=False).returncode:
            idle_since.pop(node, None)
            return True
        return time.monotonic() < idle_since.setdefault(node, time.monotonic()) + 3

    def boot_again(self, node):
        """Off, and on when the others have seen that: no real machine is back within a tenth of a second, and a ring that has
        not noticed the death of a node takes its new life for a quarrel with the old one."""
        def gone(status):
            return not any(path["status"] == "Path online" and node in (path["a"].split(":")[0], path["b"].split(":")[0])
                           for path in status["paths"])
        self.lab.crash(node)
        for other in self.nodes():
            if other != node and self.status(other).get("ready"):
                self.wait_for(gone, other, 10, f"the paths to {node} go")
        self.lab.boot(node)

    def mend(self, timeout=20.0):
        """Whatever happened: every cable whole, every node up and a member.  A dead node is booted only when those that
        live have noticed its death, else an old membership would pass for the new one."""
        self.lab.heal()
        deadline, idle_since = time.monotonic() + timeout, {}
        while time.monotonic() < deadline:
            for name in self.nodes():
                if self.lab.status(name).state == "frozen":
                    self.lab.thaw(name)
            alive = {n for n in self.nodes() if self.serves(n, idle_since)}
            seen = [{n["name"] for n in self.status(node).get("nodes", []) if n["member"]} for node in alive]
            if all(members <= alive for members in seen):
                break
            time.sleep(0.05)
        for name in self.nodes():
            if self.lab.status(name).state != "up":
                self.lab.boot(name)
            elif not self.status(name):
                self.boot_again(name)   # it runs, but the cluster software does not
        self.wait_members(timeout=timeout)

    def group_state(self, status, group, node):
        for g in status.get("groups", []):
            for on in g["nodes"]:
                if g["name"] == group and on["node"] == node:
                    return on["state"]
        return None

    def wait_online(self, group, on=None, node="node1", timeout=60.0):
        """Until the group is online (on the node `on`); returns the name of its node."""
        def online(status):
            return [n for n in self.nodes() if self.group_state(status, group, n) == "ONLINE" and on in (None, n)]
        return online(self.wait_for(online, node, timeout, f"{group} online"))[0]

    def president(self, node="node1"):
        return self.status(node)["president"]

    def journal(self, node):
        with open(self.lab.disk_path(node, "/var/cluster/journal/journal")) as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]

    def log(self, node, name="clusterd"):
        with open(self.lab.disk_path(node, f"/var/log/cluster/{name}.log"), errors="replace") as text:
            return text.read()

    # ---- a web server ----

    def web_commands(self, group, address, nodes):
        """What makes an nginx highly available, as a person would type it."""
        start = f"/usr/sbin/nginx -c /etc/nginx-{group}.conf -g 'daemon off;'"
        return [
            ["scrgadm", "-a", "-t", "SUNW.gds"],
            ["scrgadm", "-a", "-g", group, "-h", ",".join(nodes)],
            ["scrgadm", "-a", "-L", "-g", group, "-l", address],
            ["scrgadm", "-a", "-j", "web", "-g", group, "-t", "SUNW.gds", "-y", "Port_list=80/tcp",
             "-y", f"Resource_dependencies={address}", "-x", f"Start_command={start}"],
            ["scswitch", "-Z", "-g", group],
        ]

    def web_files(self, group):
        for node in self.nodes():
            self.lab.exec(node, "sh", "-c", f"cat >/etc/nginx-{group}.conf", input=NGINX % {"name": group, "node": node})

    def web(self, group="web-rg", address="app1"):
        self.web_files(group)
        for command in self.web_commands(group, address, self.nodes()):
            self.cmd("node1", *command, check=True)
