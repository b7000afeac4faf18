#!/usr/bin/python3
"""Random faults on real daemons, under a client that appends through the logical host to a file on a shared disk.

    chaos.py BUILD [--minutes N] [--seed S] [--nodes N] [--lab NAME] [--keep]

Three nodes, then two nodes with a quorum device; --nodes: only that one, 2 with a device.  README.md says what is checked.
Ends with 0 when everything held; else prints what did not, and ends with 1.  The logs are left in BUILD/chaos-SEED-NODES either way:
a node that should have survived is no failure, but worth a look.
"""
import argparse
import contextlib
import heapq
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
sys.path.insert(0, str(BUILD / "lab"))

import records
import schedule
import verdict
from chaos_lab import GROUP, ChaosCluster, in_own_namespace
from clusterlab_lib import LabError

CONVERGE_S = 60
END_KILLED_S = 3.0                      # within this a node must end whose daemon was killed; our machine may be busy
END_S = {"stop clusterd": 3.0, "stop corosync": 3.0, "stop failfastd": 5.0,      # it is found when its socket is full
         "stop pmfd": 9.0}                                                       # its lease is long
LIFELESS_S = 2.0                        # up, but no clusterd: somebody has to boot it
BOTH = ("priv0", "priv1")


class Run:
    """One shape of cluster, from its first fault to its verdict."""

    def __init__(self, cluster, seed, seconds):
        self.cluster, self.lab, self.seed, self.seconds = cluster, cluster.lab, seed, seconds
        self.delays = schedule.BootDelays(seed)
        self.timers, self.order = [], itertools.count()
        self.history = []               # verdict.Event: what was done to whom, from when to when
        self.left_out = 0
        self.ends = {}                  # (node, boot): (state, when)
        self.thaws = []                 # (node, boot, frozen, thawed)
        self.expected = {}              # node: (boot, deadline, why)
        self.busy = {}                  # node: why it can bear no further blow for now
        self.off = set()                # nodes that have ended and are not booted yet
        self.lifeless = {}              # node: since when it runs without clusterd
        self.failures = []
        self.changes = {"tried": 0, "acknowledged": 0, "open": set(), "refused": []}
        self.background = []            # commands under way

    # ---- time ----

    def later(self, seconds, action):
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.order), action))

    def fail(self, text):
        self.failures.append(f"{time.strftime('%H:%M:%S')} {text}")
        print(f"   FAILED: {text}", flush=True)

    def note(self, kind, node="", text=""):
        event = verdict.Event(kind, node, time.time())
        self.history.append(event)
        print(f"   {time.strftime('%H:%M:%S')}.{int(time.time() * 1000) % 1000:03d} {kind} {node} {text}".rstrip(), flush=True)
        return event

    def run(self):
        began = time.monotonic()
        for fault in schedule.make(self.seed, self.seconds, self.cluster.nodes(), self.cluster.device):
            self.until(began + fault.at)
            try:
                if not self.strike(fault):
                    self.left_out += 1
            except (LabError, OSError) as error:        # the node, or the daemon, ended in this moment
                self.left_out += 1
                print(f"   left out: {fault.kind} {fault.node}: {error}", flush=True)
        self.until(began + self.seconds)
        while self.expected or "unguarded" in self.busy.values():      # healing would hide a node that does not end
            self.until(time.monotonic() + 0.1)

    def until(self, moment):
        while time.monotonic() < moment:
            self.tick()
            time.sleep(0.02)

    def tick(self):
        for node in self.cluster.nodes():
            self.watch(node)
        while self.timers and self.timers[0][0] <= time.monotonic():
            with contextlib.suppress(LabError, OSError):    # the node has ended since: nothing is left to mend
                heapq.heappop(self.timers)[2]()
        for item in self.background[:]:
            process, deadline, ended, said = item
            if process.poll() is None and time.monotonic() > deadline:
                process.kill()
            if process.poll() is not None:
                self.background.remove(item)
                said.seek(0)
                ended(process.returncode, said.read().strip())
                said.close()

    # ---- nodes that end, and come back ----

    def watch(self, node):
        state, since = self.lab.state(node)
        if state == "up":
            self.watch_living(node)
        elif node not in self.off:
            self.off.add(node)
            self.ends[node, self.lab.boot_id(node)] = state, since
            for table in (self.expected, self.busy, self.lifeless):
                table.pop(node, None)
            print(f"   {time.strftime('%H:%M:%S')} {node} has {state}", flush=True)
            self.later(self.delays.next(), lambda: self.boot(node))

    def boot(self, node):
        if self.lab.state(node)[0] != "up":
            self.lab.boot(node)
        self.off.discard(node)

    def watch_living(self, node):
        boot, deadline, why = self.expected.get(node, (None, 0, ""))
        if boot is not None and time.monotonic() > deadline:
            del self.expected[node]
            self.fail(f"{node} still runs {why}")
            with contextlib.suppress(LabError):         # it ended too late, but it did
                self.lab.crash(node)
        elif node in self.busy or self.lab.daemon(node, "clusterd"):
            self.lifeless.pop(node, None)
        elif time.monotonic() > self.lifeless.setdefault(node, time.monotonic()) + LIFELESS_S:
            self.note("reset", node, "it runs, but the cluster software does not")
            with contextlib.suppress(LabError):         # it has ended since
                self.lab.crash(node)

    def expect_end(self, node, seconds, why):
        self.expected[node] = self.lab.boot_id(node), time.monotonic() + seconds, f"{seconds:.0f} s after {why}"

    # ---- faults ----

    def strike(self, fault):
        """False: it makes no sense now."""
        verb, _, rest = fault.kind.partition(" ")
        if any(why == "unguarded" for why in self.busy.values()):
            return False                # a node whose failfastd is gone may do anything now; one fault at a time, then
        if verb in ("kill", "stop") and rest != "the server":
            return self.strike_daemon(fault, verb, rest)
        return getattr(self, "do_" + fault.kind.replace(" ", "_").replace("-", "_"))(fault)

    def is_up(self, node):
        return self.lab.state(node)[0] == "up" and node not in self.busy

    def lasting(self, fault, undo, text=""):
        event = self.note(fault.kind, fault.node, f"{text} {fault.seconds:.1f} s".strip())
        event.to = None

        def end():
            event.to = time.time()
            undo()
        self.later(fault.seconds, end)
        return True

    def do_crash(self, fault):
        if not self.is_up(fault.node):
            return False
        self.note(fault.kind, fault.node)
        self.lab.crash(fault.node)
        return True

    def do_freeze(self, fault):
        node, boot = fault.node, self.lab.boot_id(fault.node)
        if not self.is_up(node):
            return False
        frozen = time.monotonic()
        self.lab.freeze(node)
        self.busy[node] = "frozen"

        def thaw():
            if self.lab.boot_id(node) == boot and node not in self.off:
                self.thaws.append((node, boot, frozen, time.monotonic()))
                self.busy.pop(node, None)
                self.lab.thaw(node)
        return self.lasting(fault, thaw)

    def do_cut_a_link(self, fault):
        self.lab.cut(fault.node, fault.what)
        return self.lasting(fault, lambda: self.lab.heal(fault.node, fault.what), fault.what)

    do_cut_all_links = do_cut_a_link

    def do_partition(self, fault):
        if self.lab.faults().sides:
            return False
        self.lab.partition(fault.what)
        return self.lasting(fault, lambda: self.lab.partition(""), fault.what)

    def do_one_way_loss(self, fault):
        step, links = fault.what.split()
        nodes = self.cluster.nodes()
        other = nodes[(nodes.index(fault.node) + int(step)) % len(nodes)]

        def drop(on):
            for link in BOTH if links == "both" else (links,):
                self.lab.drop(fault.node, other, link, on)
        drop(True)
        return self.lasting(fault, lambda: drop(False), f"-> {other} {links}")

    def do_packet_loss(self, fault):
        self.lab.loss(fault.node, fault.what, fault.percent)
        return self.lasting(fault, lambda: self.lab.heal(fault.node, fault.what), f"{fault.what} {fault.percent} %")

    def do_full_disk(self, fault):
        self.lab.fill(fault.node, True)
        return self.lasting(fault, lambda: self.lab.fill(fault.node, False))

    def do_device_away(self, fault):
        here, away = self.lab.shared("quorum"), self.lab.shared("quorum.away")
        if away.exists():
            return False
        here.rename(away)
        return self.lasting(fault, lambda: away.rename(here))

    def do_slow_device(self, fault):
        """quorumd stands still, as it does on a disk that does not answer."""
        pid = self.lab.daemon(fault.node, "quorumd") if self.is_up(fault.node) else None
        if not pid:
            return False
        os.kill(pid, signal.SIGSTOP)
        return self.lasting(fault, lambda: os.kill(pid, signal.SIGCONT))

    def do_kill_the_server(self, fault):
        pids = [pid for pid in (self.lab.daemon(node, "appendd") for node in self.cluster.nodes() if self.is_up(node)) if pid]
        if not pids:
            return False
        self.note(fault.kind)
        os.kill(pids[0], signal.SIGKILL)
        return True

    def strike_daemon(self, fault, verb, daemon):
        node = fault.node
        pid = self.lab.daemon(node, daemon) if self.is_up(node) else None
        if not pid:
            return False
        must_end = daemon != "quorumd" and self.cluster.look(node).get("ready", False)
        self.note(fault.kind, node, "" if must_end else "(the node may go on)")
        os.kill(pid, signal.SIGKILL if verb == "kill" else signal.SIGSTOP)
        self.busy[node] = "unguarded" if daemon == "failfastd" else fault.kind
        if verb == "stop":
            self.later(fault.seconds, lambda: self.end_stop(node, pid, daemon))
        if must_end:
            self.expect_end(node, END_S.get(fault.kind, END_KILLED_S), f"its {daemon} was {verb}{'ed' if verb == 'kill' else 'ped'}")
        elif verb == "kill":
            del self.busy[node]
        return True

    def end_stop(self, node, pid, daemon):
        if self.lab.daemon(node, daemon) == pid:        # not of an earlier life
            os.kill(pid, signal.SIGCONT)
            self.busy.pop(node, None)

    # ---- what people do meanwhile ----

    def spawn(self, node, ended, *command, seconds=20):
        said = tempfile.TemporaryFile("w+")
        process = self.lab.popen(node, *command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        self.background.append((process, time.monotonic() + seconds, ended, said))

    def do_switch(self, fault):
        """To that node, asked for at whichever node is up."""
        at = next((n for n in self.cluster.nodes() if self.is_up(n)), None)
        if not at or not self.is_up(fault.node):
            return False
        self.note(fault.kind, fault.node)
        self.spawn(at, lambda code, said: None, "scswitch", "-z", "-g", GROUP, "-h", fault.node)
        return True

    def do_change(self, fault):
        """One at a time: the next one starts when this one has ended."""
        if not self.is_up(fault.node) or any(ended == self.changed for _, _, ended, _ in self.background):
            return False
        self.changes["tried"] += 1
        self.note(fault.kind, fault.node, str(self.changes["tried"]))
        self.spawn(fault.node, self.changed, "scrgadm", "-c", "-g", GROUP, "-y", f"RG_description={self.changes['tried']}")
        return True

    def changed(self, code, said):
        number = self.changes["tried"]
        if code == 0:
            self.changes["acknowledged"] = number
        else:                           # refused, or nobody knows
            self.changes["open"].add(number)
            self.changes["refused"].append([number, code, said])
            print(f"   change {number} of the configuration: exit {code}: {said}", flush=True)

    def do_orderly_stop(self, fault):
        pid = self.lab.daemon(fault.node, "clusterd") if self.is_up(fault.node) else None
        if not pid:
            return False
        self.note(fault.kind, fault.node)
        os.kill(pid, signal.SIGTERM)
        return True

    # ---- the end ----

    def heal(self):
        """Everything whole, everything on."""
        print("   healing", flush=True)
        while self.timers:
            with contextlib.suppress(LabError, OSError):
                heapq.heappop(self.timers)[2]()
        self.lab.heal()
        for event in self.history:
            event.to = time.time() if event.to is None else event.to

    def converged(self):
        """Every node says: all are members, and the group is online on one and the same node."""
        hosts = set()
        for node in self.cluster.nodes():
            status = self.cluster.look(node) if self.lab.state(node)[0] == "up" else {}
            if {n["name"] for n in status.get("nodes", []) if n["member"]} != set(self.cluster.nodes()):
                return f"{node} sees no cluster of all nodes"
            states = {on["node"]: on["state"] for g in status["groups"] if g["name"] == GROUP for on in g["nodes"]}
            if sorted(states.values()) != ["OFFLINE"] * (len(states) - 1) + ["ONLINE"]:
                return f"{node} sees the group {states}"
            hosts |= {n for n, state in states.items() if state == "ONLINE"}
        return "" if len(hosts) == 1 else f"the group is online on {sorted(hosts)}"

    def converge(self):
        self.heal()
        began = time.monotonic()
        why = "?"
        while why and time.monotonic() < began + CONVERGE_S:
            self.until(time.monotonic() + 0.2)
            why = self.converged()
        if why:
            self.fail(f"no convergence in {CONVERGE_S} s: {why}\n" + json.dumps(self.cluster.look(self.cluster.nodes()[0])))
        else:
            print(f"   converged in {time.monotonic() - began:.1f} s", flush=True)
            if not self.cluster.client.wait_after(time.monotonic()):
                self.fail("the cluster is whole, but the client gets no answer")
        while self.background:
            self.tick()
            time.sleep(0.02)

    def judge(self):
        """The verdict on all that was written and logged; returns a verdict.Result."""
        acknowledged = {seq for seq, _, _ in self.cluster.client.acknowledged}
        written = self.cluster.watcher.records
        for text in self.cluster.watcher.broken:
            self.fail(text)
        lost = records.missing(acknowledged, written)
        if lost:
            self.fail(f"{len(lost)} acknowledged appends are lost: {lost[:10]}")
        late = []
        for overlap in records.overlaps(written):
            times = records.is_thawed_write(overlap, self.thaws, {key: when for key, (_, when) in self.ends.items()})
            if times:
                late.append(times)
            else:
                self.fail(f"two wrote at once: {overlap}")
        logs = {node: self.cluster.texts(node) for node in self.cluster.nodes()}
        panics, complaints = verdict.read_logs(logs, self.history)
        for text in complaints:
            self.fail(text)
        self.check_change()
        offset = time.time() - time.monotonic()
        bystanders = verdict.bystanders({key: (state, when + offset) for key, (state, when) in self.ends.items()}, self.history)
        return verdict.Result(history=self.history, left_out=self.left_out, panics=panics, late=late,
                              acknowledged=sorted(self.cluster.client.acknowledged), written=len(written),
                              takeovers=records.takeovers(written), bystanders=bystanders, changes=self.changes["acknowledged"])

    def check_change(self):
        """The last acknowledged change of the configuration is still there, or one that came after it."""
        done = self.cluster.cmd(self.cluster.nodes()[0], "scrgadm", "-pvv", "-g", GROUP, timeout=20)
        found = [line.split()[-1] for line in done.stdout.splitlines() if "description" in line.lower()]
        allowed = {str(self.changes["acknowledged"])} | {str(n) for n in self.changes["open"]}
        if self.changes["acknowledged"] and not allowed & set(found):
            self.fail(f"the change {self.changes['acknowledged']} of the configuration is lost: {found} is there")

    def keep_logs(self):
        folder = BUILD / f"chaos-{self.seed}-{len(self.cluster.nodes())}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for node in self.cluster.nodes():
            for name, inside in (("log", "/var/log/cluster"), ("etc", "/etc/cluster"), ("var", "/var/cluster")):
                with contextlib.suppress(OSError, shutil.Error):
                    shutil.copytree(self.lab.disk_path(node, inside), folder / node / name)
        with open(folder / "records", "w") as file:
            file.writelines(f"{r.seen:.6f} {r.mono:.6f} {r.seq} {r.client} {r.node} {r.boot} {r.pid}\n"
                            for r in self.cluster.watcher.records)
        with open(folder / "events.json", "w") as file:
            json.dump({"failures": self.failures, "history": [vars(e) for e in self.history], "thaws": self.thaws,
                       "refused changes": self.changes["refused"],
                       "ends": [[*key, *value] for key, value in self.ends.items()],
                       "acknowledged": self.cluster.client.acknowledged}, file)
        print(f"   logs: {folder}", flush=True)


def run_shape(name, nodes, device, seed, seconds, keep):
    """(Result or None, failures)"""
    cluster = ChaosCluster(name, BUILD, nodes, device)
    cluster.lab.down()
    run = Run(cluster, seed, seconds)
    print(f"{nodes} nodes{' and a quorum device' if device else ''}, {seconds:.0f} s", flush=True)
    result = None
    try:
        cluster.start()
        run.run()
        run.converge()
        cluster.stop()
        result = run.judge()
    except Exception as error:          # whatever it is, the logs of the moment are worth more than the lab
        run.fail(f"the test itself: {error!r}")
        if not isinstance(error, LabError):
            raise
    finally:
        cluster.stop()
        run.keep_logs()
        if not (keep and run.failures):
            cluster.lab.down()
    return result, run.failures


def main():
    parser = argparse.ArgumentParser(description="Random faults on real daemons.")
    parser.add_argument("build")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--nodes", type=int)
    parser.add_argument("--lab", default="chaos")
    parser.add_argument("--keep", action="store_true", help="leave the lab up when something failed")
    args = parser.parse_args()
    in_own_namespace()
    seed = random.SystemRandom().randrange(1_000_000) if args.seed is None else args.seed
    shapes = [(args.nodes, args.nodes == 2)] if args.nodes else [(3, False), (2, True)]
    again = f"make chaos MINUTES={args.minutes:g} SEED={seed}" + (f" NODES={args.nodes}" if args.nodes else "")
    print(f"chaos, seed {seed}; again: {again}", flush=True)
    results, failures = [], []
    for nodes, device in shapes:
        result, failed = run_shape(args.lab, nodes, device, seed, args.minutes * 60 / len(shapes), args.keep)
        results.append((f"{nodes} nodes{' and a device' if device else ''}", result))
        failures += failed
    print(verdict.summary(args.minutes, results, again))
    for text in failures:
        print(f"FAILED {text}")
    print("chaos: " + (f"{len(failures)} failures" if failures else "everything held"))
    return failures != []


if __name__ == "__main__":
    sys.exit(main())
