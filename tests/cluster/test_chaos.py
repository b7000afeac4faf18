"""Two minutes of random faults on real daemons (CHAOS_MINUTES), and that the verdict sees what it has to see.

CHAOS_SEED repeats a run."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from conftest import BUILD, SOURCE

CHAOS = SOURCE / "tests/chaos"
sys.path.insert(0, str(CHAOS))

import chaos
import records
import schedule
import verdict

LINK_DOWN = [verdict.Event("cut all links", "node1", 1000.0, 1001.0)]


def record(seq, life, mono, seen=None):
    return records.Record(seq, "client1" if seq else "start", life[0], life[1:], 7, float(mono), mono + 0.001 if seen is None else seen)


A, B = "a1", "b1"


@pytest.mark.parametrize("written, overlaps", [
    ([(0, A, 1), (1, A, 2), (0, B, 3), (2, B, 4), (0, "a2", 5), (3, "a2", 6)], 0),          # A, B, another life of A
    ([(0, A, 1), (1, A, 2), (0, B, 3), (2, A, 4), (2, B, 5)], 1),
    ([(0, A, 1), (0, B, 3), (2, A, 4), (3, A, 5), (2, B, 6)], 2),
    ([(0, A, 1), (1, A, 4, 4.1), (0, B, 3, 4.2)], 1),                                       # in order, but B began before
])
def test_overlaps(written, overlaps):
    assert len(records.overlaps([record(*line) for line in written])) == overlaps


@pytest.mark.parametrize("began, seen, next_of_b, late_ms", [
    (1.9, 10.003, 10.5, 3),         # read the clock, was frozen, wrote when it was thawed
    (10.004, 10.006, 10.5, 6),      # woke up, and served one more
    (10.060, 10.061, 10.5, None),   # too late: something should have ended it
    (1.9, 5.0, 5.1, None),          # landed before the thaw, so it was not frozen
])
def test_late_write_of_a_thawed_node(began, seen, next_of_b, late_ms):
    written = [record(0, A, 1), record(0, B, 4), record(1, A, began, seen), record(1, B, next_of_b)]
    (overlap,) = records.overlaps(written)
    times = records.is_thawed_write(overlap, [("a", "1", 2.0, 10.0)], {("a", "1"): 10.02})
    assert (times and round(times[0])) == late_ms
    assert records.is_thawed_write(overlap, [], {}) is None


def test_what_is_missing():
    written = [record(0, A, 1), record(1, A, 2), record(3, A, 3), record(3, A, 4)]
    assert records.missing({1, 2, 3}, written) == [2]
    with pytest.raises(records.Broken):
        records.parse("12 client1 node", 0.0)


@pytest.mark.parametrize("log, line, complaints", [
    ("failfast", "1970-01-01T00:16:42.500Z Failfast: Aborting because \"clusterd\" asked for it: CMM: Cluster lost operational quorum; "
                 "aborting.", 0),
    ("failfast", "1970-01-01T00:20:00.000Z CMM: Cluster lost operational quorum; aborting.", 1),         # long after
    ("failfast", '1970-01-01T00:16:40.500Z Failfast: Aborting because "clusterd" died 0 seconds ago.', 1),
    ("failfast", "1970-01-01T00:16:40.500Z Failfast: Aborting because of the weather.", 1),
    ("clusterd", "clusterd: engine.c:12: step: Assertion `x' failed.", 1),
    ("clusterd", "RGM: The state of this node differs from the president's (digest 1 here, 2 on node 1); aborting.", 1),
    ("clusterd", "quorumd ended (status 0, signal 11); it is started again", 1),
    ("clusterd", "quorumd ended (status 0, signal 9); it is started again", 0),
])
def test_what_logs_must_not_say(log, line, complaints):
    assert len(verdict.read_logs({"node1": {log: line}}, LINK_DOWN)[1]) == complaints


@pytest.mark.parametrize("kinds, count", [
    ([("freeze", "node3")], 1), ([("freeze", "node3"), ("switch", "node1")], 1), ([("freeze", "node3"), ("crash", "node2")], 0),
    ([("freeze", "node3"), ("partition", "node3")], 0), ([("freeze", "node1")], 0)])
def test_who_should_have_survived(kinds, count):
    history = [verdict.Event(kind, node, 1000.0) for kind, node in kinds]
    assert len(verdict.bystanders({("node1", "a"): ("panicked", 1001.0), ("node2", "b"): ("crashed", 1001.0)}, history)) == count


def test_a_seed_is_a_schedule():
    nodes = ["node1", "node2", "node3"]
    assert schedule.make(5, 60, nodes, False) == schedule.make(5, 60, nodes, False) != schedule.make(6, 60, nodes, False)
    assert {f.kind for f in schedule.make(5, 5000, nodes, True)} == set(schedule.KINDS)


@pytest.mark.parametrize("kind", ["kill clusterd", "stop corosync", "slow device", "kill the server", "orderly stop"])
def test_a_daemon_that_ends_before_it_is_struck(monkeypatch, kind):
    ended = subprocess.Popen(["true"])
    ended.wait()
    lab = SimpleNamespace(state=lambda node: ("up", 0.0), boot_id=lambda node: "a", daemon=lambda node, daemon: ended.pid)
    run = chaos.Run(SimpleNamespace(lab=lab, nodes=lambda: ["node1"], device=False, look=lambda node: {"ready": True}), seed=1, seconds=0)
    monkeypatch.setattr(schedule, "make", lambda *args: [schedule.Fault(0, kind, "node1", seconds=1)])
    run.run()
    assert run.left_out == 1 and not run.expected and not run.busy and not run.timers


def test_chaos(lab_name):
    minutes, seed = os.environ.get("CHAOS_MINUTES", "2"), os.environ.get("CHAOS_SEED")
    command = [sys.executable, CHAOS / "chaos.py", BUILD, "--minutes", minutes, "--lab", lab_name]
    done = subprocess.run([*command, *(["--seed", seed] if seed else [])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=600 + 120 * float(minutes), check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
