"""What the file of appendd says: was anything lost, did two processes ever write at once?  Pure.

A *life* is one run of appendd: (node, boot, pid).  The cluster promises that a life has ended before the next one begins, so once a
record of life B is in the file, no record of life A may follow.
"""
from dataclasses import dataclass

LATE_ALLOWED_MS = 50.0          # after the thaw of a node; see README.md, "A thawed node"


@dataclass(frozen=True)
class Record:
    seq: int
    client: str
    node: str
    boot: str
    pid: int
    mono: float                 # s, CLOCK_MONOTONIC, just before the write
    seen: float                 # s, when a watcher outside saw it in the file

    @property
    def life(self):
        return self.node, self.boot, self.pid


class Broken(Exception):
    """A line that appendd cannot have written alone."""


def parse(line, seen):
    words = line.split()
    try:
        seq, client, node, boot, pid, mono, _wall = words
        return Record(int(seq), client, node, boot, int(pid), int(mono) / 1e9, seen)
    except ValueError:
        raise Broken(f"not a record: {line!r}") from None


@dataclass(frozen=True)
class Overlap:
    """A record of an earlier life after, or a time before, the beginning of a later one."""
    record: Record
    successor: Record           # the first of the life that had begun
    landed: tuple               # (not before, not after), s


def overlaps(records):
    """Every record that follows a later life's, and every life that began, by its clock, before its predecessor's last write."""
    found, begun, current = [], {}, None
    for i, record in enumerate(records):
        if record.life != current and record.life in begun:
            heir = next(r for r in begun.values() if begun_after(begun, record.life, r))
            after = next((r.mono for r in records[i + 1:] if r.life == current), record.seen)
            before = max([r.mono for r in records[:i] if r.life == current] + [record.mono])
            found.append(Overlap(record, heir, (before, max(before, min(after, record.seen)))))
            continue
        if record.life != current:
            if current and records[i - 1].life == current and record.mono < records[i - 1].mono:
                found.append(Overlap(records[i - 1], record, (records[i - 1].mono, records[i - 1].seen)))
            begun[record.life], current = record, record.life
    return found


def begun_after(begun, life, record):
    order = list(begun)
    return order.index(record.life) > order.index(life)


def is_thawed_write(overlap, thaws, ends):
    """(ms after the thaw, ms after the take-over) when this is the write of a node that was frozen while its successor began, by
    LATE_ALLOWED_MS after its thaw; None when it is not.

    thaws: [(node, boot, frozen, thawed)], ends: {(node, boot): when it ended}; s.
    """
    record, (low, high) = overlap.record, overlap.landed
    high = min(high, ends.get((record.node, record.boot), high))
    for node, boot, frozen, thawed in thaws:
        if (node, boot) != (record.node, record.boot) or overlap.successor.mono < frozen:
            continue
        if high >= thawed and (max(low, thawed) - thawed) * 1000 <= LATE_ALLOWED_MS:
            return (max(high, thawed) - thawed) * 1000, (max(high, thawed) - overlap.successor.mono) * 1000
    return None


def missing(acknowledged, records):
    """Acknowledged numbers that are not in the file."""
    return sorted(set(acknowledged) - {r.seq for r in records if r.client != "start"})


def takeovers(records):
    """(from node, to node) each time another life began."""
    starts = [r for i, r in enumerate(records) if i == 0 or r.life != records[i - 1].life]
    return [(a.node, b.node) for a, b in zip(starts, starts[1:])]
