"""What goes wrong when: a list of faults that follows from a seed alone.  Pure.

The same seed gives the same faults at the same times; what real daemons make of them takes its own time, so a run is repeated in its
plan, not in each millisecond.  A fault that makes no sense at its moment (the node is down) is left out and counted.
"""
import random
from dataclasses import dataclass

LINKS = ("pub0", "priv0", "priv1")


@dataclass(frozen=True)
class Fault:
    at: float                   # s after the start
    kind: str
    node: str = ""
    seconds: float = 0.0        # how long it lasts; 0: it just happens
    what: str = ""              # link, sides, other node, daemon
    percent: int = 0


def _log_uniform(rng, low, high):
    return low * (high / low) ** rng.random()


def _crash(rng, nodes):
    return {}


def _freeze(rng, nodes):
    return {"seconds": _log_uniform(rng, 0.1, 10)}


def _cut_link(rng, nodes):
    return {"what": rng.choice(LINKS), "seconds": _log_uniform(rng, 0.2, 8)}


def _cut_all(rng, nodes):
    return {"what": "all", "seconds": _log_uniform(rng, 0.2, 8)}


def _partition(rng, nodes):
    sides = nodes[:]
    rng.shuffle(sides)
    at = rng.randrange(1, len(sides))
    return {"what": ",".join(sides[:at]) + "|" + ",".join(sides[at:]), "seconds": _log_uniform(rng, 0.1, 6)}


def _one_way(rng, nodes):
    link = rng.choice(["priv0", "priv1", "both", "both"])
    return {"what": f"{rng.randrange(1, len(nodes))} {link}", "seconds": _log_uniform(rng, 0.2, 6)}


def _loss(rng, nodes):
    return {"what": rng.choice(["priv0", "priv1", "all"]), "percent": rng.randrange(3, 60), "seconds": _log_uniform(rng, 0.3, 6)}


def _full_disk(rng, nodes):
    return {"seconds": _log_uniform(rng, 0.5, 8)}


def _kill(rng, nodes):
    return {}


def _stop(rng, nodes):
    return {"seconds": 15.0}    # then it may go on, when nothing has ended the node by then


def _slow_device(rng, nodes):
    return {"seconds": _log_uniform(rng, 0.1, 5)}


def _device_away(rng, nodes):
    return {"seconds": _log_uniform(rng, 0.3, 8)}


# kind: weight, only with a device?, what it needs to know
KINDS = {
    "crash": (4, False, _crash), "freeze": (4, False, _freeze),
    "cut a link": (2, False, _cut_link), "cut all links": (2, False, _cut_all), "partition": (4, False, _partition),
    "one-way loss": (2, False, _one_way), "packet loss": (2, False, _loss), "full disk": (2, False, _full_disk),
    "kill clusterd": (1, False, _kill), "kill pmfd": (1, False, _kill), "kill failfastd": (1, False, _kill),
    "kill corosync": (1, False, _kill), "kill quorumd": (1, True, _kill), "kill the server": (1, False, _kill),
    "stop clusterd": (1, False, _stop), "stop pmfd": (1, False, _stop), "stop failfastd": (1, False, _stop),
    "stop corosync": (1, False, _stop), "slow device": (2, True, _slow_device), "device away": (3, True, _device_away),
    "switch": (5, False, _crash), "change": (4, False, _crash), "orderly stop": (2, False, _crash),
}


def make(seed, seconds, nodes, device):
    """[Fault], by time.  One every 1 to 6 s; one in six brings a second one at once."""
    rng = random.Random(f"{seed} {len(nodes)} {device}")
    kinds = [kind for kind, (_, with_device, _) in KINDS.items() if device or not with_device]
    weights = [KINDS[kind][0] for kind in kinds]
    faults, at = [], rng.uniform(1, 3)
    while at < seconds:
        for _ in range(2 if rng.random() < 1 / 6 else 1):
            kind = rng.choices(kinds, weights)[0]
            faults.append(Fault(at, kind, node=rng.choice(nodes), **KINDS[kind][2](rng, nodes)))
        at += rng.uniform(1, 6)
    return faults


class BootDelays:
    """How long a node that has ended stays off: at once, or after the others have noticed."""

    def __init__(self, seed):
        self.rng = random.Random(f"{seed} boots")

    def next(self):
        return 0.0 if self.rng.random() < 0.4 else self.rng.uniform(1.5, 5)
