#!/usr/bin/python3
"""What does it cost to be kept alive by pmfd?  Beside it the same work under runit, and under the least there can be: a process for
each command that forks, executes and waits.

    pmf.py BUILD [TAGS]

Death to restart: 100 commands each, each killed once after it has run for longer than the throttles ask for (5 s): from kill(2) to
the first instruction of the new one.  Death noticed: until a client that watches the tag is told.  Then TAGS (2000) of each: time to
start them all, memory (PSS) and processor time of the supervisors while nothing happens.  Prints ratios.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
TAGS = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
SAMPLES = 100
SETTLE_S = 5.3
IDLE_S = 5
RUNSVDIR_MAX = 1000                     # services of one runsvdir
VICTIM = BUILD / "bench/pmf-victim"


class Ear:
    """Hears who was started, and when."""
    def __init__(self, folder):
        self.path = folder / "ear"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(str(self.path))
        self.env = {**os.environ, "VICTIM_SOCKET": str(self.path)}

    def hear(self, seconds=60):
        self.sock.settimeout(seconds)
        pid, ns = self.sock.recv(64).split()
        return int(pid), int(ns)

    def many(self, n):
        return [self.hear()[0] for _ in range(n)]


class Pmfd:
    name = "pmfd"

    def __init__(self, folder, ear):
        self.folder, self.ear = folder, ear
        env = {**ear.env, "PARHELION_ROOT": str(folder), "PARHELION_NO_FAILFAST": "1"}
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen([BUILD / "src/pmfd/pmfd"], env=env, stderr=log)
        self.socket = folder / "run/cluster/pmfd.sock"
        while not self.socket.exists():
            time.sleep(0.01)
        time.sleep(0.1)

    def call(self, method, more=False, **params):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(self.socket))
        message = {"method": "org.parhelion.Pmf." + method, "parameters": params, **({"more": True} if more else {})}
        sock.sendall(json.dumps(message).encode() + b"\0")
        return sock

    def start(self, n):
        for i in range(n):
            with self.call("Start", tag=f"t{i}", argv=[str(VICTIM)], retries=100) as sock:
                assert b"error" not in sock.recv(4096)

    def pids(self):
        return [self.process.pid] + children(self.process.pid)

    def stop(self):
        for pid in children(self.process.pid):
            for victim in children(pid):
                os.kill(victim, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)        # the supervisor, so that nothing is started again
        self.process.terminate()
        self.process.wait()


class Runit:
    name = "runit"

    def __init__(self, folder, ear):
        self.folder, self.ear, self.dirs = folder, ear, []
        self.bin = shutil.which("runsvdir")
        if not self.bin:
            for command in (["apt-get", "-qq", "download", "runit"], ["sh", "-c", "dpkg -x runit_*.deb ."]):   # not installed
                subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)
            self.bin = str(folder / "usr/bin/runsvdir")

    def start(self, n):
        for first in range(0, n, RUNSVDIR_MAX):
            services = self.folder / f"sv{len(self.dirs)}"
            for i in range(first, min(n, first + RUNSVDIR_MAX)):
                (services / f"t{i}").mkdir(parents=True)
                (services / f"t{i}/run").symlink_to(VICTIM)
            env = {**self.ear.env, "PATH": os.path.dirname(self.bin) + ":" + os.environ["PATH"]}
            self.dirs.append(subprocess.Popen([self.bin, services], env=env, stderr=subprocess.DEVNULL))

    def pids(self):
        return [p for d in self.dirs for p in [d.pid] + children(d.pid)]

    def stop(self):
        for d in self.dirs:
            runsvs = children(d.pid)
            d.kill()
            d.wait()
            for pid in runsvs:
                victims = children(pid)
                os.kill(pid, signal.SIGKILL)
                for victim in victims:
                    os.kill(victim, signal.SIGKILL)


class Loop:
    name = "fork+waitpid"

    def __init__(self, folder, ear):
        self.ear, self.loops = ear, []

    def start(self, n):
        self.loops = [subprocess.Popen([VICTIM, "loop"], env=self.ear.env) for _ in range(n)]

    def pids(self):
        return [p.pid for p in self.loops]

    def stop(self):
        for p in self.loops:
            victims = children(p.pid)
            p.kill()
            p.wait()
            for victim in victims:
                os.kill(victim, signal.SIGKILL)


KINDS = (Pmfd, Runit, Loop)


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_ticks(pids):
    return sum(sum(map(int, pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()[11:13])) for p in pids)


def pss_kib(pids):
    return sum(int(line.split()[1]) for p in pids for line in pathlib.Path(f"/proc/{p}/smaps_rollup").read_text().splitlines()
               if line.startswith("Pss:"))


def latencies():
    """Microseconds from kill to the new process, by turns, so that what else the machine does meets all; and, of pmfd, to the word of
    the death."""
    restart, noticed, open_ones = {kind: [] for kind in KINDS}, [], []
    with tempfile.TemporaryDirectory(prefix="bench-pmf.") as name:
        try:
            for kind in KINDS:
                folder = pathlib.Path(name, kind.__name__)
                folder.mkdir()
                ear = Ear(folder)
                one = kind(folder, ear)
                open_ones.append(one)
                one.start(SAMPLES)
                one.victims = ear.many(SAMPLES)
            time.sleep(SETTLE_S)
            for i in range(SAMPLES):
                for one in open_ones:
                    killed = time.monotonic_ns()
                    os.kill(one.victims[i], signal.SIGKILL)
                    restart[type(one)].append((one.ear.hear()[1] - killed) / 1000)
                    time.sleep(0.002)
            noticed = deaths_noticed(open_ones[0])
        finally:
            for one in open_ones:
                one.stop()
    return restart, noticed


def deaths_noticed(pmfd):
    took = []
    for i in range(20):
        with pmfd.call("Watch", more=True, tag=f"t{i}") as sock:
            pid = json.loads(sock.recv(4096).rstrip(b"\0"))["parameters"]["pid"]
            killed = time.monotonic_ns()
            os.kill(pid, signal.SIGKILL)
            assert b'"died"' in sock.recv(4096)
            took.append((time.monotonic_ns() - killed) / 1000)
    return took


def crowd(kind):
    """Seconds to start all, KiB of the supervisors, per cent of a processor while nothing happens."""
    with tempfile.TemporaryDirectory(prefix="bench-pmf.") as name:
        ear = Ear(pathlib.Path(name))
        one = kind(pathlib.Path(name), ear)
        try:
            began = time.monotonic()
            one.start(TAGS)
            ear.many(TAGS)
            started = time.monotonic() - began
            time.sleep(1)
            pids = one.pids()
            before = cpu_ticks(pids)
            time.sleep(IDLE_S)
            used = cpu_ticks(pids) - before
            return started, pss_kib(pids), used / os.sysconf("SC_CLK_TCK") / IDLE_S * 100
        finally:
            one.stop()


def quantile(values, q):
    return sorted(values)[min(int(len(values) * q), len(values) - 1)]


def main():
    rows, noticed = latencies()
    base = {kind: statistics.median(restart) for kind, restart in rows.items()}
    print(f"death to restart, us            {'min':>7} {'median':>7} {'99 %':>7} {'max':>7}")
    for kind, restart in rows.items():
        print(f"  {kind.name:<29} {min(restart):7.0f} {statistics.median(restart):7.0f} {quantile(restart, 0.99):7.0f} {max(restart):7.0f}")
    print(f"  {'pmfd: a watcher is told':<29} {min(noticed):7.0f} {statistics.median(noticed):7.0f} {quantile(noticed, 0.99):7.0f} {max(noticed):7.0f}")
    print(f"  pmfd / fork+waitpid {base[Pmfd] / base[Loop]:.2f}   pmfd / runit {base[Pmfd] / base[Runit]:.2f}")
    crowds = {kind: crowd(kind) for kind in KINDS}
    print(f"{TAGS} commands                    start s   KiB each   idle % of a processor")
    for kind, (seconds, kib, percent) in crowds.items():
        print(f"  {kind.name:<29} {seconds:7.1f} {kib / TAGS:10.0f} {percent:10.2f}")
    print(f"  memory: pmfd / fork+waitpid {crowds[Pmfd][1] / crowds[Loop][1]:.2f}   pmfd / runit {crowds[Pmfd][1] / crowds[Runit][1]:.2f}")
    bad = statistics.median(noticed) > 5000
    print(f"death noticed within 5 ms: {'NO' if bad else 'yes'} (median {statistics.median(noticed) / 1000:.2f} ms)")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
