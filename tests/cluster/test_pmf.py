"""pmfd, failfastd and pmfadm as real processes; no network, no lab.

BUILD=dir names the build directory (default: build beside the sources)."""
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build"))
if not BUILD.is_absolute():
    BUILD = TOP / BUILD
PARHELION = BUILD / "src/cmd/parhelion"
ENV = ["PATH=/usr/bin:/bin"]
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not PARHELION.exists(), reason=f"nothing built in {BUILD}"),
]


def until(check, seconds=5):
    """The value of check() as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"still not: {check}")


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):         # gone before it was opened, or while it was read
        return False


def pid_in(path):
    return until(lambda: path.exists() and path.read_text().strip() and int(path.read_text()))


class Call(Exception):
    pass


class Client:
    def __init__(self, root):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(root / "run/cluster/pmfd.sock"))
        self.sock.settimeout(20)
        self.rest = b""

    def send(self, method, more=False, **params):
        message = {"method": "org.parhelion.Pmf." + method, "parameters": params}
        if more:
            message["more"] = True
        self.sock.sendall(json.dumps(message).encode() + b"\0")

    def recv(self):
        while b"\0" not in self.rest:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(message)
        if "error" in message:
            raise Call(message["error"], message["parameters"])
        return message["parameters"]

    def call(self, method, **params):
        self.send(method, **params)
        return self.recv()

    def run(self, *argv, timeout_ms=0, **more):
        return self.call("Run", argv=argv, env=ENV, timeout_ms=timeout_ms, **more)


class Failfast:
    """A client of failfastd that speaks its protocol."""
    REGISTER, LEASE, GOODBYE, PANIC, ACK = 1, 2, 3, 4, 5

    def __init__(self, root, name=None, grace=0):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.connect(str(root / "run/cluster/failfastd.sock"))
        self.sock.settimeout(5)
        if name:
            assert self.send(self.REGISTER, grace=grace, text=name, answer=True) == 0

    def send(self, kind, grace=0, deadline=0, text="", answer=False):
        self.sock.send(struct.pack("=IIQii104s", kind, grace, deadline, 0, 0, text.encode()))
        return struct.unpack("=IIQii104s", self.sock.recv(256))[3] if answer else None


class Node:
    def __init__(self, root, pmfd=True, **env):
        self.root = root
        self.env = {**os.environ, "PARHELION_ROOT": str(root), "PARHELION_PANIC": "log", **env}
        self.failfastd = self.daemon("failfastd", "failfastd.sock")
        self.pmfd = self.daemon("pmfd", "pmfd.sock") if pmfd else None

    def daemon(self, name, sock):
        log = open(self.root / f"{name}.log", "ab")
        process = subprocess.Popen([BUILD / f"src/{name}/{name}"], env=self.env, stderr=log, stdout=log)
        probe = Client if name == "pmfd" else Failfast
        def up():
            try:
                return probe(self.root)
            except OSError:
                assert process.poll() is None, (self.root / f"{name}.log").read_text()
                return False
        until(up)
        return process

    def adm(self, *args, env=None, **kw):
        return subprocess.run([PARHELION, "pmfadm", *args], env={**self.env, **(env or {})}, capture_output=True,
                              text=True, timeout=60, **kw)

    def panic_reason(self, seconds=5):
        assert self.failfastd.wait(seconds) == 3
        return (self.root / "var/cluster/logs/failfast.log").read_text().strip().split(" ", 1)[1]

    def stop(self):
        if self.pmfd:
            if self.pmfd.poll() is None:
                for tag in Client(self.root).call("Status")["tags"]:
                    Client(self.root).call("Stop", tag=tag["tag"], signal=9, wait_ms=5000)
            self.pmfd.terminate()
            self.pmfd.wait(5)
        self.failfastd.kill()
        self.failfastd.wait(5)


@pytest.fixture
def bare(tmp_path):
    node = Node(tmp_path, pmfd=False)
    yield node
    node.stop()


@pytest.fixture(params=["cgroup", "proc"])
def node(tmp_path, request):
    tmp_path.chmod(0o755)
    env = {"PARHELION_NO_CGROUP": "1"} if request.param == "proc" else {}
    node = Node(tmp_path, **env)
    yield node
    node.stop()
    log = (tmp_path / "pmfd.log").read_text()
    assert "Sanitizer" not in log and "runtime error" not in log, log


# ---- failfastd ----

def test_death_is_the_end(bare):
    Failfast(bare.root, "pmfd", 0).sock.close()
    assert bare.panic_reason() == 'Failfast: Aborting because "pmfd" died 0 seconds ago.'


def test_death_with_grace(bare):
    start = time.monotonic()
    Failfast(bare.root, "x", 1).sock.close()
    assert bare.panic_reason() == 'Failfast: Aborting because "x" died 1 seconds ago.'
    assert 1.0 <= time.monotonic() - start < 1.3


def test_back_within_grace(bare):
    Failfast(bare.root, "x", 1).sock.close()
    time.sleep(0.5)
    again = Failfast(bare.root, "x", 1)
    with pytest.raises(subprocess.TimeoutExpired):
        bare.failfastd.wait(1)
    assert again.send(Failfast.GOODBYE, answer=True) == 0


def test_lease(bare):
    client = Failfast(bare.root, "clusterd", 60)
    for _ in range(5):
        deadline = time.monotonic_ns() + 200_000_000
        client.send(Failfast.LEASE, deadline=deadline)
        time.sleep(0.1)
    assert bare.failfastd.poll() is None
    bare.failfastd.wait(5)
    late = (time.monotonic_ns() - deadline) / 1e6
    assert re.fullmatch('Failfast: Aborting because "clusterd" did not renew its lease for (19|2[0-4]). ms.',
                        bare.panic_reason())
    assert 0 <= late < 100


def test_goodbye_and_orderly_exit(bare):
    client = Failfast(bare.root, "x", 0)
    bare.failfastd.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        bare.failfastd.wait(0.3)                # refused: x is guarded
    assert client.send(Failfast.GOODBYE, answer=True) == 0
    bare.failfastd.terminate()
    assert bare.failfastd.wait(5) == 0


def test_panic_on_request_and_name_in_use(bare):
    client = Failfast(bare.root, "x", 0)
    assert Failfast(bare.root).send(Failfast.REGISTER, text="x", answer=True) == -17
    client.send(Failfast.PANIC, text="no quorum")
    assert bare.panic_reason() == 'Failfast: Aborting because "x" asked for it: no quorum'


# ---- the ends that a machine may have: here a file stands for sysrq, and a named pipe for the watchdog ----

def test_sysrq(tmp_path):
    (tmp_path / "proc").mkdir()
    trigger = tmp_path / "proc/sysrq-trigger"
    trigger.touch()
    node = Node(tmp_path, pmfd=False, PARHELION_PANIC="sysrq")
    try:
        Failfast(node.root, "clusterd", 0).sock.close()
        assert node.panic_reason() == 'Failfast: Aborting because "clusterd" died 0 seconds ago.'
        assert trigger.read_text() == "b"       # boot at once, no sync
    finally:
        node.stop()


def test_sysrq_that_is_not_there(tmp_path):
    env = {**os.environ, "PARHELION_ROOT": str(tmp_path), "PARHELION_PANIC": "sysrq"}
    done = subprocess.run([BUILD / "src/failfastd/failfastd"], env=env, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 1 and "sysrq-trigger: No such file or directory" in done.stderr


class Watchdog:
    """A named pipe in place of the device: what is written to it is what a driver would see."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path, self.fd = path, os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.seen = b""

    def pets(self, seconds):
        """How many in so much time."""
        before, end = len(self.seen), time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(0.01)
        return len(self.seen) - before

    def look(self):
        try:
            self.seen += os.read(self.fd, 4096)
        except BlockingIOError:
            pass
        return self.seen


@pytest.fixture
def watched(tmp_path):
    dog = Watchdog(tmp_path / "watchdog")
    node = Node(tmp_path, pmfd=False, PARHELION_WATCHDOG=str(dog.path))
    yield node, dog
    node.failfastd.send_signal(signal.SIGCONT)
    node.stop()
    os.close(dog.fd)


def test_watchdog_is_kept_and_let_go(watched):
    node, dog = watched         # time-out 10 s: a pet at once, then one each 3.3 s
    until(lambda: dog.look() == b"\0")
    assert dog.pets(4) == 1
    node.failfastd.terminate()
    assert node.failfastd.wait(5) == 0
    assert dog.look() == b"\0\0V", "the magic character disarms it"


def test_watchdog_bites_when_failfastd_hangs_or_ends_the_node(watched):
    node, dog = watched
    until(lambda: dog.look() == b"\0")
    node.failfastd.send_signal(signal.SIGSTOP)
    assert dog.pets(4) == 0
    node.failfastd.send_signal(signal.SIGCONT)
    until(lambda: dog.look() == b"\0\0")        # late, but the device decides that
    Failfast(node.root, "pmfd", 0).sock.close()
    assert node.panic_reason() == 'Failfast: Aborting because "pmfd" died 0 seconds ago.'
    assert b"V" not in dog.look(), "should the panic not work, the watchdog does"


def test_watchdog_that_is_not_there(tmp_path):
    env = {**os.environ, "PARHELION_ROOT": str(tmp_path), "PARHELION_PANIC": "log"}
    done = subprocess.run([BUILD / "src/failfastd/failfastd", "--watchdog", str(tmp_path / "none")], env=env, capture_output=True,
                          text=True, timeout=10, check=False)
    assert done.returncode == 1 and "cannot open the watchdog" in done.stderr


def test_others_are_refused(bare):
    code = ("import os, socket, sys; os.seteuid(65534); s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
            "try: s.connect(sys.argv[1])\nexcept PermissionError: sys.exit(42)")
    path = bare.root / "run/cluster/failfastd.sock"
    for directory in path.parents:
        if str(directory).startswith("/tmp/"):
            directory.chmod(0o755)
    assert subprocess.run(["python3", "-c", code, path], check=False).returncode == 42


def test_pmfd_needs_failfastd(tmp_path):
    env = {**os.environ, "PARHELION_ROOT": str(tmp_path)}
    assert subprocess.run([BUILD / "src/pmfd/pmfd"], env=env, stderr=subprocess.DEVNULL, timeout=10,
                          check=False).returncode == 1


def test_death_of_pmfd_is_the_end(node):
    node.pmfd.kill()
    assert node.panic_reason() == 'Failfast: Aborting because "pmfd" died 0 seconds ago.'
    node.pmfd.wait()


def test_pmfd_that_stands_still_is_the_end(node):
    Client(node.root).call("Status")            # its socket is there before its loop, and the lease, are
    node.pmfd.send_signal(signal.SIGSTOP)
    try:
        assert re.fullmatch('Failfast: Aborting because "pmfd" did not renew its lease for 5... ms.', node.panic_reason(8))
    finally:
        node.pmfd.kill()
        node.pmfd.wait()


def test_orderly_end_of_pmfd(node):
    node.pmfd.terminate()
    assert node.pmfd.wait(5) == 0
    node.failfastd.terminate()
    assert node.failfastd.wait(5) == 0


# ---- Run ----

def test_run_result(node):
    client = Client(node.root)
    r = client.run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (r["exit"], r["signal"], r["output"], r["timed_out"], r["truncated"]) == (3, 0, "out\nerr\n", False, 0)
    assert abs(r["started"] - time.time() * 1000) < 5000
    r = client.run("sh", "-c", "kill -TERM $$")
    assert (r["exit"], r["signal"]) == (-1, 15)
    with pytest.raises(Call, match="No such file"):
        client.run("/no/such/program")
    with pytest.raises(Call, match="directory"):
        client.run("true", cwd="/no/such/directory")
    with pytest.raises(Call, match="BadArgument"):
        client.call("Run", argv=[], env=[], timeout_ms=0)


def test_run_environment(node):
    client = Client(node.root)
    os.environ["LEAK"] = "x"
    assert client.run("/usr/bin/env")["output"] == "PATH=/usr/bin:/bin\n"
    assert client.run("sh", "-c", "pwd; umask; id -u; readlink /proc/self/fd/0; ls /proc/self/fd | wc -l; "
                      "ps -o pgid= -o sid= -o pid= -p $$ | xargs | tr ' ' '\\n' | uniq | wc -l",
                      cwd="/tmp")["output"].split() == ["/tmp", "0022", "0", "/dev/null", "4", "1"]
    assert client.run("id", "-u", uid=65534, gid=65534)["output"] == "65534\n"
    assert client.run("id", "-G", uid=65534, gid=65534)["output"] == "65534\n"
    assert client.run("grep", "-E", "SigIgn|SigBlk", "/proc/self/status")["output"].split()[1::2] == ["0" * 16] * 2


def test_run_output_is_bounded(node):
    r = Client(node.root).run("sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x")
    assert len(r["output"]) == 65536 and r["truncated"] == 100000 - 65536 and r["exit"] == 0


def test_run_output_may_be_anything(node):
    assert Client(node.root).run("printf", r"a\000\377b\303\244\303")["output"] == "a??b\u00e4?"


def test_run_leaves_daemons_alone(node, tmp_path):
    start = time.monotonic()
    r = Client(node.root).run("sh", "-c", f"(setsid sh -c 'echo $$ >{tmp_path}/pid; sleep 0.5; echo noise; "
                              f"echo noise; echo late >{tmp_path}/late; exec sleep 100' &) ; echo done")
    assert time.monotonic() - start < 0.4 and r["exit"] == 0 and "done" in r["output"]
    pid = pid_in(tmp_path / "pid")
    until((tmp_path / "late").exists)           # it was not killed by its writes to our pipe
    assert alive(pid)
    os.kill(pid, 9)


def test_run_timeout_kills_the_whole_tree(node, tmp_path):
    script = (f"trap '' ABRT; setsid sh -c 'trap \"\" ABRT; echo $$ >{tmp_path}/a; sleep 100; sleep 100' & "
              f"(setsid sleep 100 & echo $! >{tmp_path}/b) ; trap - ABRT; sleep 100; sleep 100")
    start = time.monotonic()
    r = Client(node.root).run("sh", "-c", script, timeout_ms=300)
    assert r["timed_out"] and r["signal"] == signal.SIGABRT and time.monotonic() - start < 2
    until(lambda: not alive(pid_in(tmp_path / "a")) and not alive(pid_in(tmp_path / "b")))


def test_run_timeout_kill_after_5_s(node):
    start = time.monotonic()
    r = Client(node.root).run("sh", "-c", "trap '' ABRT; while :; do sleep 1; done", timeout_ms=200)
    assert r["timed_out"] and r["killed"] and r["signal"] == 9 and 5.1 < time.monotonic() - start < 6


def test_run_timeout_says_what_it_waited_for(node, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    client = Client(node.root)
    client.send("Run", argv=["sh", "-c", f"(setsid sleep 100 &) ; echo $$ >{tmp_path}/sh; cat {tmp_path}/fifo; true"], env=ENV, timeout_ms=500)
    sh = pid_in(tmp_path / "sh")
    cat = until(lambda: [int(p) for p in pathlib.Path(f"/proc/{sh}/task/{sh}/children").read_text().split()
                         if pathlib.Path(f"/proc/{p}/comm").read_text() == "cat\n"])[0]
    wchan = until(lambda: pathlib.Path(f"/proc/{cat}/stat").read_text().split()[2] == "S" and pathlib.Path(f"/proc/{cat}/wchan").read_text())
    stuck = client.recv()["stuck"]
    waits = f"waits in {wchan}" if wchan != "0" else "sleeps"           # this kernel may not tell
    assert stuck["line"] == f"pid {cat} (cat) {waits}; 2 other processes"
    first = stuck["processes"][0]
    assert (first["pid"], first["parent"], first["name"], first["state"]) == (cat, sh, "cat", "S")
    assert first["command"] == f"cat {tmp_path}/fifo" and first["syscall"].split()[0].isdigit()
    assert sorted(p["name"] for p in stuck["processes"]) == ["cat", "sh", "sleep"] and stuck["more"] == 0
    assert set(stuck["pressure"]) <= {"cpu", "io", "memory"}


def test_run_timeout_uninterruptible_first(node):
    """Who calls vfork sleeps like that until its child goes on."""
    r = Client(node.root).run("/usr/bin/python3", "-c", "import ctypes, time; ctypes.CDLL(None).vfork(); time.sleep(100)", timeout_ms=800)
    first, second = r["stuck"]["processes"]
    assert (first["state"], second["state"], second["parent"]) == ("D", "S", first["pid"])
    assert re.fullmatch(rf"pid {first['pid']} \(python3\) .*uninterruptible.*; 1 other process", r["stuck"]["line"])


def test_run_timeout_of_many_is_bounded(node):
    r = Client(node.root).run("sh", "-c", "for i in $(seq 40); do sleep 100 & done; wait", timeout_ms=500)
    assert len(r["stuck"]["processes"]) == 32 and r["stuck"]["more"] == 9 and len(json.dumps(r["stuck"])) < 12000
    assert r["stuck"]["line"].endswith("; 40 other processes")


def test_run_that_ends_in_time_was_not_looked_at(node):
    assert "stuck" not in Client(node.root).run("true", timeout_ms=5000)


def test_run_is_cancelled_with_its_caller(node, tmp_path):
    client = Client(node.root)
    client.send("Run", argv=["sh", "-c", f"setsid sleep 100 & echo $! >{tmp_path}/a; echo $$ >{tmp_path}/b; wait"],
                env=ENV, timeout_ms=0)
    pids = [pid_in(tmp_path / "a"), pid_in(tmp_path / "b")]
    client.sock.close()
    until(lambda: not any(map(alive, pids)))


def test_run_is_killed_by_its_id(node, tmp_path):
    other = Client(node.root)
    clients = [Client(node.root) for _ in range(3)]
    for client, id_ in zip(clients, ("x", "x", "y")):
        client.send("Run", argv=["sh", "-c", f"setsid sleep 100 & echo $! >{tmp_path}/{id(client)}; wait"], env=ENV, timeout_ms=0, id=id_)
    pids = [pid_in(tmp_path / str(id(client))) for client in clients]
    assert other.call("KillRun", id="z") == {"killed": 0}
    assert other.call("KillRun", id="x") == {"killed": 2}
    for client in clients[:2]:
        reply = client.recv()
        assert (reply["signal"], reply["killed"], reply["timed_out"]) == (9, True, False)
    until(lambda: not any(map(alive, pids[:2])))
    assert alive(pids[2]) and other.call("KillRun", id="x") == {"killed": 0}
    assert other.call("KillRun", id="y") == {"killed": 1}


def test_run_is_for_admins(node):
    code = ("import os, sys; sys.path.insert(0, %r); from test_pmf import *\nc = None\n"
            "import pathlib\nos.setgroups([]); os.setegid(65534); os.seteuid(65534)\n"
            "try: Client(pathlib.Path(sys.argv[1])).run('true')\nexcept Call as e: print(e.args[0])")
    for directory in node.root.parents:
        if str(directory).startswith("/tmp/"):
            directory.chmod(0o755)
    out = subprocess.run(["/usr/bin/python3", "-B", "-c", code % str(pathlib.Path(__file__).parent), node.root],
                         capture_output=True, text=True, check=False)
    assert out.stdout.strip() == "org.varlink.service.PermissionDenied", out.stderr


# ---- tags ----

def pids(node, tag):
    return Client(node.root).call("Status", tag=tag)["tags"][0]["pids"]


def test_double_fork_stays_known(node, tmp_path):
    daemon = f"(setsid sh -c 'echo $$ >{tmp_path}/pid; exec sleep 1000' &) & exit 0"
    assert node.adm("-c", "t", "-n", "1", "sh", "-c", daemon).returncode == 0
    pid = pid_in(tmp_path / "pid")
    until(lambda: pids(node, "t") == [pid])
    watch = Client(node.root)
    watch.send("Watch", more=True, tag="t")
    assert watch.recv()["event"] == "present"
    (tmp_path / "pid").unlink()
    os.kill(pid, 9)
    start = time.monotonic()
    assert watch.recv()["event"] == "died"
    assert time.monotonic() - start < 0.1
    assert watch.recv()["event"] == "restarted"
    os.kill(pid_in(tmp_path / "pid"), 9)
    assert [watch.recv()["event"], watch.recv()["event"]] == ["died", "gone"]
    assert node.adm("-q", "t").returncode == 1


def test_kill_reaches_the_tree(node, tmp_path):
    script = f"for i in 1 2 3; do (setsid sh -c 'echo $$ >{tmp_path}/'$i'; sleep 1000' &); done; sleep 1000"
    assert node.adm("-c", "t", "sh", "-c", script).returncode == 0
    all_pids = [pid_in(tmp_path / str(i)) for i in (1, 2, 3)]
    assert set(all_pids) <= set(pids(node, "t"))
    assert node.adm("-k", "t", "-w", "5").returncode == 0
    assert not any(map(alive, all_pids))
    assert until(lambda: node.adm("-q", "t").returncode == 1)


def test_retries_and_modify(node):
    assert node.adm("-c", "t", "-n", "1", "sleep", "1000").returncode == 0
    assert node.adm("-c", "t", "sleep", "1").returncode == 1
    for _ in range(3):
        old = pids(node, "t")
        assert node.adm("-k", "t", "-w", "5", "KILL").returncode == 0
        until(lambda: pids(node, "t") not in (old, []))
        assert node.adm("-m", "t", "-n", "1", "-t", "60").returncode == 0      # clears the history
    assert node.adm("-k", "t", "-w", "5").returncode == 0
    until(lambda: pids(node, "t"))
    assert "retries: 1\n" in node.adm("-l", "t").stdout
    assert node.adm("-k", "t", "-w", "-1").returncode == 0
    assert node.adm("-q", "t").returncode == 1


def test_tag_exists_in_the_gap(node):
    assert node.adm("-c", "t", "-n", "3", "false").returncode == 0
    until(lambda: Client(node.root).call("Status", tag="t")["tags"][0]["state"] == "waiting")
    assert node.adm("-q", "t").returncode == 0
    assert node.adm("-c", "t", "true").returncode == 1
    assert node.adm("-s", "t").returncode == 0          # nothing runs: it vanishes at once
    assert node.adm("-q", "t").returncode == 1


@pytest.mark.parametrize("code", [0, 1])
def test_action(node, tmp_path, code):
    action = tmp_path / "action"
    action.write_text(f"#!/bin/sh\necho \"$@\" $PWD >>{tmp_path}/args\nrm -f {tmp_path}/stay\nexit {code}\n")
    action.chmod(0o755)
    assert node.adm("-c", "t", "-a", f"{action} my arg", "sleep", "1000", cwd="/tmp").returncode == 0
    first = pids(node, "t")
    assert node.adm("-k", "t", "-w", "5").returncode == 0
    if code == 0:
        until(lambda: Client(node.root).call("Status", tag="t")["tags"][0]["state"] == "running")
        assert pids(node, "t") not in (first, [])
        assert Client(node.root).call("Status", tag="t")["tags"][0]["failures"] == 0
    else:
        until(lambda: node.adm("-q", "t").returncode == 1)
    assert (tmp_path / "args").read_text() == "my arg failed t /tmp\n"


def test_stop(node, tmp_path):
    assert node.adm("-c", "t", "-n", "-1", "sh", "-c", "trap '' TERM; while :; do sleep 0.05; done").returncode == 0
    time.sleep(0.1)
    assert node.adm("-s", "t", "-w", "1", "TERM").returncode == 2
    assert node.adm("-q", "t").returncode == 0
    assert node.adm("-c", "t", "true").returncode == 1
    assert Client(node.root).call("Status", tag="t")["tags"][0]["state"] == "stopping"
    assert node.adm("-s", "t", "-w", "-1", "KILL").returncode == 0
    assert node.adm("-q", "t").returncode == 1
    for option in ("-s", "-k", "-l"):
        assert node.adm(option, "t").returncode == 1
    assert node.adm("-m", "t", "-n", "1").returncode == 1


def test_stop_without_signal(node):
    assert node.adm("-c", "t", "-n", "-1", "sleep", "1000").returncode == 0
    pid, = pids(node, "t")
    assert node.adm("-s", "t").returncode == 0
    assert alive(pid) and node.adm("-q", "t").returncode == 0
    os.kill(pid, 9)
    until(lambda: node.adm("-q", "t").returncode == 1)


def test_environment(node, tmp_path):
    def env_of(*args):
        (tmp_path / "env").unlink(missing_ok=True)
        assert node.adm("-c", "t", *args, "sh", "-c", f"pwd >{tmp_path}/cwd; env >{tmp_path}/e; mv {tmp_path}/e "
                        f"{tmp_path}/env; exec sleep 1000", env={"MINE": "1"}, cwd="/usr").returncode == 0
        until((tmp_path / "env").exists)
        assert node.adm("-s", "t", "-w", "5", "KILL").returncode == 0
        assert (tmp_path / "cwd").read_text() == "/usr\n"
        return dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert "MINE" not in env_of()
    assert env_of()["PATH"] == os.environ["PATH"]
    assert env_of("-e", "A=b c", "-e", "B=")["A"] == "b c"
    assert env_of("-E")["MINE"] == "1"


def test_output(node):
    assert node.adm("-L").stdout == "tags:\n"
    assert node.adm("-c", "b", "-n", "3", "-t", "60", "-a", "/bin/act x", "-C", "2", "-e", "A=1", "sleep",
                    "1000").returncode == 0
    assert node.adm("-c", "a", "sleep", "1000").returncode == 0
    assert node.adm("-L").stdout == "tags: a b\n"
    pid, = pids(node, "b")
    assert node.adm("-l", "b").stdout == (
        'pmfadm -c b -n 3 -t 60 -a "/bin/act x" -C 2 sleep 1000\n        environment:\n                A=1\n'
        f"        retries: 0\n        owner: root\n        monitor children: up to level 2\n        pids: {pid}\n")
    assert node.adm("-l", "a").stdout.startswith("pmfadm -c a sleep 1000\n        environment:\n        retries: 0\n")
    assert json.loads(node.adm("-l", "b", "--json").stdout)["retries"] == 3
    assert [t["tag"] for t in json.loads(node.adm("-L", "--json").stdout)] == ["a", "b"]


def test_errors(node):
    r = node.adm("-c", "t", "/no/such/command")
    assert r.returncode == 1 and "No such file" in r.stderr
    assert node.adm("-q", "t").returncode == 1
    assert node.adm("-x").returncode == 3
    r = node.adm("-q", "t", "-h", "no-such-host")
    assert r.returncode == 4 and "host name no-such-host has no address" in r.stderr
    r = node.adm("-q", "t", "-h", "127.9.9.9")
    assert r.returncode == 4 and "cannot connect to 127.9.9.9, TCP port 6487: Connection refused" in r.stderr
    assert node.adm("-q", "t", env={"PARHELION_ROOT": "/nonexistent"}).returncode == 4


def test_other_users(node):
    def as_nobody(*args):
        return node.adm(*args, user=65534, group=65534, extra_groups=[], cwd="/")
    for directory in [*PARHELION.parents, *node.root.parents]:
        if str(directory).startswith("/tmp/"):
            directory.chmod(0o755)
    assert node.adm("-c", "root", "-e", "SECRET=1", "sleep", "1000").returncode == 0
    for args in (["-s", "root"], ["-k", "root"], ["-m", "root", "-n", "1"]):
        assert as_nobody(*args).returncode == 5
    assert as_nobody("-q", "root").returncode == 0
    assert "SECRET" not in as_nobody("-l", "root").stdout
    assert as_nobody("-c", "theirs", "sleep", "1000").returncode == 0
    assert as_nobody("-L").stdout == "tags: theirs\n"
    pid, = pids(node, "theirs")
    assert os.stat(f"/proc/{pid}").st_uid == 65534
    assert node.adm("-s", "theirs", "-w", "5", "KILL").returncode == 0


def test_level_0(node, tmp_path):
    script = f"setsid sleep 1000 & echo $! >{tmp_path}/child; exec sleep 1000"
    assert node.adm("-c", "t", "-C", "0", "-n", "1", "sh", "-c", script).returncode == 0
    child = pid_in(tmp_path / "child")
    watch = Client(node.root)
    watch.send("Watch", more=True, tag="t")
    os.kill(watch.recv()["pid"], 9)
    assert watch.recv()["event"] == "died" and watch.recv()["event"] == "restarted"
    assert alive(child)
    assert node.adm("-s", "t", "-w", "5", "KILL").returncode == 0
    until(lambda: not alive(child))


def test_level_1(node, tmp_path):
    """The command forks the server and exits; a handler of the server outlives it."""
    server = f"sh -c 'echo $$ >{tmp_path}/handler; exec sleep 1000' & sleep 1000"
    (tmp_path / "server").write_text(server)
    script = f"sh {tmp_path}/server & echo $! >{tmp_path}/server.pid; sleep 0.1; exit 0"
    assert node.adm("-c", "t", "-C", "1", "-n", "0", "sh", "-c", script).returncode == 0
    handler, server_pid = pid_in(tmp_path / "handler"), pid_in(tmp_path / "server.pid")
    time.sleep(0.3)
    assert node.adm("-q", "t").returncode == 0  # the command has exited, the server lives
    everybody = pids(node, "t")
    os.kill(server_pid, 9)
    until(lambda: node.adm("-q", "t").returncode == 1)
    assert alive(handler)
    for pid in filter(alive, everybody):
        os.kill(pid, 9)


def test_supervisor_killed(node):
    assert node.adm("-c", "t", "sleep", "1000").returncode == 0
    pid, = pids(node, "t")
    parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(parent, 9)
    until(lambda: node.adm("-q", "t").returncode == 1)
    if "PARHELION_NO_CGROUP" in node.env:
        os.kill(pid, 9)
    until(lambda: not alive(pid))
