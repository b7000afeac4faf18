"""The lab of the chaos test: a cluster whose cluster directories lie on small disks, a server that appends, and a client.

The disk of /etc/cluster and /var/cluster is a tmpfs of this side, so that it can be full and still outlasts the machine.  It is mounted
in the mount namespace of this process only (in_own_namespace()): whatever kills us, nothing of it stays.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

from clusterlab_lib import Lab, LabError
from cluster_lab import Cluster

import records

HERE = pathlib.Path(__file__).resolve().parent
GROUP, ADDRESS, PORT = "append-rg", "app1", 7000
DISK_BYTES = 32 << 20           # journal and tables of a run, several times
PAUSE_MS = 5                    # of the client
SERVER_OPTIONS = ("-y", "Retry_interval=20", "-y", "Thorough_probe_interval=5", "-x", "Probe_timeout=5")
DAEMONS = ("clusterd", "pmfd", "failfastd", "corosync", "quorumd")

BOOT = """#!/bin/sh
# Boot hook of a machine of the chaos test: its cluster directories are on a disk that can be full.
set -eu
disk=/shared/.disks/$LAB_NODE
mkdir -p /etc/cluster /var/cluster
if [ ! -e $disk/etc ]; then
    cp -a /var/cluster $disk/var
    cp -a /etc/cluster $disk/etc
fi
mount --bind $disk/etc /etc/cluster
mount --bind $disk/var /var/cluster
cat /proc/sys/kernel/random/uuid >/run/boot-id
cp /run/boot-id /shared/.boot-id.$LAB_NODE
exec /usr/cluster/lib/sc/node-boot
"""


def in_own_namespace():
    """Start this program again where its mounts are its own."""
    if "CHAOS_NAMESPACE" not in os.environ:
        os.environ["CHAOS_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def _process(pid):
    """(start time, pid, name) of a living process; None: it is gone."""
    with contextlib.suppress(OSError):
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        fields = stat.rsplit(")", 1)[1].split()
        if fields[0] not in "ZX":
            return int(fields[19]), int(pid), stat.split("(", 1)[1].rsplit(")", 1)[0]
    return None


class ChaosLab(Lab):
    def _disk_of(self, name):
        return self.disks / "shared" / ".disks" / name

    def _boot_all(self, setup, progress):
        for name in self.names():
            if name.startswith("node"):
                self._disk_of(name).mkdir(parents=True)
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "chaos", self._disk_of(name)], check=True)
        hook = self.disks / "shared" / ".boot"
        hook.write_text(BOOT)
        hook.chmod(0o755)
        super()._boot_all(setup, progress)

    def _wipe(self):
        self._kill_nodes()
        for disk in (self.disks / "shared" / ".disks").glob("*"):
            subprocess.run(["umount", "--lazy", disk], check=False, stderr=subprocess.DEVNULL)   # of a lab that never was up
        super()._wipe()

    def disk_path(self, name, path):
        for inside, folder in (("/etc/cluster", "etc"), ("/var/cluster", "var")):
            if pathlib.PurePosixPath(path).is_relative_to(inside):
                return self._disk_of(name) / folder / pathlib.PurePosixPath(path).relative_to(inside)
        return super().disk_path(name, path)

    def shared(self, name):
        return self.disks / "shared" / name

    def state(self, name):
        """(state, when it came into it in s): what its keeper wrote.  "up" lasts until the keeper has seen the end."""
        data = json.loads((self.run / f"{name}.json").read_text())
        return data["state"], data["mono_ns"] / 1e9

    def boot_id(self, name):
        with contextlib.suppress(OSError):
            return self.shared(f".boot-id.{name}").read_text().strip()
        return ""

    def fill(self, name, on):
        path = self._disk_of(name) / "filler"
        if not on:
            path.unlink(missing_ok=True)
            return
        with contextlib.suppress(OSError), open(path, "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(1 << 16))

    def daemon(self, name, daemon):
        """Host pid of a daemon of a node, None when it does not run."""
        found = []
        for folder, _, _ in os.walk(self._node_cgroup(name)):           # they come and go meanwhile
            with contextlib.suppress(OSError):
                pids = pathlib.Path(folder, "cgroup.procs").read_text().split()
                found += [entry for entry in map(_process, pids) if entry and entry[2] == daemon]
        return min(found)[1] if found else None        # pmfd's supervisors have its name, but are younger


class Watcher:
    """Reads the file of appendd as it grows, and notes when each record was there."""

    def __init__(self, path):
        self.path, self.records, self.broken, self.done = path, [], [], threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        path, rest, last = self.path, "", False
        with open(path) as file:
            while True:
                last = self.done.is_set()
                text = file.read()
                seen = time.monotonic()
                *lines, rest = (rest + text).split("\n")
                for line in lines:
                    try:
                        self.records.append(records.parse(line, seen))
                    except records.Broken as error:
                        self.broken.append(str(error))
                if last:
                    return
                time.sleep(0.002)       # the file of another machine: nothing tells us

    def stop(self):
        self.done.set()
        self.thread.join()


class Appends:
    """The client; remembers what was acknowledged, and when."""

    def __init__(self, lab):
        self.acknowledged = []          # (seq, sent, answered)
        self.process = lab.popen("client1", "/usr/bin/python3", "-c", (HERE / "client.py").read_text(), ADDRESS, PORT, PAUSE_MS,
                                 stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            seq, sent, answered = line.split()
            self.acknowledged.append((int(seq), float(sent), float(answered)))

    def wait_after(self, moment, timeout=10.0):
        """Is an append that was first sent after the moment acknowledged?"""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.acknowledged and self.acknowledged[-1][1] > moment:
                return True
            time.sleep(0.02)
        return False

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.thread.join()


class ChaosCluster(Cluster):
    """Nodes with a quorum device or without, the group, the watcher and the client, all running."""

    def __init__(self, name, build, nodes, device):
        super().__init__(ChaosLab(name), str(build / "stage"))
        self.build, self.count, self.device = build, nodes, device

    def start(self):
        lab = self.lab
        lab.up(nodes=self.count, clients=1, stage=self.stage, boot_hook="exec /shared/.boot",
               setup=os.path.join(self.stage, "usr/cluster/lib/sc/lab-setup"))
        self.wait_members()
        if self.device:
            lab.disk_add("quorum", "1M")
            self.cmd("node1", "clquorum", "add", "-t", "shared_disk", "-p", "path=/shared/quorum", "d1", check=True)
        server = lab.shared("appendd")
        server.write_bytes((self.build / "tests/chaos/appendd").read_bytes())
        server.chmod(0o755)
        lab.shared("appends").touch()
        for command in (["scrgadm", "-a", "-t", "SUNW.gds"], ["scrgadm", "-a", "-g", GROUP, "-h", ",".join(self.nodes())],
                        ["scrgadm", "-a", "-L", "-g", GROUP, "-l", ADDRESS],
                        ["scrgadm", "-a", "-j", "append", "-g", GROUP, "-t", "SUNW.gds", "-y", f"Port_list={PORT}/tcp",
                         "-y", f"Resource_dependencies={ADDRESS}", "-x", f"Start_command=/shared/appendd /shared/appends {PORT}",
                         *SERVER_OPTIONS],
                        ["scswitch", "-Z", "-g", GROUP]):
            self.cmd("node1", *command, check=True)
        self.watcher = Watcher(lab.shared("appends"))
        self.client = Appends(lab)
        if not self.client.wait_after(0):
            raise LabError("the client gets no answer")

    def stop(self):
        if hasattr(self, "client"):
            self.client.stop()
            self.watcher.stop()

    def look(self, node, timeout=3):
        """Status as a node tells it; {} when it cannot."""
        with contextlib.suppress(LabError, subprocess.TimeoutExpired, ValueError):
            done = self.cmd(node, "scstat", "--json", timeout=timeout)
            return json.loads(done.stdout) if done.returncode == 0 else {}
        return {}

    def texts(self, node):
        """{name: text} of every log of a node."""
        folder = self.lab.disk_path(node, "/var/log/cluster")
        paths = [*folder.glob("*.log"), self.lab.disk_path(node, "/var/cluster/logs/failfast.log")]
        return {path.stem if path.parent == folder else "failfast": path.read_text(errors="replace") for path in paths if path.exists()}
