#!/usr/bin/python3
"""The demo: a web server that survives.  Three machines on this one, real daemons, a real nginx behind a logical host name,
and a client that asks every 5 ms.  It is moved, killed, and its machine loses power; each gap is measured and explained.

    demo.py STAGE [--keep]       STAGE: staged installation (DESTDIR); --keep leaves the lab up
"""
import argparse
import os
import sys
import time

from clusterlab_lib import Lab, LabError
from cluster_lab import Client, Cluster

GROUP, ADDRESS, NODES = "web-rg", "app1", 3

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


class Demo(Cluster):
    """A cluster whose commands are shown as they are given."""

    def run(self, node, *command):
        say(colour("2", f"   {node}# ") + " ".join(repr(c) if " " in c else c for c in command))
        done = self.cmd(node, *command)
        if done.returncode:
            raise LabError((done.stderr or done.stdout).strip())
        return done.stdout


def configure(demo):
    head("An ordinary nginx becomes highly available: five commands")
    demo.web_files(GROUP)
    for command in demo.web_commands(GROUP, ADDRESS, demo.nodes()):
        demo.run("node1", *command)
    say(demo.run("node1", "scstat", "-g").rstrip())


def show_gap(name, gap, parts, budget_ms):
    """Returns what the result table shows.  labprobe tells of gaps of 25 ms and more."""
    shown = f"{gap['ms']:.0f} ms" if gap else "below 25 ms"
    late = gap and gap["ms"] > budget_ms
    verdict = colour("31", f"over {budget_ms:.0f} ms") if late else colour("32", "ok")
    say(f"   {name}: " + colour("1;33", shown) + f" without an answer  [{verdict}]")
    for label, value in parts if gap else []:
        say(f"      {value:7.0f} ms  {label}")
    return shown


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
    demo.wait_online(GROUP, on="node2")
    gap = client.gap_after(began, 2)
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
    say(f"   served again by {colour('1', demo.wait_online(GROUP))}")
    return show_gap("crash of node2", gap, explain_crash(demo.journal("node1"), crash_ms, gap), 1000)


def node_returns(demo):
    head("node2 comes back")
    with Step("boot node2, until it is a member again"):
        demo.lab.boot("node2")
        demo.wait_members()
    say(demo.run("node2", "scstat", "-n", "-g").rstrip())


def tour(demo, results, keep, lab_name):
    head("What happened, from the journal of node1")
    say(demo.run("node1", "cluster", "timeline", "-g", GROUP, "--since", "60").rstrip())
    head("Result")
    for name, shown in results:
        say(f"   {name:<28} {shown:>12}")
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
    demo, client = Demo(lab, os.path.abspath(args.stage)), None
    try:
        head("A cluster of three machines on this one")
        with Step(f"{NODES} simulated machines; failfastd, pmfd, corosync, clusterd on each, until all are members"):
            demo.up(nodes=NODES)
        configure(demo)
        client = Client(lab, f"{ADDRESS}:80")
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
        for node in demo.nodes() if lab.names() else []:
            say("\n".join(f"   {node}: {line}" for line in demo.log(node).splitlines()[-10:]))
        return 1
    finally:
        if client:
            client.stop()
        if not args.keep:
            lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
