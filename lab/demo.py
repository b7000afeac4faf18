#!/usr/bin/python3
"""The demo: a web server that survives.  Three machines on this one, real daemons, a real nginx behind a logical host name,
and a client that asks every 5 ms.  It is moved, killed, and its machine loses power; each gap is measured and explained.

    demo.py STAGE [--keep]       STAGE: staged installation (DESTDIR); --keep leaves the lab up
"""
import argparse
import json
import os
import subprocess
import sys
import threading
import time

from clusterlab_lib import Lab, LabError

GROUP, ADDRESS, NODES = "web-rg", "app1", 3
NGINX = """worker_processes 1; pid /run/nginx-demo.pid; error_log /var/log/nginx-demo.log;
events { worker_connections 512; }
http { access_log off; server { listen 80; location / { default_type text/plain; return 200 "%s\\n"; } } }
"""
START = "/usr/sbin/nginx -c /etc/nginx-demo.conf -g 'daemon off;'"

TTY = sys.stdout.isatty()


def colour(code, text):
    return f"\033[{code}m{text}\033[0m" if TTY else text


def say(text=""):
    print(text, flush=True)


def head(text):
    say("\n" + colour("1;36", f"== {text}"))


class Step:
    """A line that shows that something takes its time, and how much."""

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        self.began = time.monotonic()
        print(f"   {self.text} ... ", end="", flush=True)
        return self

    def __exit__(self, kind, error, trace):
        if not kind:
            say(colour("32", f"{time.monotonic() - self.began:.2f} s"))
        else:
            say(colour("31", "failed"))


class Client:
    """labprobe on client1; remembers the gaps between two answers."""

    def __init__(self, lab):
        self.events, self.changed = [], threading.Condition()
        self.process = lab.popen("client1", "labprobe", "-p", "5", f"{ADDRESS}:80", stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()

    def wait(self, kind, after=0.0, timeout=30.0):
        """The first event of a kind whose end is later than `after` (CLOCK_MONOTONIC, s)."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                for event in self.events:
                    if event["event"] == kind and event.get("to", event.get("mono", 0)) > after:
                        return event
                if not self.changed.wait(deadline - time.monotonic()):
                    return None

    def gap_after(self, moment, timeout=30.0):
        """The gap (if any) that began after `moment`; None when the service never missed a beat for so long."""
        return self.wait("gap", moment, timeout)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Demo:
    def __init__(self, lab):
        self.lab = lab

    def status(self, node="node1"):
        done = self.lab.exec(node, "scstat", "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def wait_for(self, what, node="node1", timeout=60.0):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            status = self.status(node)
            if status and what(status):
                return status
            time.sleep(0.03)
        raise LabError(f"the cluster did not get there in {timeout:.0f} s; see: clusterlab logs")

    def run(self, node, *command):
        say(colour("2", f"   {node}# ") + " ".join(repr(c) if " " in c else c for c in command))
        done = self.lab.exec(node, *command, check=False)
        if done.returncode:
            raise LabError((done.stderr or done.stdout).strip())
        return done.stdout

    def where(self, node="node1"):
        for group in self.status(node).get("groups", []):
            for on in group["nodes"]:
                if group["name"] == GROUP and on["state"] == "ONLINE":
                    return on["node"]
        return None

    def journal(self, node):
        with open(self.lab.disk_path(node, "/var/cluster/journal/journal")) as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]


def configure(demo):
    head("An ordinary nginx becomes highly available: six commands")
    for node in (f"node{i + 1}" for i in range(NODES)):
        demo.lab.exec(node, "sh", "-c", "cat >/etc/nginx-demo.conf", input=NGINX % node, check=True)
    demo.run("node1", "scrgadm", "-a", "-t", "SUNW.gds")
    demo.run("node1", "scrgadm", "-a", "-g", GROUP, "-h", "node1,node2,node3")
    demo.run("node1", "scrgadm", "-a", "-L", "-g", GROUP, "-l", ADDRESS)
    demo.run("node1", "scrgadm", "-a", "-j", "web", "-g", GROUP, "-t", "SUNW.gds", "-y", "Port_list=80/tcp",
             "-y", f"Resource_dependencies={ADDRESS}", "-x", f"Start_command={START}")
    demo.run("node1", "scswitch", "-Z", "-g", GROUP)
    say(demo.run("node1", "scstat", "-g").rstrip())


def show_gap(name, gap, parts, budget_ms):
    ms = gap["ms"] if gap else 0.0
    verdict = colour("32", "ok") if ms <= budget_ms else colour("31", f"over {budget_ms:.0f} ms")
    say(f"   {name}: " + colour("1;33", f"{ms:.0f} ms") + f" without an answer  [{verdict}]")
    for label, value in parts:
        say(f"      {value:7.0f} ms  {label}")
    return ms


def method_runs(entries, since_ms):
    """(method, resource, begin ms, duration ms) of the group's methods since a wall-clock time."""
    for entry in entries:
        message = entry.get("msg", {})
        if entry.get("e") == "msg" and message.get("t") == "rgm.rep" and message.get("rg") == GROUP:
            for run in message.get("runs", []):
                if run["at"] >= since_ms:
                    yield run["method"], run["rs"], run["at"], run["ms"]


def planned_switch(demo, client):
    head("A planned switch, under load")
    wall, began = time.time() * 1000, time.monotonic()
    demo.run("node1", "scswitch", "-z", "-g", GROUP, "-h", "node2")
    gap = client.gap_after(began, 3)
    stop_start = [r for r in method_runs(demo.journal("node1"), wall - 5) if "Monitor" not in r[0]]
    agent = sum(r[3] for r in stop_start)
    parts = [("methods of the agent (Stop, Start of address and server)", agent)]
    if gap:
        parts.append(("ours", max(0, gap["ms"] - agent)))
    return show_gap("switch node1 -> node2", gap, parts, 150)


def kill_server(demo, client):
    head("Somebody kills nginx")
    wall, began = time.time() * 1000, time.monotonic()
    demo.run("node2", "pkill", "-9", "-x", "nginx")
    gap = client.gap_after(began)
    agent = sum(r[3] for r in method_runs(demo.journal("node1"), wall - 5) if "Monitor" not in r[0])
    return show_gap("restart in place on node2", gap,
                    [("methods of the agent (Stop, Start)", agent), ("ours", max(0, (gap["ms"] if gap else 0) - agent))], 100)


def explain_crash(entries, crash_ms, gap):
    """Splits the gap: corosync's detection, the rest of the lease, the agent's methods, and what is left: ours."""
    view = dead = None
    for entry in entries:
        if entry.get("m", 0) < crash_ms:
            continue
        if entry["e"] == "view" and view is None:
            view = entry["m"]
        if entry["e"] == "msg" and entry["msg"].get("t") == "dead" and dead is None:
            dead = entry["m"]
            since = entry["w"]
    if view is None or dead is None:
        return []
    agent = sum(r[3] for r in method_runs(entries, since - 5) if "Monitor" not in r[0])
    detection, lease = view - crash_ms, dead - view
    before = max(0.0, crash_ms - gap["from"] * 1000)
    return [("detection (corosync: token + consensus)", detection),
            ("rest of the lease: until the lost node is dead for certain", lease),
            ("methods of the agent (address up, nginx started and probed)", agent),
            ("ours", max(0.0, gap["ms"] - before - detection - lease - agent))]


def crash_node(demo, client):
    head("node2 loses power")
    say(colour("2", "   $ ") + "clusterlab crash node2")
    crash_ms = demo.lab.crash("node2") / 1e6
    gap = client.gap_after(crash_ms / 1000)
    if not gap:
        raise LabError("the service did not come back")
    demo.wait_for(lambda s: any(g["name"] == GROUP and any(n["state"] == "ONLINE" for n in g["nodes"]) for g in s["groups"]))
    say(f"   served again by {colour('1', demo.where() or '?')}")
    return show_gap("crash of node2", gap, explain_crash(demo.journal("node1"), crash_ms, gap), 1000)


def node_returns(demo):
    head("node2 comes back")
    with Step("boot node2, until it is a member again"):
        demo.lab.boot("node2")
        demo.wait_for(lambda s: all(n["member"] for n in s["nodes"]))
    say(demo.run("node2", "scstat", "-n", "-g").rstrip())


def tour(demo, results, keep, lab_name):
    head("What happened, from the journal of node1")
    say(demo.run("node1", "cluster", "timeline", "-g", GROUP, "--since", "60").rstrip())
    head("Result")
    for name, ms in results:
        say(f"   {name:<28} {ms:6.0f} ms")
    if keep:
        say(f"""
   The lab is still up.  Try:
      clusterlab --lab {lab_name} exec node1 scstat
      clusterlab --lab {lab_name} exec node1 scswitch -z -g {GROUP} -h node3
      clusterlab --lab {lab_name} crash node1            (then: boot node1)
      clusterlab --lab {lab_name} partition '1|2,3'      (then: heal)
      clusterlab --lab {lab_name} shell node2
      clusterlab --lab {lab_name} down
   clusterlab is {os.path.join(os.path.dirname(os.path.abspath(__file__)), 'clusterlab')}""")
    else:
        say("\n   make demo KEEP=1 leaves the lab up for you to play with.")


def main():
    parser = argparse.ArgumentParser(description="The demo of Parhelion.")
    parser.add_argument("stage")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--lab", default="demo")
    args = parser.parse_args()
    lab = Lab(args.lab)
    lab.down()
    demo, client = Demo(lab), None
    try:
        head("A cluster of three machines on this one")
        with Step(f"{NODES} simulated machines with 2 interconnects and a public network"):
            lab.up(nodes=NODES, clients=1, stage=args.stage,
                   setup=os.path.join(args.stage, "usr/cluster/lib/sc/lab-setup"))
        with Step("failfastd, pmfd, corosync, clusterd on each; until all are members"):
            demo.wait_for(lambda s: all(n["member"] for n in s["nodes"]))
        configure(demo)
        client = Client(lab)
        first = client.wait("first")
        if not first:
            raise LabError("the client got no answer")
        say(f"   client1 asks http://{ADDRESS}/ every 5 ms; served by {colour('1', first['body'])}")
        results = [("planned switch", planned_switch(demo, client))]
        results.append(("nginx killed", kill_server(demo, client)))
        time.sleep(0.5)         # a person should see that it works before the next blow
        results.append(("machine lost", crash_node(demo, client)))
        node_returns(demo)
        tour(demo, results, args.keep, args.lab)
    except LabError as error:
        say(colour("31", f"\ndemo: {error}"))
        for line in lab_logs(lab):
            say("   " + line)
        return 1
    finally:
        if client:
            client.stop()
        if not args.keep:
            lab.down()
    return 0


def lab_logs(lab, last=15):
    lines = []
    for i in range(NODES):
        path = lab.disk_path(f"node{i + 1}", "/var/log/cluster/clusterd.log")
        if path and os.path.exists(path):
            with open(path, errors="replace") as log:
                lines += [f"node{i + 1}: {line.rstrip()}" for line in log.readlines()[-last:]]
    return lines


if __name__ == "__main__":
    sys.exit(main())
