"""What the logs of the nodes say, and what is printed in the end.  Pure.

A panic is right when its reason is one of those below, and something was done shortly before that leads to it.
"""
import calendar
import collections
import re
import statistics
import time
from dataclasses import dataclass

GAP_MS = 100.0                  # a client that waits longer for an answer has noticed something
AFTER_S = 15.0                  # a fault can end a node this long after it has ended itself: rings re-form, nodes join


@dataclass
class Event:
    kind: str
    node: str
    at: float                   # wall clock, s
    to: float = 0.0             # None: lasts; 0: it just happened

    def around(self, moment):
        return self.at - 0.05 <= moment <= (moment if self.to is None else max(self.at, self.to)) + AFTER_S


@dataclass
class Result:
    history: list
    left_out: int
    panics: collections.Counter
    late: list                  # (ms after the thaw, ms after the take-over)
    acknowledged: list          # (seq, sent, answered)
    written: int
    takeovers: list
    bystanders: list            # (node, when)
    changes: int


NETWORK = {"cut a link", "cut all links", "partition", "one-way loss", "packet loss"}
OTHERS = {"crash", "reset", "freeze", "orderly stop", "full disk"} | {
    f"{verb} {daemon}" for verb in ("kill", "stop") for daemon in ("clusterd", "pmfd", "failfastd", "corosync")}
DEVICE = {"device away", "slow device", "kill quorumd"}

# Reason: what is right to lead to it, done to the node itself; done to any node.
CAUSES = [
    (r'"clusterd" died', {"kill clusterd"}, set()),
    (r'"pmfd" died', {"kill pmfd"}, set()),
    (r'"failfastd" died', {"kill failfastd"}, set()),
    (r'"failfastd" stands still', {"stop failfastd"}, set()),
    (r'"pmfd" did not renew its lease', {"stop pmfd", "freeze"}, set()),
    (r'"clusterd" did not renew its lease', {"freeze", "stop clusterd", "stop corosync", "kill corosync"}, NETWORK | OTHERS | DEVICE),
    (r'The lease of this node ran out', {"freeze", "stop clusterd", "stop corosync"}, NETWORK | OTHERS | DEVICE),
    (r'Cluster lost operational quorum', set(), NETWORK | OTHERS | DEVICE),
    (r'The cluster went on without this node', {"freeze"}, NETWORK | OTHERS),
    (r'This node was away for a view', {"freeze"}, NETWORK | OTHERS),
    (r'This node was evicted', {"freeze", "stop clusterd"}, NETWORK),
    (r'The interconnect is lost on this node', {"kill corosync", "stop corosync"}, set()),
    (r'Cannot make epoch \d+ durable: No space left', {"full disk"}, set()),
    (r'Cannot write table \S+ No space left', {"full disk"}, set()),
]
HARMLESS = {"switch", "change", "kill the server", "kill quorumd"}
SETTLE_S = 6.0                  # a node is back in the cluster, and the others have forgotten that it was away
NEVER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|Assertion|assertion|stack smashing|core dumped|Segmentation fault|"
                   r"state of this node differs|double free|corrupted size|malloc\(\)")
PANIC = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z (.*)$")


def parse_panics(text):
    """(wall clock, reason) of each line of failfast.log."""
    for line in text.splitlines():
        match = PANIC.match(line)
        if match:
            yield calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S")) + int(match[2]) / 1000, match[3]


def cause_of(node, moment, reason, history):
    """The pattern that names the reason, and whether something was done that leads to it."""
    for pattern, own, anybody in CAUSES:
        if re.search(pattern, reason):
            return pattern, any(e.around(moment) and (e.kind in anybody or (e.kind in own and e.node == node)) for e in history)
    return None, False


def read_logs(logs, history):
    """(Counter of the reasons for panics, complaints); logs: {node: {name: text}}."""
    panics, complaints = collections.Counter(), []
    for node, texts in logs.items():
        for name, text in texts.items():
            complaints += [f"{node} {name}: {line}" for line in text.splitlines() if NEVER.search(line)]
        for moment, reason in parse_panics(texts.get("failfast", "")):
            pattern, explained = cause_of(node, moment, reason, history)
            panics[re.sub(r"\\S\+|\\d\+", "...", pattern) if pattern else reason] += 1
            if not explained:
                complaints.append(f"{node} panicked at {time.strftime('%H:%M:%S', time.localtime(moment))}.{int(moment * 1000) % 1000:03d} "
                                  f"without a cause that we know: {reason}")
        complaints += [f"{node}: {line}" for line in texts.get("clusterd", "").splitlines()
                       if re.search(r"quorumd ended \(status \d+, signal (?!9|0)", line)]
    return panics, complaints


def bystanders(ends, history):
    """[(node, when)] that ended although, for SETTLE_S, one other node was struck and nothing else: they should have survived.

    ends: {(node, boot): (state, when by the wall clock)}.
    """
    found = []
    for (node, _), (state, moment) in ends.items():
        struck = [e for e in history if e.kind not in HARMLESS and e.at <= moment + 0.3 and
                  (e.to is None or max(e.at, e.to) >= moment - SETTLE_S)]
        if state == "panicked" and not any(e.kind in NETWORK | DEVICE for e in struck) and len({e.node for e in struck} | {node}) == 2 \
           and all(e.node != node for e in struck):
            found.append((node, moment))
    return found


# ---- the summary ----

def gaps_ms(acknowledged):
    answered = [a for _, _, a in acknowledged]
    return [(b - a) * 1000 for a, b in zip(answered, answered[1:]) if (b - a) * 1000 > GAP_MS]


def counted(counter):
    return ", ".join(f"{name} {count}" for name, count in counter.most_common()) or "none"


def shape_summary(name, result):
    gaps = gaps_ms(result.acknowledged)
    moved = sum(a != b for a, b in result.takeovers)
    kinds = collections.Counter(e.kind for e in result.history)
    lines = [
        f"{name}", f"  faults              {sum(kinds.values())}: {counted(kinds)}; left out {result.left_out}",
        f"  panics              {sum(result.panics.values())}: {counted(result.panics)}",
        f"  of these            {len(result.bystanders)} of a node that should have survived: only one other was struck"
        + "".join(f"; {node} {time.strftime('%H:%M:%S', time.localtime(when))}" for node, when in result.bystanders),
        f"  failovers           {moved}, restarts in place {len(result.takeovers) - moved}",
        f"  appends             {len(result.acknowledged)} acknowledged, {result.written} written; {result.changes} changes of the "
        "configuration acknowledged",
        f"  gaps of the service {len(gaps)} above {GAP_MS:.0f} ms, median {statistics.median(gaps or [0]) / 1000:.2f} s, "
        f"longest {max(gaps or [0]) / 1000:.2f} s",
        f"  late writes of a thawed node {len(result.late)}" + "".join(f"; {a:.1f} ms after the thaw, {b:.0f} ms after the take-over"
                                                                     for a, b in result.late),
    ]
    return "\n".join(lines)


def summary(minutes, results, again):
    parts = [f"\n== chaos, {minutes:g} minutes"]
    parts += [shape_summary(name, result) if result else f"{name}: no verdict" for name, result in results]
    return "\n".join([*parts, f"again: {again}"])
