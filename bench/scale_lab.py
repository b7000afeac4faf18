#!/usr/bin/python3
"""What many groups cost real daemons: three nodes, groups of two resources whose methods do nothing.

    scale_lab.py STAGE [GROUPS]         500 groups

Three steps: the groups are created by commands, brought online by one command, and a third of them fails over when its node loses
power.  For each: the time it takes, what clusterd of the first node computes for it, and both, a group, as ratios to those of a tenth
as many groups: 1.0 means that one more group costs the same, however many there are.  The methods are timed by the nodes
themselves (the journal has it), and all by themselves, one after the other, in a loop of the shell: what cannot be avoided.
"""
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", os.environ.get("BUILD", "build"), "lab"))

from clusterlab_lib import Lab
from cluster_lab import Cluster

NODES = 3
TICKS = os.sysconf("SC_CLK_TCK")
RTR = """RESOURCE_TYPE = "nothing"; VENDOR_ID = BENCH; RT_VERSION = "1"; API_VERSION = 2; FAILOVER = TRUE; RT_BASEDIR = /opt/BENCHnothing;
START = method; STOP = method;
"""
INSTALL = """mkdir /opt/BENCHnothing
printf '#!/bin/sh\\nexit 0\\n' >/opt/BENCHnothing/method
chmod 755 /opt/BENCHnothing/method
cat >/opt/BENCHnothing/rtr
"""
# The preferred nodes go round, so that each has its share.
CREATE = """scrgadm -a -t BENCH.nothing -f /opt/BENCHnothing/rtr
g=0
while [ $g -lt "$1" ]; do
    case $((g % 3)) in 0) nodes=node1,node2,node3 ;; 1) nodes=node2,node3,node1 ;; 2) nodes=node3,node1,node2 ;; esac
    scrgadm -a -g g$g -h $nodes
    scrgadm -a -j g$g-a -g g$g -t BENCH.nothing
    scrgadm -a -j g$g-b -g g$g -t BENCH.nothing -y Resource_dependencies=g$g-a
    g=$((g + 1))
done
"""
BARE = 'i=0; while [ $i -lt 200 ]; do /opt/BENCHnothing/method; i=$((i + 1)); done'
STEPS = ["create", "bring online", "fail over"]


def cpu_seconds(cluster, node, program="clusterd"):
    """User and system time of a daemon, without its children."""
    stat = cluster.lab.sh(node, f"cat /proc/$(pgrep -x -o {program})/stat")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(cluster, node, program="clusterd"):
    status = cluster.lab.sh(node, f"cat /proc/$(pgrep -x -o {program})/status")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def runs(cluster, since_ms):
    """[(end in ms, took in ms)] of the methods that have ended since then, on all nodes."""
    found = []
    with open(cluster.lab.disk_path("node1", "/var/cluster/journal/journal"), encoding="utf-8") as lines:
        for line in lines:
            if '"rgm.rep"' in line and line.endswith("\n"):
                msg = json.loads(line)["msg"]
                found += [(run["at"] + run["ms"], run["ms"]) for run in msg.get("runs", []) if run["at"] >= since_ms]
    return found


class Steps:
    """One cluster with so many groups; the figures of each step."""

    def __init__(self, stage, groups):
        self.groups, self.figures = groups, {}
        self.cluster = Cluster(Lab(f"bench-{os.getpid()}"), stage)
        try:
            self.cluster.up(nodes=NODES, clients=0)
            for node in self.cluster.nodes():
                self.cluster.lab.exec(node, "sh", "-ec", INSTALL, input=RTR)
            self.bare_ms = self._bare()
            self._step("create", self._create)
            self._step("bring online", self._online)
            self.memory = resident_mb(self.cluster, "node1")
            began = time.monotonic()
            self.cluster.status()
            self.status_ms = (time.monotonic() - began) * 1000
            self._step("fail over", self._fail_over)
        finally:
            self.cluster.lab.down()

    def _bare(self):
        began = time.monotonic()
        self.cluster.lab.sh("node1", BARE)
        return (time.monotonic() - began) / 200 * 1000

    def _step(self, name, act):
        cpu, wall = cpu_seconds(self.cluster, "node1"), time.time() * 1000
        moved, until_ms, expected = act()
        cpu = cpu_seconds(self.cluster, "node1") - cpu
        done = runs(self.cluster, wall)
        if len(done) != expected:
            sys.exit(f"scale_lab: {name}: {expected} methods should have run, the journal has {len(done)}")
        end = until_ms or max(at for at, _ in done)
        self.figures[name] = {"s": (end - wall) / 1000, "cpu": cpu, "groups": moved, "methods": sum(ms for _, ms in done) / 1000,
                              "runs": len(done)}

    def _create(self):
        self.cluster.cmd("node1", "sh", "-ec", f"PATH=/usr/cluster/bin:$PATH\n{CREATE}", "create", str(self.groups), check=True,
                         timeout=3600)
        return self.groups, time.time() * 1000, 0

    def _all_online(self, timeout):
        self.cluster.wait_for(lambda s: len(s["groups"]) == self.groups and all(
            any(n["state"] == "ONLINE" for n in g["nodes"]) for g in s["groups"]), timeout=timeout, why="all groups online")

    def _online(self):
        self.cluster.cmd("node1", "clrg", "online", "-eM", "+", check=True, timeout=3600)
        self._all_online(5)
        return self.groups, None, 2 * self.groups

    def _fail_over(self):
        share = len([g for g in range(self.groups) if g % NODES == 2])
        self.takeover_s = self.cluster.status()["takeover_time_ms"] / 1000
        self.cluster.lab.crash("node3")
        time.sleep(self.takeover_s)             # looking would cost clusterd more than the work
        self.cluster.wait_for(lambda s: not any(n["member"] for n in s["nodes"] if n["name"] == "node3"), why="that node3 is gone")
        self._all_online(3600)
        return share, None, 2 * share


def main():
    stage, groups = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500
    if groups < 30:
        sys.exit(f"scale_lab: {groups} groups: at least 30, as it compares with a tenth of them")
    few, many = Steps(stage, groups // 10), Steps(stage, groups)
    print(f"{groups} groups of two resources on {NODES} nodes; in brackets, a group, as a ratio to {groups // 10} groups")
    for name in STEPS:
        a, b = few.figures[name], many.figures[name]
        if name == "fail over":
            a["s"], b["s"] = a["s"] - few.takeover_s, b["s"] - many.takeover_s
        ratio = {key: (b[key] / b["groups"]) / (a[key] / a["groups"]) if a[key] > 0 else 0.0 for key in ("s", "cpu")}
        text = f"{name:<13} {b['s']:7.2f} s, {b['s'] / b['groups'] * 1000:6.2f} ms a group ({ratio['s']:.2f} x)   " \
               f"clusterd {b['cpu'] / b['groups'] * 1000:6.2f} ms a group ({ratio['cpu']:.2f} x)"
        if b["runs"]:
            bare = many.bare_ms * b["runs"] / 1000
            text += f"   {b['s'] / bare:5.2f} x {b['runs']} bare methods ({many.bare_ms:.2f} ms each)"
        print(text, flush=True)
    print(f"{'':13} fail over is counted from the end of takeover_time ({many.takeover_s:.2f} s)")
    print(f"clusterd of node1 has {many.memory:.1f} MB, {few.memory:.1f} MB with {groups // 10}; scstat --json takes "
          f"{many.status_ms:.0f} ms, {few.status_ms:.0f} ms with {groups // 10}")


if __name__ == "__main__":
    main()
