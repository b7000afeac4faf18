"""The process monitor and trees that make it hard: what forks without end, leaves, stands still, comes in thousands; and a pmfd that
starts anew under the tags it has."""
import json
import os
import pathlib
import resource
import signal
import socket
import time

import pytest

# pylint: disable=unused-import,redefined-outer-name
from test_pmf import Client, Node, alive, node, pid_in, pids, pytestmark, until     # noqa: F401


def marked(marker):
    """Processes whose command line has the marker."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker.encode() in (entry / "cmdline").read_bytes() and alive(int(entry.name)):
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def state_of(node, tag):
    return Client(node.root).call("Status", tag=tag)["tags"][0]


def fds(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def kept(node):
    return [name for name in os.listdir(node.root / "run/cluster/pmf") if not name.startswith("place")]


# ---- hard trees ----

# A tree of 2^DEPTH leaves; each leaf goes on as its own child all the time, so that no list of pids is ever true.
BOMB = """import os, sys, time
depth = 0
while depth < 6:
    depth += 1
    if os.fork() == 0:
        if depth % 2:
            os.setsid()
    else:
        time.sleep(0.001)
os.write(os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND), b"x")
while True:
    time.sleep(0.002)
    if os.fork():
        os._exit(0)
"""


def test_fork_bomb(node, tmp_path):
    marker = f"bomb-{os.getpid()}-{tmp_path.name}"
    leaves = tmp_path / "leaves"
    leaves.touch()
    assert node.adm("-c", "bomb", "-n", "0", "python3", "-S", "-c", BOMB, marker, leaves).returncode == 0
    until(lambda: leaves.stat().st_size == 64, 30)
    begun = time.monotonic()
    assert node.adm("-s", "bomb", "-w", "20", "KILL").returncode == 0
    assert time.monotonic() - begun < 3                         # no chase
    assert [marked(marker) for _ in range(5)] == [[]] * 5       # what moves may be missed once
    assert node.adm("-q", "bomb").returncode == 1


def test_stopped_tree_sees_the_signal_to_stop(node, tmp_path):
    script = f"sleep 1000 & echo $! >{tmp_path}/child; echo $$ >{tmp_path}/pid; wait"
    assert node.adm("-c", "t", "sh", "-c", script).returncode == 0
    both = [pid_in(tmp_path / "pid"), pid_in(tmp_path / "child")]
    assert node.adm("-k", "t", "STOP").returncode == 0
    until(lambda: all("T" == pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()[0] for p in both))
    assert node.adm("-k", "t", "-w", "1", "TERM").returncode == 2      # a signal and nothing else
    assert all(map(alive, both))
    begun = time.monotonic()
    assert node.adm("-s", "t", "-w", "10", "TERM").returncode == 0
    assert time.monotonic() - begun < 2 and not any(map(alive, both))


def test_level_2(node, tmp_path):
    """Command, child, grandchild: with -C 2 the grandchild still counts, what it forks does not."""
    (tmp_path / "3").write_text(f"echo $$ >{tmp_path}/third; exec sleep 1000")
    (tmp_path / "2").write_text(f"sh {tmp_path}/3 & echo $$ >{tmp_path}/second; wait")
    (tmp_path / "1").write_text(f"sh {tmp_path}/2 & sleep 0.2")
    assert node.adm("-c", "t", "-C", "2", "sh", "-c", f"sh {tmp_path}/1 & sleep 0.1").returncode == 0
    second, third = pid_in(tmp_path / "second"), pid_in(tmp_path / "third")
    until(lambda: sorted(pids(node, "t")) == sorted([second, third]))   # command and child have gone
    assert node.adm("-q", "t").returncode == 0
    os.kill(second, 9)
    until(lambda: node.adm("-q", "t").returncode == 1)
    assert alive(third)
    os.kill(third, 9)


def test_stop_by_a_stop_signal_is_not_undone(node, tmp_path):
    assert node.adm("-c", "t", "sh", "-c", f"echo $$ >{tmp_path}/pid; exec sleep 1000").returncode == 0
    pid = pid_in(tmp_path / "pid")
    assert node.adm("-s", "t", "STOP").returncode == 0
    time.sleep(0.1)
    assert until(lambda: pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T")


MANY = """import os, sys, time
for i in range(5000):
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.waitpid(pid, 0)
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(1000)
"""


def test_ten_thousand_short_lived_children(node, tmp_path):
    """Half of them become orphans, which the supervisor has to reap."""
    before = fds(node.pmfd)
    assert node.adm("-c", "t", "python3", "-S", "-c", MANY, tmp_path / "done").returncode == 0
    until(lambda: (tmp_path / "done").exists(), 60)
    pid = pid_in(tmp_path / "done")
    until(lambda: pids(node, "t") == [pid])
    parent = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]
    until(lambda: pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split() == [str(pid)])     # no zombies
    os.kill(pid, 9)
    until(lambda: node.adm("-q", "t").returncode == 1)
    until(lambda: fds(node.pmfd) <= before and kept(node) == [])


def test_two_thousand_tags(tmp_path):
    """Nothing is left of them: no process, no descriptor, no cgroup, no file."""
    node = Node(tmp_path)
    try:
        before, client = fds(node.pmfd), Client(node.root)
        names = [f"tag{i}" for i in range(2000)]
        for name in names:
            client.call("Start", tag=name, argv=["/bin/sleep", f"98{os.getpid()}"], retries=1)
        tags = {t["tag"]: t for t in client.call("Status")["tags"]}
        assert len(tags) == 2000 and all(len(t["pids"]) == 1 and t["state"] == "running" for t in tags.values())
        assert len(client.call("Status", prefix="tag199")["tags"]) == 11
        victims = {name: tags[name]["pids"] for name in names[::40]}
        for (pid,) in victims.values():
            os.kill(pid, 9)
        until(lambda: all(state_of(node, n)["pids"] not in ([], p) for n, p in victims.items()), 30)
        assert sum(state_of(node, n)["failures"] for n in names[:80]) == 2
        for name in names:
            client.call("Stop", tag=name, signal=15, wait_ms=10000)
        assert client.call("Status")["tags"] == [] and marked(f"98{os.getpid()}") == []
        until(lambda: fds(node.pmfd) <= before + 1)             # +1: our client
        assert kept(node) == []
        until(lambda: pathlib.Path(f"/proc/{node.pmfd.pid}/task/{node.pmfd.pid}/children").read_text() == "")
        place = node.root / "run/cluster/pmf/place.json"
        if place.exists():
            cgroup = pathlib.Path(json.loads(place.read_text())["cgroup"])
            assert [d.name for d in cgroup.iterdir() if d.is_dir()] == ["left"]
    finally:
        node.stop()


# ---- a new pmfd ----

def renew(node, how):
    """how: "HUP" it starts itself anew; "TERM" it is stopped and started; "KILL" it dies."""
    node.pmfd.send_signal(getattr(signal, "SIG" + how))
    if how == "HUP":
        until(lambda: "pmfd starts anew" in (node.root / "pmfd.log").read_text())
        until(lambda: (node.root / "pmfd.log").read_text().rstrip().endswith("ready"))
        return
    node.pmfd.wait(5)
    node.pmfd = node.daemon("pmfd", "pmfd.sock")


@pytest.fixture(params=["cgroup", "proc"])
def free(tmp_path, request):
    """A node that bears the death of pmfd."""
    env = {"PARHELION_NO_CGROUP": "1"} if request.param == "proc" else {}
    node = Node(tmp_path, PARHELION_NO_FAILFAST="1", **env)
    yield node
    node.stop()


@pytest.mark.parametrize("how", ["HUP", "TERM", "KILL"])
def test_tags_outlive_pmfd(free, tmp_path, how):
    daemon = f"(setsid sh -c 'echo $$ >{tmp_path}/pid; exec sleep 1000' &) & exit 0"
    assert free.adm("-c", "t", "-n", "1", "-t", "60", "-e", "A=1", "sh", "-c", daemon).returncode == 0
    first = pid_in(tmp_path / "pid")
    until(lambda: pids(free, "t") == [first])
    (tmp_path / "pid").unlink()
    os.kill(first, 9)
    second = pid_in(tmp_path / "pid")
    until(lambda: pids(free, "t") == [second])
    shown, pmfd = free.adm("-l", "t").stdout, free.pmfd.pid
    assert "retries: 1\n" in shown
    renew(free, how)
    assert (free.pmfd.pid == pmfd) == (how == "HUP")
    until(lambda: free.adm("-l", "t").stdout == shown)          # the failure is not forgotten
    assert free.adm("-c", "t", "true").returncode == 1
    os.kill(second, 9)                                          # it is watched as before
    until(lambda: free.adm("-q", "t").returncode == 1)
    assert kept(free) == []


def test_death_while_there_is_no_pmfd(free):
    for tag, retries in (("again", "1"), ("over", "0"), ("lives", "0")):
        assert free.adm("-c", tag, "-n", retries, "sleep", "1000").returncode == 0
    old = {tag: pids(free, tag)[0] for tag in ("again", "over", "lives")}
    free.pmfd.kill()
    free.pmfd.wait(5)
    for tag in ("again", "over"):
        os.kill(old[tag], 9)
        until(lambda: not alive(old[tag]))                      # pylint: disable=cell-var-from-loop
    free.pmfd = free.daemon("pmfd", "pmfd.sock")
    until(lambda: free.adm("-q", "over").returncode == 1)
    until(lambda: pids(free, "again") not in ([], [old["again"]]))
    assert pids(free, "lives") == [old["lives"]] and state_of(free, "lives")["failures"] == 0
    assert free.adm("-s", "lives", "-w", "5", "TERM").returncode == 0


def test_action_and_stop_go_on_under_a_new_pmfd(free, tmp_path):
    action = tmp_path / "action"
    action.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/acting\nwhile ! test -e {tmp_path}/go; do sleep 0.02; done\n")
    action.chmod(0o755)
    assert free.adm("-c", "acts", "-a", str(action), "sleep", "1000").returncode == 0
    assert free.adm("-c", "stops", "-n", "-1", "sleep", "1000").returncode == 0
    os.kill(pids(free, "acts")[0], 9)
    pid_in(tmp_path / "acting")
    assert free.adm("-s", "stops").returncode == 0
    renew(free, "KILL")
    until(lambda: state_of(free, "acts")["state"] == "action")
    assert state_of(free, "stops")["state"] == "stopping"
    (tmp_path / "go").touch()
    until(lambda: state_of(free, "acts")["state"] == "running")
    os.kill(pids(free, "stops")[0], 9)
    until(lambda: free.adm("-q", "stops").returncode == 1)


def test_supervisor_that_died_with_pmfd(free):
    assert free.adm("-c", "t", "sleep", "1000").returncode == 0
    pid, = pids(free, "t")
    parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    free.pmfd.kill()
    free.pmfd.wait(5)
    os.kill(parent, 9)
    free.pmfd = free.daemon("pmfd", "pmfd.sock")
    until(lambda: free.adm("-q", "t").returncode == 1 and kept(free) == [])
    if "PARHELION_NO_CGROUP" in free.env:
        os.kill(pid, 9)
    until(lambda: not alive(pid))


def test_nobody_is_refused_while_pmfd_starts_anew(node):
    """As clusterd calls it: a method each time, one after the other."""
    went, end = 0, time.monotonic() + 2
    while time.monotonic() < end:
        if went % 20 == 0:
            node.pmfd.send_signal(signal.SIGHUP)
        assert Client(node.root).run("true")["exit"] == 0
        went += 1
    assert (node.root / "pmfd.log").read_text().count("pmfd starts anew; it has") >= 2


def test_a_new_pmfd_waits_for_methods(node, tmp_path):
    client = Client(node.root)
    client.send("Run", argv=["sh", "-c", f"echo $$ >{tmp_path}/pid; while ! test -e {tmp_path}/go; do sleep 0.02; done; echo done"],
                env=["PATH=/usr/bin:/bin"], timeout_ms=20000)
    pid_in(tmp_path / "pid")
    node.pmfd.send_signal(signal.SIGHUP)
    until(lambda: "starts anew when the 1 methods" in (node.root / "pmfd.log").read_text())
    (tmp_path / "go").touch()
    assert client.recv()["output"] == "done\n"
    until(lambda: "pmfd starts anew; it has 0 tags" in (node.root / "pmfd.log").read_text())
    until(lambda: (node.root / "pmfd.log").read_text().rstrip().endswith("ready"))
    assert node.adm("-L").stdout == "tags:\n" and node.failfastd.poll() is None


# ---- what a command gets ----

# ---- from another host ----

def test_other_hosts_may_look(tmp_path):
    """And see no environment, and change nothing."""
    address = f"127.{os.getpid() >> 16 & 127 | 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    node, other = Node(tmp_path, PMF_LISTEN=address), {"PARHELION_ROOT": "/nonexistent"}
    try:
        assert node.adm("-c", "t", "-n", "3", "-e", "SECRET=1", "sleep", "1000").returncode == 0
        here, there = node.adm("-l", "t").stdout, node.adm("-l", "t", "-h", address, env=other).stdout
        assert "SECRET" in here and there == here.replace("                SECRET=1\n", "")
        assert node.adm("-q", "t", "-h", address, env=other).returncode == 0
        assert node.adm("-q", "no", "-h", address, env=other).returncode == 1
        assert node.adm("-L", "-h", address, env=other).stdout == "tags: t\n"
        for change in (["-s", "t"], ["-k", "t"], ["-m", "t", "-n", "1"], ["-c", "u"]):
            assert node.adm(*change, "-h", address, env=other).returncode == 3
        for method in ("Stop", "Kill", "Start", "Modify", "Run", "Watch"):
            with socket.create_connection((address, 6487), 5) as sock:
                sock.sendall(json.dumps({"method": "org.parhelion.Pmf." + method, "parameters": {"tag": "t", "argv": ["true"]}}).encode() + b"\0")
                assert b"MethodNotFound" in sock.recv(4096)
        node.pmfd.send_signal(signal.SIGHUP)                    # it listens again
        until(lambda: "starts anew" in (tmp_path / "pmfd.log").read_text())
        until(lambda: node.adm("-q", "t", "-h", address, env=other).returncode == 0)
    finally:
        node.stop()


def test_an_address_that_cannot_be_had_is_told(tmp_path):
    node = Node(tmp_path, PMF_LISTEN="192.0.2.77")
    try:
        assert "PMF_LISTEN: cannot listen on 192.0.2.77, TCP port 6487" in (tmp_path / "pmfd.log").read_text()
        assert node.adm("-L").returncode == 0
    finally:
        node.stop()


def test_limits_of_the_caller(node, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (77, 88))
    assert node.adm("-c", "t", "sh", "-c", f"ulimit -Sn >{tmp_path}/soft; ulimit -Hn >{tmp_path}/hard; exec sleep 1000",
                    preexec_fn=limit).returncode == 0
    until(lambda: (tmp_path / "hard").exists() and (tmp_path / "hard").read_text())
    assert ((tmp_path / "soft").read_text(), (tmp_path / "hard").read_text()) == ("77\n", "88\n")


def test_output_in_the_journal(tmp_path):
    """Played here: a stream for each start, begun by seven lines of which the first is the name."""
    (tmp_path / "run/systemd/journal").mkdir(parents=True)
    journal = socket.socket(socket.AF_UNIX)
    journal.bind(str(tmp_path / "run/systemd/journal/stdout"))
    journal.listen()
    journal.settimeout(10)
    node = Node(tmp_path, PMF_OUTPUT="journal")
    try:
        assert node.adm("-c", "a,b,0.svc", "sh", "-c", "echo out; echo err >&2").returncode == 0
        stream, _ = journal.accept()
        text = b""
        while data := stream.recv(4096):
            text += data
        assert text == b"a,b,0.svc\n\n6\n1\n0\n0\n0\nout\nerr\n"
        journal.close()
        (tmp_path / "run/systemd/journal/stdout").unlink()
        assert node.adm("-c", "without", "sh", "-c", f"echo lost && touch {tmp_path}/went; sleep 1000").returncode == 0
        until((tmp_path / "went").exists)                       # no journal is no reason not to run
    finally:
        node.stop()
