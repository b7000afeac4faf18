"""The networks of a lab: who has which address, which cable is where, and what is wrong with the cables.

Pure: it only makes texts, for `ip -batch` and `nft -f`.  Faults are data (class Faults); the whole rule set follows
from them, so it is loaded anew, atomically, at every change, and a node that boots finds its cables as cut as before.
"""

import dataclasses
import itertools
import re

LINKS = ("pub0", "priv0", "priv1")
MAX_NODES = 8
MAX_CLIENTS = 50
MAX_APPS = 8


class NoSuchThing(Exception):
    """A node or link that does not exist; the text is for the user."""


def node_number(name):
    """('node', 3) for node3."""
    match = re.fullmatch(r"(node|client)([1-9][0-9]?)", name)
    if not match:
        raise NoSuchThing(f"{name}: no such node; nodes are node1, node2, ..., clients are client1, ...")
    return match[1], int(match[2])


def host_part(name):
    """Last byte of the node's addresses; in IPv6 the same digits."""
    kind, number = node_number(name)
    return number if kind == "node" else 100 + number


def links_of(name):
    return LINKS if name.startswith("node") else LINKS[:1]


def expand_links(name, link):
    """LINK of a command line: one link of the node, or all."""
    if link == "all":
        return links_of(name)
    if link not in links_of(name):
        raise NoSuchThing(f"{name} has no link {link}; it has {', '.join(links_of(name))} (or say all)")
    return (link,)


def device(link):
    """Name of the interface inside a node: its public one is eth0."""
    return "eth0" if link == "pub0" else link


def port(name, link):
    """Name of the interface on the switch."""
    return f"{name}-{link}"


def port_index(name, link):
    """Interface index of the port, fixed so that the keeper knows it before the port exists."""
    return 1000 + 10 * host_part(name) + LINKS.index(link)


def address(name, link):
    return f"10.88.{LINKS.index(link)}.{host_part(name)}"


def address6(name, link):
    net = LINKS.index(link)
    return f"fd88::{host_part(name)}" if net == 0 else f"fd88:{net}::{host_part(name)}"


def mac(name, link):
    """The same after every boot, as with a real adapter."""
    return f"02:88:00:00:{LINKS.index(link):02x}:{host_part(name):02x}"


def hosts_file(names):
    """/etc/hosts of every machine of the lab."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    for name in names:
        for link in links_of(name):
            alias = name if link == "pub0" else port(name, link)
            lines += [f"{address(name, link)} {alias}", f"{address6(name, link)} {alias}"]
    for i in range(1, MAX_APPS + 1):
        lines += [f"10.88.0.{200 + i} app{i}", f"fd88::{200 + i} app{i}"]
    return "\n".join(lines) + "\n"


# ---- texts for `ip -batch` ----

def batch_switch():
    lines = ["link set lo up"]
    for link in LINKS:
        lines += [f"link add {link} type bridge forward_delay 0 stp_state 0 mcast_snooping 0", f"link set {link} up"]
    return "\n".join(lines) + "\n"


def batch_plug(name, pid, cut):
    """Cables from the switch into the network namespace of PID; a cable in `cut` is plugged but dead."""
    lines = []
    for link in links_of(name):
        lines.append(f"link add {port(name, link)} index {port_index(name, link)} type veth "
                     f"peer name {device(link)} address {mac(name, link)} netns {pid}")
        lines.append(f"link set {port(name, link)} master {link} " + ("down" if (name, link) in cut else "up"))
    return "\n".join(lines) + "\n"


def batch_addresses(name):
    """Run inside the node."""
    lines = ["link set lo up"]
    for link in links_of(name):
        lines += [f"addr add {address(name, link)}/24 brd + dev {device(link)}",
                  f"addr add {address6(name, link)}/64 dev {device(link)} nodad",
                  f"link set {device(link)} up"]
    return "\n".join(lines) + "\n"


# ---- faults ----

@dataclasses.dataclass
class Faults:
    """What is wrong with the cables.  A cable is (node, link)."""
    cut: set = dataclasses.field(default_factory=set)         # no carrier
    silent: set = dataclasses.field(default_factory=set)      # carrier, but nothing passes
    drop: set = dataclasses.field(default_factory=set)        # (from, to, link): one way
    loss: dict = dataclasses.field(default_factory=dict)      # cable: percent of the frames, both ways
    sides: dict = dataclasses.field(default_factory=dict)     # link: [[node, ...], [node, ...]], a partition

    def to_json(self):
        return {"cut": sorted(self.cut), "silent": sorted(self.silent), "drop": sorted(self.drop),
                "loss": [[*cable, percent] for cable, percent in sorted(self.loss.items())], "sides": self.sides}

    @classmethod
    def from_json(cls, data):
        return cls(cut={tuple(c) for c in data["cut"]}, silent={tuple(c) for c in data["silent"]},
                   drop={tuple(d) for d in data["drop"]}, sides=data["sides"],
                   loss={(name, link): percent for name, link, percent in data["loss"]})

    def __bool__(self):
        return bool(self.cut or self.silent or self.drop or self.loss or self.sides)

    def clear(self):
        for field in dataclasses.fields(self):
            getattr(self, field.name).clear()

    def deaf_pairs(self):
        """(port, port) such that no frame from the first may reach the second."""
        pairs = {(port(a, link), port(b, link)) for a, b, link in self.drop}
        for link, sides in self.sides.items():
            for one, other in itertools.permutations(sides, 2):
                pairs |= {(port(a, link), port(b, link)) for a in one for b in other}
        return pairs


def parse_sides(text, names):
    """"1,2|3" -> [["node1", "node2"], ["node3"]].  Nodes that are not named hear everybody."""
    sides = []
    for part in text.split("|"):
        side = [f"node{word}" if word.isdigit() else word for word in part.replace(",", " ").split()]
        for name in side:
            if name not in names:
                raise NoSuchThing(f"{name}: no such node in this lab")
        sides.append(side)
    flat = [name for side in sides for name in side]
    if len(flat) != len(set(flat)):
        raise NoSuchThing(f"partition {text}: a node is on two sides")
    return [side for side in sides if side]


def ruleset(faults):
    """The whole nftables program of the switch, replacing the last one in one transaction."""
    rules = []
    pairs = faults.deaf_pairs()
    if pairs:
        elements = ", ".join(f'"{a}" . "{b}"' for a, b in sorted(pairs))
        rules.append(f"iifname . oifname {{ {elements} }} drop")
    dead = {cable for cable, percent in faults.loss.items() if percent >= 100} | faults.silent
    if dead:
        elements = ", ".join(f'"{port(*cable)}"' for cable in sorted(dead))
        rules += [f"iifname {{ {elements} }} drop", f"oifname {{ {elements} }} drop"]
    for cable, percent in sorted(faults.loss.items()):
        if percent < 100:
            rules += [f'{side} "{port(*cable)}" numgen random mod 100 < {percent} drop' for side in ("iifname", "oifname")]
    body = "\n".join("    " + rule for rule in rules)
    return ("table bridge faults\ndelete table bridge faults\n"
            f"table bridge faults {{\n  chain forward {{\n    type filter hook forward priority 0;\n{body}\n  }}\n}}\n")
