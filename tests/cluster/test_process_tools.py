"""hatimerun and halockrun: what the documents say of them, line by line."""
import fcntl
import os
import pathlib
import signal
import subprocess
import time

import pytest

from test_pmf import PARHELION, alive, pid_in, until

pytestmark = pytest.mark.skipif(not PARHELION.exists(), reason="nothing is built")


def tool(name, *args, **kw):
    return subprocess.run([PARHELION, name, *map(str, args)], capture_output=True, text=True, timeout=30, **kw)


@pytest.mark.parametrize("code,args", [
    (0, ["-t", 5, "true"]),
    (7, ["-t", 5, "sh", "-c", "exit 7"]),
    (99, ["-t", 1, "sleep", 10]),
    (7, ["-t", 1, "-e", 7, "sleep", 10]),
    (3, ["-t", 5, "-e", 7, "sh", "-c", "exit 3"]),
    (98, ["-t", 5, "/no/such/program"]),
    (98, ["-t", 0, "true"]), (98, ["-t", "x", "true"]), (98, ["-t", "1.5", "true"]),
    (98, ["true"]), (98, ["-t", 5]), (98, []), (98, ["-t", 5, "-y", "true"]),
    (98, ["-t", 5, "-a", "-k", "TERM", "true"]),
    (98, ["-t", 5, "-k", "SIGTERM", "true"]), (98, ["-t", 5, "-k", "NOSUCH", "true"]), (98, ["-t", 5, "-e", 256, "true"]),
    (99, ["-t", 1, "-k", "term", "sleep", 10]), (99, ["-t", 1, "-k", "15", "sleep", 10]),
    (99, ["-t", 1, "-k", "TERM", "sh", "-c", "trap '' TERM; sleep 3"]),
    (128 + 15, ["-t", 5, "sh", "-c", "kill -TERM $$"]),
    (0, ["-t", 5, "-d", "-v", "true"]),
    (99, ["-t", 1, "-d", "sleep", 10]),
])
def test_hatimerun(code, args):
    assert tool("hatimerun", *args).returncode == code


def test_hatimerun_group_and_leave(tmp_path):
    for args, survives in ([], False), (["-a"], True):
        script = f"sleep 50 & echo $! >{tmp_path}/pid; wait"
        r = subprocess.run([PARHELION, "hatimerun", "-t", "1", *args, "sh", "-c", script], check=False)
        pid = pid_in(tmp_path / "pid")
        assert r.returncode == 99
        if survives:
            assert alive(pid)
            os.killpg(os.getpgid(pid), 9)
        else:
            until(lambda: not alive(pid))
        (tmp_path / "pid").unlink()


def test_hatimerun_term(tmp_path):
    p = subprocess.Popen([PARHELION, "hatimerun", "-t", "60", "sh", "-c", f"echo $$ >{tmp_path}/pid; sleep 50; :"])
    pid = pid_in(tmp_path / "pid")
    p.terminate()
    assert p.wait(5) == 98
    until(lambda: not alive(pid))


def test_hatimerun_report_and_verbose():
    assert "percent" in tool("hatimerun", "-t", 1, "-x", 10, "sleep", 0.5).stderr
    assert tool("hatimerun", "-t", 1, "-x", 90, "true").stderr == ""
    assert "time-out" in tool("hatimerun", "-v", "-t", 1, "sleep", 5).stderr


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
def test_hatimerun_ended_by_a_signal_ends_the_group(tmp_path, name):
    """As at the time-out, but 98."""
    p = subprocess.Popen([PARHELION, "hatimerun", "-t", "60", "-e", "7", "sh", "-c", f"sleep 50 & echo $! >{tmp_path}/pid; wait"])
    pid = pid_in(tmp_path / "pid")
    p.send_signal(getattr(signal, "SIG" + name))
    assert p.wait(5) == 98
    until(lambda: not alive(pid))


def test_hatimerun_sends_the_signal_it_was_given(tmp_path):
    """To all of the group, and does not wait for what they do about it."""
    script = f"trap 'echo usr1 >{tmp_path}/got; exit' USR1; echo $$ >{tmp_path}/pid; while :; do sleep 0.02; done"
    begun = time.monotonic()
    assert tool("hatimerun", "-t", 1, "-k", "usr1", "sh", "-c", script).returncode == 99
    assert 0.9 < time.monotonic() - begun < 2
    until(lambda: (tmp_path / "got").exists() and (tmp_path / "got").read_text() == "usr1\n")


def test_hatimerun_runs_a_group_of_its_own(tmp_path):
    out = tool("hatimerun", "-t", 5, "sh", "-c", "ps -o pid=,pgid= -p $$").stdout.split()
    assert out[0] == out[1] and int(out[1]) != os.getpgrp()


def test_hatimerun_inherits(tmp_path):
    r = tool("hatimerun", "-t", 5, "sh", "-c", "cat; pwd; echo $MINE; echo err >&2", input="in\n", cwd=tmp_path,
             env={**os.environ, "MINE": "1"})
    assert r.stdout == f"in\n{tmp_path}\n1\n" and r.stderr == "err\n"


def test_hatimerun_signals_of_the_program_are_the_callers():
    """Nothing that it blocks for itself stays blocked."""
    masks = [subprocess.run([*before, "grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
             for before in ([], [PARHELION, "hatimerun", "-t", "5"])]
    assert masks[0] == masks[1]


def test_hatimerun_under_ignored_child_signal():
    """Who ignores CHLD would otherwise never hear of the end."""
    p = subprocess.run(["sh", "-c", 'trap "" CHLD; exec "$0" hatimerun -t 5 sh -c "exit 4"', PARHELION], check=False, timeout=10)
    assert p.returncode == 4


def test_hatimerun_nested(tmp_path):
    assert tool("hatimerun", "-t", 10, PARHELION, "hatimerun", "-t", 1, "sleep", 50).returncode == 99
    assert tool("hatimerun", "-t", 10, "-e", 5, PARHELION, "hatimerun", "-t", 1, "-e", 6, "sleep", 50).returncode == 6
    # the outer one has the inner one end its program: by KILL it could not
    script = f"echo $$ >{tmp_path}/pid; exec sleep 50"
    assert tool("hatimerun", "-t", 1, "-k", "TERM", PARHELION, "hatimerun", "-t", 60, "sh", "-c", script).returncode == 99
    until(lambda: not alive(int((tmp_path / "pid").read_text())))


def test_hatimerun_stopped_program_is_killed(tmp_path):
    assert tool("hatimerun", "-t", 1, "sh", "-c", f"echo $$ >{tmp_path}/pid; kill -STOP $$").returncode == 99
    until(lambda: not alive(int((tmp_path / "pid").read_text())))


def test_hatimerun_time_begins_with_the_program():
    """-d changes nothing for a program that is there at once; its limit is as long."""
    begun = time.monotonic()
    assert tool("hatimerun", "-d", "-t", 1, "sleep", 50).returncode == 99
    assert 0.95 < time.monotonic() - begun < 1.6
    assert tool("hatimerun", "-d", "-t", 5, "/no/such/program").returncode == 98


def test_halockrun_codes(tmp_path):
    lock = tmp_path / "lock"
    for code, args in [
        (0, [lock, "true"]), (7, [lock, "sh", "-c", "exit 7"]), (7, ["-v", lock, "sh", "-c", "exit 7"]),
        (99, [tmp_path / "no/such/dir", "true"]), (5, ["-e", 5, tmp_path / "no/such/dir", "true"]),
        (99, [lock, "/no/such/program"]), (5, ["-e", 5, lock, "/no/such/program"]),
        (99, []), (99, [lock]), (99, ["-y", lock, "true"]), (99, ["-e", "x", lock, "true"]),
        (128 + 9, [lock, "sh", "-c", "kill -9 $$"]),
        (3, ["-e", 5, lock, "sh", "-c", "exit 3"]),
    ]:
        assert tool("halockrun", *args).returncode == code, args
    assert lock.stat().st_mode & 0o777 == 0o644


def test_halockrun_locks(tmp_path):
    lock, started = tmp_path / "lock", tmp_path / "started"
    holder = subprocess.Popen([PARHELION, "halockrun", lock, "sh", "-c", f"echo $$ >{started}; sleep 1; exit 4"])
    pid_in(started)
    begin = time.monotonic()
    assert tool("halockrun", "-n", lock, "true").returncode == 1
    assert tool("halockrun", "-n", "-e", 5, lock, "true").returncode == 1
    assert tool("halockrun", "-n", "-s", lock, "true").returncode == 1
    assert time.monotonic() - begin < 0.8
    assert tool("halockrun", lock, "true").returncode == 0
    assert time.monotonic() - begin > 0.7       # it waited for the first
    assert holder.wait(5) == 4


def test_halockrun_shared_and_killed(tmp_path):
    lock, started = tmp_path / "lock", tmp_path / "started"
    holder = subprocess.Popen([PARHELION, "halockrun", "-s", lock, "sh", "-c", f"echo $$ >{started}; exec sleep 50"])
    child = pid_in(started)
    assert tool("halockrun", "-s", "-n", lock, "true").returncode == 0
    assert tool("halockrun", "-n", lock, "true").returncode == 1
    os.kill(child, 9)
    assert holder.wait(5) == 128 + 9
    assert tool("halockrun", "-n", lock, "true").returncode == 0


def test_halockrun_forwards_signals(tmp_path):
    started = tmp_path / "started"
    holder = subprocess.Popen([PARHELION, "halockrun", tmp_path / "lock", "sh", "-c",
                               f"trap 'exit 6' TERM; echo $$ >{started}; while :; do sleep 0.02; done"])
    pid_in(started)
    holder.terminate()
    assert holder.wait(5) == 6


def test_halockrun_is_a_lock_of_fcntl(tmp_path):
    """The whole file, so that any other program that locks a part of it meets it."""
    lock = tmp_path / "lock"
    with open(lock, "w+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 12345)
        assert tool("halockrun", "-n", lock, "true").returncode == 1
        fcntl.lockf(file, fcntl.LOCK_UN)
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        assert tool("halockrun", "-n", lock, "true").returncode == 1
        assert tool("halockrun", "-ns", lock, "true").returncode == 0


def test_halockrun_does_not_hand_its_lock_on(tmp_path):
    """The program has no descriptor of it; when halockrun is killed the lock goes although the program runs on."""
    lock, started = tmp_path / "lock", tmp_path / "started"
    p = subprocess.Popen([PARHELION, "halockrun", lock, "sh", "-c", f"ls -l /proc/$$/fd >{tmp_path}/fds; echo $$ >{started}; exec sleep 50"])
    child = pid_in(started)
    assert str(lock) not in (tmp_path / "fds").read_text()
    assert tool("halockrun", "-n", lock, "true").returncode == 1
    p.kill()
    p.wait()
    assert alive(child) and tool("halockrun", "-n", lock, "true").returncode == 0
    os.kill(child, 9)


def test_halockrun_nested(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert tool("halockrun", one, PARHELION, "halockrun", two, "sh", "-c", "exit 3").returncode == 3
    assert tool("halockrun", one, PARHELION, "halockrun", "-n", one, "true").returncode == 1
    assert tool("hatimerun", "-t", 1, "-k", "TERM", PARHELION, "halockrun", one, PARHELION, "halockrun", one, "true").returncode == 99
    assert tool("halockrun", "-n", one, "true").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_halockrun_shared_on_a_file_that_can_only_be_read(tmp_path):
    lock = tmp_path / "lock"
    lock.touch(0o444)
    for directory in [*PARHELION.parents, *lock.parents]:
        if str(directory).startswith("/tmp/"):
            directory.chmod(0o755)
    as_nobody = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"}
    assert tool("halockrun", "-s", lock, "true", **as_nobody).returncode == 0
    r = tool("halockrun", lock, "true", **as_nobody)
    assert r.returncode == 99 and f"cannot open {lock}: Permission denied" in r.stderr


def test_halockrun_inherits_and_says(tmp_path):
    r = tool("halockrun", "-v", tmp_path / "lock", "sh", "-c", "cat; pwd", input="in\n", cwd=tmp_path)
    assert r.stdout == f"in\n{tmp_path}\n" and "locking" in r.stderr
    assert tool("halockrun", tmp_path / "lock", "true").stderr == ""


def test_halockrun_waits_in_turn(tmp_path):
    """Twenty at once: never two together."""
    script = f"mkdir {tmp_path}/busy || echo twice >>{tmp_path}/wrong; sleep 0.01; rmdir {tmp_path}/busy; echo >>{tmp_path}/done"
    all_of_them = [subprocess.Popen([PARHELION, "halockrun", tmp_path / "lock", "sh", "-c", script]) for _ in range(20)]
    assert [p.wait(20) for p in all_of_them] == [0] * 20
    assert (tmp_path / "done").read_text() == "\n" * 20 and not (tmp_path / "wrong").exists()
