#!/usr/bin/python3
"""Three machines that really boot with systemd, as containers (systemd-nspawn): set up by "cluster create", started by the
units, one shut down by systemd, one whose power fails, one booted again.  Prints one line a step.

    live.py BUILD           (root; needs systemd-nspawn; packages of the host serve the containers through an overlay)
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
STAGE = BUILD / "stage"
TOP = pathlib.Path("/tmp") / f"parhelion-live-{os.getpid()}"
NODES = (1, 2, 3)
LIMIT_S = 90
# Services of the host that are no business of these machines.
MASKED = ("corosync", "nginx", "postgresql", "tgt", "keepalived", "pacemaker", "bind9", "named", "ssh", "apt-daily.timer",
          "apt-daily-upgrade.timer", "systemd-networkd-wait-online")
passed = failed = 0


def run(*command, check=True, **more):
    return subprocess.run([str(c) for c in command], check=check, text=True, capture_output=True, **more)


class Machine:
    """The root is an overlay over that of the host, the network a namespace with two links to the others."""

    def __init__(self, number):
        self.number, self.name = number, f"node{number}"
        self.root, self.netns = TOP / self.name / "root", f"live{os.getpid()}-{number}"
        self.process = None

    def make(self):
        for part in ("upper", "scratch", "root"):
            (TOP / self.name / part).mkdir(parents=True)
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir=/,upperdir={TOP / self.name}/upper,workdir={TOP / self.name}/scratch", self.root)
        run("cp", "-a", f"{STAGE}/.", self.root)
        (self.root / "etc/hostname").write_text(self.name + "\n")
        for there in ("etc/cluster", "var/cluster"):
            shutil.rmtree(self.root / there, ignore_errors=True)
        (self.root / "etc/machine-id").write_text(f"{self.number:032x}\n")
        for unit in MASKED:
            name = unit if "." in unit else f"{unit}.service"
            link = self.root / "etc/systemd/system" / name
            link.unlink(missing_ok=True)
            link.symlink_to("/dev/null")
        wants = self.root / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / "parhelion.target").symlink_to("/usr/lib/systemd/system/parhelion.target")
        run("ip", "netns", "add", self.netns)
        run("ip", "-n", self.netns, "link", "set", "lo", "up")
        for link in (1, 2):
            end = f"l{os.getpid() % 10000}-{self.number}{link}"
            run("ip", "link", "add", end, "type", "veth", "peer", "name", f"priv{link - 1}", "netns", self.netns)
            run("ip", "link", "set", end, "master", bridge(link), "up")
            run("ip", "-n", self.netns, "address", "add", f"10.88.{link}.{self.number}/24", "dev", f"priv{link - 1}")
            run("ip", "-n", self.netns, "link", "set", f"priv{link - 1}", "up")

    def create(self, description):
        where = self.root / "root/cluster.json"
        where.write_text(json.dumps(description))
        done = run("ip", "netns", "exec", self.netns, "chroot", self.root, "/usr/cluster/bin/cluster", "create", "-i", "/root/cluster.json",
                   "-n", self.name, check=False)
        if done.returncode:
            raise RuntimeError(f"cluster create on {self.name}: {done.stderr}")

    def boot(self):
        log = open(TOP / f"{self.name}.console", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "--boot", "--register=no", "--keep-unit", f"--machine={self.netns}",
             f"--network-namespace-path=/run/netns/{self.netns}", "--capability=all", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        log.close()

    def pid1(self):
        """The systemd inside: the child of nspawn."""
        found = run("pgrep", "-P", str(self.process.pid), check=False).stdout.split()
        return found[0] if found else None

    def inside(self, *command):
        pid = self.pid1()
        if not pid:
            return subprocess.CompletedProcess(command, 255, "", f"{self.name} is off")
        return run("nsenter", "-t", pid, "-m", "-u", "-i", "-n", "-p", "-r", "-w", *command, check=False,
                   env={"PATH": "/usr/cluster/bin:/usr/sbin:/usr/bin:/sbin:/bin"})

    def power_cut(self):
        os.kill(int(self.pid1()), signal.SIGKILL)
        self.process.wait()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        run("umount", "-l", self.root, check=False)
        run("ip", "netns", "del", self.netns, check=False)


def bridge(link):
    return f"live{os.getpid() % 10000}-{link}"


def wait(what, limit=LIMIT_S):
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > limit:
            return None
        time.sleep(0.05)
    return time.monotonic() - began


def step(text, seconds):
    global passed, failed
    passed, failed = passed + (seconds is not None), failed + (seconds is None)
    print(f"  {'ok  ' if seconds is not None else 'FAIL'} {text}" + (f" ({seconds:.2f} s)" if seconds else ""), flush=True)
    return seconds is not None


def members(machine):
    done = machine.inside("clnode", "status", "--json")
    if done.returncode:
        return set()
    return {n["name"] for n in json.loads(done.stdout) if n["member"]}


def scenario(machines):
    key = os.urandom(128).hex()
    description = {"name": "live", "cluster_id": f"0x{os.getpid() & 0xffffffff:08X}", "authkey": key,
                   "nodes": [{"name": m.name, "id": m.number, "links": [f"10.88.1.{m.number}", f"10.88.2.{m.number}"]} for m in machines]}
    everybody = {m.name for m in machines}
    for m in machines:
        m.make()
        m.create(description)
    for m in machines:
        m.boot()
    one, two, three = machines
    if not step("three machines boot, the units start, all are members", wait(lambda: members(one) == everybody)):
        return
    states = {u: one.inside("systemctl", "is-active", f"parhelion-{u}.service").stdout.strip()
              for u in ("failfastd", "pmfd", "corosync", "clusterd")}
    step(f"systemd says of the services: {', '.join(sorted(set(states.values())))}", 0.0 if set(states.values()) == {"active"} else None)
    ready = one.inside("systemctl", "is-active", "parhelion.target").stdout.strip()
    step(f"parhelion.target is {ready}", 0.0 if ready == "active" else None)

    three.inside("systemctl", "poweroff")
    left = wait(lambda: three.process.poll() is not None)
    step("systemctl poweroff: the machine goes off", left)
    step("it is out of the membership", wait(lambda: members(one) == {one.name, two.name}))
    told = one.inside("cluster", "timeline").stdout
    step("it left in order: nobody had to wait for its lease", 0.0 if "node3" in told and "left" in told else None)
    three.boot()
    step("it boots again and is a member", wait(lambda: members(one) == everybody))

    two.power_cut()
    step("power cut: out of the membership", wait(lambda: members(one) == {one.name, three.name}))
    two.boot()
    step("it boots again and is a member", wait(lambda: members(one) == everybody))

    two.inside("pkill", "-KILL", "-x", "clusterd")
    step("clusterd is killed: failfastd ends the machine", wait(lambda: two.process.poll() is not None))
    two.boot()
    step("it boots again and is a member", wait(lambda: members(one) == everybody))


def main():
    if os.geteuid() or not shutil.which("systemd-nspawn"):
        sys.exit("live.py: needs root and systemd-nspawn (package systemd-container)")
    machines = [Machine(n) for n in NODES]
    TOP.mkdir()
    try:
        run("mount", "-t", "tmpfs", "tmpfs", TOP)
        for link in (1, 2):
            run("ip", "link", "add", bridge(link), "type", "bridge")
            run("ip", "link", "set", bridge(link), "up")
        scenario(machines)
    finally:
        if failed:
            keep = BUILD / "live"
            shutil.rmtree(keep, ignore_errors=True)
            keep.mkdir()
            for m in machines:
                shutil.copytree(m.root / "var/log/cluster", keep / m.name, dirs_exist_ok=True, ignore_dangling_symlinks=True)
                run("cp", TOP / f"{m.name}.console", keep, check=False)
            print(f"   logs: {keep}")
        for m in machines:
            m.remove()
        for link in (1, 2):
            run("ip", "link", "del", bridge(link), check=False)
        run("umount", "-l", TOP, check=False)
        TOP.rmdir()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
