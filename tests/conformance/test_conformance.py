"""The table of make conformance: nothing that was there may go, and it must be able to find something missing."""

import os

import conformance
import pytest

BUILD = conformance.TESTS.parent / os.environ.get("BUILD", "build")


@pytest.fixture(scope="module")
def items():
    return conformance.check(conformance.Build(BUILD))


def test_nothing_new_is_missing(items):
    known = set(conformance.KNOWN.read_text().splitlines())
    new = [f"{i.id}: {i.why or 'no test uses it'}" for i in conformance.missing(items) if i.id not in known]
    assert new == [], "build it, test it, or say so in known-missing (conformance.py BUILD --write-missing)"


def test_what_is_not_here_is_named_by_the_documents(items):
    ids = {i.id for i in items if i.why or not i.test}
    assert set(conformance.not_here()) - ids == set(), "it is here now: take it out of not-here"


def test_every_kind_is_checked(items):
    assert {i.kind for i in items} == set(conformance.PRESENT) == set(conformance.TESTED)
    assert len(items) > 800


# Names that nobody has: each kind has to notice.
NOBODY = [
    ("header", "include", "nothing.h"), ("library", "lib", "libnothing.so"), ("function", "libscha", "scha_nothing"),
    ("ctype", "scha_types.h", "scha_nothing_t"), ("member", "scha_str_array_t", "nothing"),
    ("constant", "scha_switch_t", "SCHA_SWITCH_PERHAPS"), ("error", "scha_err_t", "NOERR=1"), ("error", "scha_err_t", "NOTHING=1"),
    ("tag", "cluster:string", "NOTHING"), ("tag", "cluster:int", "CLUSTERNAME"), ("control", "scha_control", "DANCE"),
    ("property", "resource", "Nothing:INT:-:NONE"), ("property", "resource", "Retry_count:STRING:-:WHEN_DISABLED"),
    ("property", "group", "Failback:BOOLEAN:TRUE:ANYTIME"), ("property", "group", "Failback:BOOLEAN:FALSE:NONE"),
    ("value", "group", "Failback=perhaps"), ("value", "resource", "Failover_mode=PERHAPS"), ("state", "resource", "SLEEPING"),
    ("callback", "type", "Nothing"), ("attribute", "bracket", "NOTHING"), ("tunable", "bracket", "PERHAPS"),
    ("directive", "file", "#$nothing"), ("condition", "#$upgrade_from", "PERHAPS"), ("form", "scrgadm", "-a -q X"),
    ("form", "scnothing", "-p"), ("command", "bin", "clnothing"), ("family", "clnode", "dance"), ("family", "clnode", "status -q"),
    ("extension", "SUNW.LogicalHostname", "Nothing"), ("option", "pmfadm", "-Z"), ("option", "scnothing", "-a"),
]


@pytest.mark.parametrize("kind, subject, name", NOBODY, ids=[" ".join(n) for n in NOBODY])
def test_it_finds_what_is_missing(kind, subject, name):
    item = conformance.Item(kind, subject, "K", name)
    conformance.PRESENT[kind](conformance.Build(BUILD), [item])
    assert item.why


def test_it_finds_what_nobody_tests():
    sources = conformance.Sources()
    for kind, subject, name in (("function", "libscha", "scha_noth" "ing"), ("tag", "cluster:string", "NOTH" "ING"),
                                ("form", "scrgadm", "-K 1"), ("option", "pmfadm", "-Y" ""), ("error", "scha_err_t", "NOTHING_AT" "_ALL=1")):
        assert conformance.TESTED[kind](conformance.Item(kind, subject, "K", name), sources) is None
