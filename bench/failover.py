#!/usr/bin/python3
"""How long is a client without an answer?  Three nodes, nginx behind a logical host name, a request every 5 ms.

    failover.py STAGE [RUNS]

Prints min / median / max of each case, and the ratio of the median to what cannot be avoided there: takeover_time for the
crash (until then the lost node may still run the service), and the agent's own methods for a switch and a restart.
"""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", os.environ.get("BUILD", "build"), "lab"))

from clusterlab_lib import Lab
from cluster_lab import Client, Cluster

GROUP = "web-rg"


def methods_ms(cluster, since_ms):
    """Time of the agent's methods between the last answer and the next, from the journal."""
    return sum(run["ms"] for entry in cluster.journal("node1") if entry["e"] == "msg" and entry["msg"].get("t") == "rgm.rep"
               for run in entry["msg"].get("runs", []) if run["at"] >= since_ms - 5 and "Monitor" not in run["method"])


def measure(cluster, client, act, node):
    """(gap in ms, methods in ms) of one blow, which leaves the group online on `node`."""
    wall, began = time.time() * 1000, time.monotonic()
    act()
    gap = client.gap_after(began, 10)
    cluster.wait_online(GROUP, on=node, node="node1")
    return gap["ms"] if gap else 0.0, methods_ms(cluster, wall)


def report(name, gaps, floor, what):
    print(f"{name:<22} {min(gaps):6.0f} {statistics.median(gaps):6.0f} {max(gaps):6.0f} ms   "
          f"{statistics.median(gaps) / floor:5.2f} x {what} ({floor:.0f} ms)", flush=True)


def main():
    stage, runs = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    cluster = Cluster(Lab(f"bench-{os.getpid()}"), stage)
    results = {"switch": [], "kill": [], "crash": []}
    try:
        cluster.up(nodes=3)
        cluster.web(GROUP, "app1")
        takeover = cluster.status()["takeover_time_ms"]
        client = Client(cluster.lab, "app1:80")
        client.wait("first")
        for _ in range(runs):
            results["switch"].append(measure(cluster, client, lambda: cluster.cmd(
                "node1", "scswitch", "-z", "-g", GROUP, "-h", "node2"), "node2"))
            results["kill"].append(measure(cluster, client, lambda: cluster.cmd("node2", "pkill", "-9", "-x", "nginx"), "node2"))
            time.sleep(1)       # a second restart within the probe's patience would be another case
            results["crash"].append(measure(cluster, client, lambda: cluster.lab.crash("node2"), "node1"))
            cluster.mend()
        client.stop()
    finally:
        cluster.lab.down()
    print(f"client gap, {runs} runs         min median    max")
    for name, what in (("switch", "planned switch"), ("kill", "server killed")):
        gaps, methods = zip(*results[name])
        report(what, gaps, max(1.0, statistics.median(methods)), "the agent's methods")
    report("node crashed", [gap for gap, _ in results["crash"]], takeover, "takeover_time")


if __name__ == "__main__":
    main()
