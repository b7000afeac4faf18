#!/usr/bin/python3
"""Holds what is built against what the documents of the original system name.  Prints a row for each name (kind, subject, name,
mark, present, tested by which test), the missing ones with the reason, and "N checked, M missing" as the last line.

    conformance.py BUILD [--missing-only] [--write-missing]

The names come from reference.names, which was written from the documents.  Present: the symbol is in the library, the compiler
knows the constant, the command takes the form, the RGM takes the value, as installed below BUILD/stage.  Tested: a test outside
of this file names it and uses it.  Missing is what is not present, or not tested.  known-missing has those that are known;
test_conformance.py fails when another one appears.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path.insert(0, str(HERE))

from clusterd_double import ClusterdDouble                                      # noqa: E402
from command_samples import CONFIG, STATUS                                      # noqa: E402
from rmapi_samples import ANSWERS as RMAPI                                      # noqa: E402

ANSWERS = {**RMAPI, "Status": STATUS, "Config": CONFIG}
KNOWN = HERE / "known-missing"
NOT_HERE = KNOWN.with_name("not-here")
MARKS = ("S", "V", "K", "K?", "D")


class Item:
    def __init__(self, kind, subject, mark, name):
        self.kind, self.subject, self.mark, self.name = kind, subject, mark, name
        self.why = None         # why it is not present
        self.test = None        # the first test that uses it

    @property
    def id(self):
        return f"{self.kind} {self.subject} {self.name}"


# ---- the names ----

def families(kind, subject, mark, text):
    """ "create: -n -p | delete: -F" is each subcommand, and each option of it."""
    for part in text.split(" | "):
        word, _, options = part.strip().partition(":")
        yield Item(kind, subject, mark, word)
        for option in options.split():
            if option != "-":
                yield Item(kind, subject, mark, f"{word} {option}")


def read_names():
    items = []
    for line in (HERE / "reference.names").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        kind, subject, mark, text = line.split(None, 3)
        assert mark in MARKS, line
        if kind == "family":
            items += families(kind, subject, mark, text)
        elif kind == "form":
            items += [Item(kind, subject, mark, form.strip()) for form in text.split(" | ")]
        else:
            items += [Item(kind, subject, mark, name) for name in text.split()]
    ids = [i.id for i in items]
    assert len(set(ids)) == len(ids), [i for i in ids if ids.count(i) > 1]
    return items


# ---- present? ----

class Build:
    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.prefix = self.build / "stage/usr/cluster"
        self.folder = tempfile.TemporaryDirectory(prefix="conformance.")
        self.tmp = pathlib.Path(self.folder.name)
        self.symbols = {name: self.symbols_of(name) for name in ("libscha", "libdsdev")}
        self.helps = {}

    def symbols_of(self, library):
        done = subprocess.run(["nm", "-D", "--defined-only", self.prefix / f"lib/{library}.so.1"], capture_output=True, text=True,
                              check=True)
        return {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()}

    def compile_each(self, items, line_of):
        """Compiles all at once; an error points to the line of its item."""
        source = self.tmp / "names.c"
        head = "#include <rgm/libdsdev.h>\n#include <stddef.h>\n"          # it brings scha.h
        source.write_text(head + "".join(line_of(i, n) + "\n" for n, i in enumerate(items)))
        done = subprocess.run(["gcc", "-std=c99", "-fsyntax-only", "-fmax-errors=0", f"-I{self.prefix}/include", source],
                              capture_output=True, text=True, check=False)
        for line, text in re.findall(r"names\.c:(\d+):\d+: error: (.*)", done.stderr):
            if int(line) > head.count("\n"):
                items[int(line) - head.count("\n") - 1].why = text

    def ask(self, questions):
        """facts.c: an answer for each question."""
        done = subprocess.run([self.build / "tests/conformance/conformance-facts"], input="\n".join(questions) + "\n",
                              capture_output=True, text=True, check=False)
        answers = [line[2:] for line in done.stdout.splitlines() if line.startswith("= ")]
        if len(answers) != len(questions):
            sys.exit(f"conformance-facts: {len(questions)} questions, {len(answers)} answers\n{done.stdout[-2000:]}{done.stderr}")
        return answers

    def command(self, name):
        return self.prefix / name if "/" in name else self.prefix / "bin" / name

    def help_of(self, *words):
        if words not in self.helps:
            path = self.command(words[0])
            done = subprocess.run([path, *words[1:], "--help"], capture_output=True, text=True, check=False) if path.exists() else None
            self.helps[words] = done.stdout if done and done.returncode == 0 else None
        return self.helps[words]


def present_header(build, items):
    for i in items:
        if not (build.prefix / "include" / i.name).exists():
            i.why = "is not installed"


def present_library(build, items):
    for i in items:
        if not (build.prefix / "lib" / i.name).exists():
            i.why = "is not installed"


def present_function(build, items):
    for i in items:
        if i.name not in build.symbols[i.subject]:
            i.why = f"{i.subject}.so.1 does not export it"
    build.compile_each([i for i in items if not i.why], lambda i, n: f"void (*f{n})(void) = (void (*)(void)){i.name};")


def present_ctype(build, items):
    build.compile_each(items, lambda i, n: f"static {i.name} *t{n};")


def present_member(build, items):
    build.compile_each(items, lambda i, n: f"enum {{ M{n} = (int)offsetof({i.subject}, {i.name}) }};")


def present_constant(build, items):
    build.compile_each(items, lambda i, n: f"static {i.subject} c{n} = {i.name};")


def present_number(build, items):
    def check(i, n):
        name, number = i.name.split("=")
        return f"static char n{n}[{name} == {number} ? 1 : -1];"
    build.compile_each(items, check)


def present_error(build, items):
    def check(i, n):
        name, number = i.name.split("=")
        return f"static char e{n}[SCHA_ERR_{name} == {number} ? 1 : -1];"
    build.compile_each(items, check)


def present_tag(build, items):
    header = dict(re.findall(r'^#define SCHA_(\w+) +"(\w+)"', (build.prefix / "include/scha_tags.h").read_text(), re.M))
    for i, answer in zip(items, build.ask([f"tag {i.subject.split(':')[0]} {i.name}" for i in items])):
        want = i.subject.split(":")[1]
        if header.get(i.name) != i.name:
            i.why = f"scha_tags.h has no SCHA_{i.name}"
        elif answer == want + "?":
            i.why = "nobody can answer it: SCHA_ERR_TAG"
        elif answer != want:
            i.why = f"is {answer}, not {want}"


def present_control(build, items):
    header = (build.prefix / "include/scha_tags.h").read_text()
    for i, answer in zip(items, build.ask([f"control {i.name}" for i in items])):
        if not re.search(rf'^#define SCHA_{i.name} +"{i.name}"', header, re.M):
            i.why = f"scha_tags.h has no SCHA_{i.name}"
        elif answer != "ok":
            i.why = f"the RGM: {answer}"


def present_property(build, items):
    for i, answer in zip(items, build.ask([f"property {i.subject} {i.name.split(':')[0]}" for i in items])):
        _, *want = i.name.split(":")
        if answer.startswith("no such"):
            i.why = answer
            continue
        type_, _, rest = answer.partition(" ")
        default, _, tunable = rest.rpartition(" ")
        for what, is_, wanted in zip(("type", "default", "tunable"), (type_, default, tunable), want):
            if wanted not in ("*", is_) and not (wanted == "*" == is_):
                i.why = f"{what} is {is_ or 'empty'}, not {wanted or 'empty'}"


def asked(prefix):
    def present(build, items):
        for i, answer in zip(items, build.ask([f"{prefix} {i.subject} {i.name}" if prefix != "callback" else f"callback {i.name}"
                                               for i in items])):
            if answer != "ok":
                i.why = answer
    return present


RTR = "RESOURCE_TYPE = x; START = /s; STOP = /t; RT_VERSION = 2;"
IN_FILE = {             # what an attribute looks like in a bracket
    "PROPERTY": "{ PROPERTY = P; EXTENSION; INT; DEFAULT = 1; }", "EXTENSION": "{ PROPERTY = P; EXTENSION; INT; }",
    "PER_NODE": "{ PROPERTY = P; EXTENSION; PER_NODE; INT; }", "DEFAULT": "{ PROPERTY = P; EXTENSION; STRING; DEFAULT = a; }",
    "ENUM": "{ PROPERTY = P; EXTENSION; ENUM { a, b }; DEFAULT = a; }", "MIN": "{ PROPERTY = P; EXTENSION; INT; MIN = 1; }",
    "MAX": "{ PROPERTY = P; EXTENSION; INT; MAX = 1; }", "MINLENGTH": "{ PROPERTY = P; EXTENSION; STRING; MINLENGTH = 1; }",
    "MAXLENGTH": "{ PROPERTY = P; EXTENSION; STRING; MAXLENGTH = 1; }",
    "ARRAY_MINSIZE": "{ PROPERTY = P; EXTENSION; STRINGARRAY; ARRAY_MINSIZE = 1; }",
    "ARRAY_MAXSIZE": "{ PROPERTY = P; EXTENSION; STRINGARRAY; ARRAY_MAXSIZE = 1; }",
    "TUNABLE": "{ PROPERTY = P; EXTENSION; INT; TUNABLE = ANYTIME; }",
    "DESCRIPTION": '{ PROPERTY = P; EXTENSION; INT; DESCRIPTION = "d"; }',
    "#$upgrade": "\\n#$upgrade\\n", "#$upgrade_from": '\\n#$upgrade\\n#$upgrade_from "1" ANYTIME\\n',
}


def rtr_text(i):
    if i.kind == "tunable":
        return f"{RTR} {{ PROPERTY = P; EXTENSION; INT; DEFAULT = 1; TUNABLE = {i.name}; }}"
    if i.kind == "condition":
        return f'{RTR}\\n#$upgrade\\n#$upgrade_from "1" {i.name}\\n'
    return f"{RTR} {IN_FILE.get(i.name, f'{{ PROPERTY = P; EXTENSION; {i.name}; }}')}"


def present_rtr(build, items):
    for i, answer in zip(items, build.ask([f"rtr {rtr_text(i)}" for i in items])):
        if answer != "ok":
            i.why = answer


def present_form(build, items):
    registered = build.tmp / "opt/cluster/lib/rgm/rtreg"
    registered.mkdir(parents=True, exist_ok=True)
    for name in ("ACME.reg", "SUNW.LogicalHostname", "SUNW.SharedAddress"):
        (registered / name).write_text("RESOURCE_TYPE = x;\n")
    agents = build.tmp / "agents"           # of Agent Builder: a form may need what the one before it has made
    agents.mkdir(exist_ok=True)
    rtr = build.tmp / "T.rtr"
    rtr.write_text("RESOURCE_TYPE = x;\n")
    with ClusterdDouble(build.tmp, ANSWERS):
        for i in items:
            path = build.command(i.subject)
            if not path.exists():
                i.why = "there is no such command"
                continue
            done = subprocess.run([path, *shlex.split(i.name.format(rtr=rtr, dir=agents))], capture_output=True, text=True, timeout=60, check=False,
                                  env={**os.environ, "PARHELION_ROOT": str(build.tmp), "LC_ALL": "C"})
            if done.returncode:
                i.why = (done.stderr.splitlines() or [f"exit {done.returncode}"])[0]


def present_command(build, items):
    for i in items:
        if not build.command(i.name).exists():
            i.why = "there is no such command"


def built_forms(text):
    """The usage lines of the forms that do something."""
    forms = re.findall(r"^(?:usage:|      ) (\S.*)\n +(.*)$", text, re.M)
    return "\n".join(usage for usage, what in forms if "(not built yet)" not in what)


def present_family(build, items):
    for i in items:
        word, _, option = i.name.partition(" ")
        if not build.command(i.subject).exists():
            i.why = "there is no such command"
        elif build.help_of(i.subject, word) is None:
            i.why = "there is no such subcommand, or it is not built"
        elif not built_forms(build.help_of(i.subject, word)):
            i.why = "the subcommand is refused in words"
        elif option and not re.search(rf"(?<![\w-]){option}\b", built_forms(build.help_of(i.subject, word))):
            i.why = "the subcommand has no such option, or refuses it in words"


def present_extension(build, items):
    for i in items:
        path = build.prefix / "lib/rgm/rtreg" / i.subject
        if not path.exists():
            i.why = "the type is not shipped"
        elif not re.search(rf"PROPERTY *= *{i.name} *;", path.read_text()):
            i.why = "its RTR file does not declare it"


def present_option(build, items):
    for i in items:
        path = build.command(i.subject)
        if not path.exists():
            i.why = "there is no such command"
            continue
        usage = subprocess.run([path, "--no-such-option"], capture_output=True, text=True, timeout=60, check=False).stderr
        if not re.search(rf"(?<![\w-])({i.name}\b|-\w*{i.name[1:]}\w*\])", usage):
            i.why = "its usage does not have it"


PRESENT = {
    "header": present_header, "library": present_library, "function": present_function, "ctype": present_ctype,
    "member": present_member, "constant": present_constant,
    "number": present_number, "error": present_error, "tag": present_tag,
    "control": present_control, "property": present_property, "value": asked("value"), "state": asked("state"),
    "callback": asked("callback"), "attribute": present_rtr, "tunable": present_rtr, "directive": present_rtr,
    "condition": present_rtr, "form": present_form, "command": present_command, "family": present_family,
    "extension": present_extension, "option": present_option,
}


# ---- tested? ----

# Not tests of a name: this, the files that it reads, and a list that only takes addresses.
NO_TEST = {"conformance.py", "facts.c", "test_conformance.py", "scha_shared.c", "rmapi_samples.py", "command_samples.py"}


def strip(path, text):
    """Without comments: a name in one is no test."""
    if path.suffix == ".py":
        return re.sub(r"^\s*#.*$", "", text, flags=re.M)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


SHORT = {"cln": "clnode", "clq": "clquorum", "clrt": "clresourcetype", "clrg": "clresourcegroup", "clrs": "clresource",
         "clrslh": "clreslogicalhostname", "clrssa": "clressharedaddress"}


class Sources:
    def __init__(self):
        self.texts = {p: strip(p, p.read_text(errors="replace")) for p in sorted(TESTS.rglob("*"))
                      if p.suffix in (".py", ".c", ".cpp", ".scenario") and p.name not in NO_TEST}
        self.lines = self.command_lines()

    def find(self, pattern, *folders, flags=0):
        for path, text in self.texts.items():
            name = str(path.relative_to(TESTS))
            if (not folders or name.startswith(folders)) and re.search(pattern, text, flags):
                return name
        return None

    def command_lines(self):
        """Every command line that a conformance or cluster test runs, with its words."""
        import test_scha_commands as scha
        names = {"RS": scha.RS, "RG": scha.RG, "RT": scha.RT}
        found = [("conformance/test_scha_commands.py", f"{line} {operands}") for line, operands, _ in scha.OUTPUT]
        for path, text in self.texts.items():
            name = str(path.relative_to(TESTS))
            if not name.startswith(("conformance/", "cluster/")):
                continue
            for quoted in re.findall(r'f?"((?:[^"\\\n]|\\.)*)"', text):
                found.append((name, re.sub(r"\{(R[SGT])\}", lambda m: names[m.group(1)], quoted)))
            for call in re.findall(r'(?:run|sh|cluster\.\w+)\(\*?((?:[^()]|\([^()]*\))*)\)', text):
                found.append((name, " ".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', call))))
            found += [(name, "scds_syslog " + " ".join(re.findall(r'"([^"]*)"', argv))) for argv in
                      re.findall(r"^    \(\[(.*?)\], ", text, re.M) if path.name == "test_scha_commands.py"]
        return found

    def find_line(self, command, letters, words=()):
        """A line with the command, each of these option letters (grouped or not) and words."""
        command = command.rsplit("/", 1)[-1]
        for name, line in self.lines:
            parts = line.split()
            called = [p.rsplit("/", 1)[-1] for p in parts[:2]]
            if command not in called and command not in [SHORT.get(c) for c in called]:
                continue
            given = "".join(p[1:] if len(p) > 1 and p[0] == "-" and p[1] != "-" else "" for p in parts)
            if all(letter in given for letter in letters) and all(word in parts for word in words):
                return name
        return None


def option_letters(text):
    return [p[1] for p in shlex.split(text.replace("{", "").replace("}", "")) if re.fullmatch(r"-[A-Za-z?].*", p)]


def tested_option(i, sources):
    """A test function that runs the command, and gives it the option."""
    call = {"pmfadm": "adm("}.get(i.subject, f'"{i.subject}"')
    for path, text in sources.texts.items():
        if path.parent.name != "cluster":
            continue
        for block in text.split("\n\n\n"):
            if call in block and re.search(rf'"{i.name}"', block):
                return str(path.relative_to(TESTS))
    return None


def tested_tag(i, sources):
    command = {"cluster": "scha_cluster_get", "resource": "scha_resource_get", "group": "scha_resourcegroup_get",
               "type": "scha_resourcetype_get"}[i.subject.split(":")[0]]
    for name, line in sources.lines:
        if re.match(rf"{command} .*-O {i.name}\b", line):
            return name
    return None


def word(*folders):
    return lambda i, sources: sources.find(rf"\b{re.escape(i.name)}\b", *folders)


def tested_error(i, sources):
    name = i.name.split("=")[0]
    return sources.find(rf"\bSCHA_ERR_{name}\b") or sources.find(rf'"{name}"', "conformance/test_scha_commands.py")


def tested_property(i, sources):
    name = i.name.split(":")[0]
    upper = name.upper() if i.subject != "type" else name
    return sources.find(rf"\b({re.escape(name)}|{re.escape(upper)})\b", "unit/", "sim/", "cluster/", flags=re.I)


def tested_value(i, sources):
    """The property with this value, or, where the value names another group or resource, with another name in its place.
    Failover_mode is a word of its own in the worlds of the unit tests."""
    name, _, value = i.name.partition("=")
    if name == "Failover_mode":
        return sources.find(rf"\b{value}\b", "unit/core/", "cluster/")
    other = re.fullmatch(r"([+-]*)([A-Za-z][\w-]*)(\{\w+\}|@\d+)?", value) if "dependencies" in name or name in (
        "RG_affinities", "Load_factors") else None
    if other:
        sign, _, tail = other.groups(default="")
        pattern = rf"{re.escape(sign)}[A-Za-z][\w-]*" + (r"@\d+" if tail.startswith("@") else re.escape(tail))
    else:
        pattern = re.escape(value) + r"\b" if value else r"(?=['\"])"
    return sources.find(rf"\b{name}['\"]?\s*[:=]\s*['\"]?{pattern}", "unit/core/", "scenarios/", "sim/", "cluster/", flags=re.I)


TESTED = {
    "header": lambda i, s: s.find(rf"[<\"']{re.escape(i.name)}[>\"']"),
    "library": lambda i, s: s.find(re.escape(i.name) + r"\b(?!\.)"),
    "function": lambda i, s: s.find(rf"\b{i.name}\("),
    "ctype": lambda i, s: s.find(rf"\b{i.name}\b"),
    "member": lambda i, s: s.find(rf"(\.|->){re.escape(i.name)}\b"),
    "constant": lambda i, s: s.find(rf"\b{i.name}\b") or s.find(rf"\b{i.name.split('_', 2)[-1]}\b", "conformance/test_scha_commands.py"),
    "number": lambda i, s: s.find(rf"\b{i.name.split('=')[0]}\b"),
    "error": tested_error,
    "tag": tested_tag,
    "control": word("unit/core/", "sim/", "cluster/"),
    "property": tested_property,
    "value": tested_value,
    "state": lambda i, s: s.find(rf"[\"' ]{i.name}[\"' ,]", "unit/core/", "unit/clusterd/", "cluster/"),
    "callback": word("unit/core/", "cluster/"),
    "attribute": word("unit/rgm/"), "tunable": word("unit/rgm/"), "condition": word("unit/rgm/", "unit/core/"),
    "directive": lambda i, s: s.find(re.escape(i.name) + r"\b", "unit/rgm/", "unit/core/"),
    "form": lambda i, s: s.find_line(i.subject, option_letters(i.name)),
    "command": lambda i, s: s.find_line(i.name, ()),
    "family": lambda i, s: s.find_line(i.subject, option_letters(" ".join(i.name.split()[1:])), (i.name.split()[0],)),
    "extension": word("cluster/", "unit/"),
    "option": tested_option,
}


# ---- the table ----

def check(build):
    items = read_names()
    sources = Sources()
    for kind, present in PRESENT.items():
        present(build, [i for i in items if i.kind == kind])
    for i in items:
        i.test = TESTED[i.kind](i, sources)
    return items


def not_here():
    """id -> reason."""
    rows = [line.rpartition(": ") for line in NOT_HERE.read_text().splitlines() if line and line[0] != "#"]
    return {name: reason for name, _, reason in rows}


def missing(items):
    return [i for i in items if (i.why or not i.test) and i.id not in not_here()]


def print_table(items, only_missing):
    rows = [("KIND", "SUBJECT", "NAME", "MARK", "PRESENT", "TESTED")]
    rows += [(i.kind, i.subject, i.name, i.mark, "MISSING" if i.why else "yes", i.test or "NO") for i in items
             if not only_missing or i.why or not i.test]
    widths = [min(max(len(r[c]) for r in rows), 60) for c in range(5)]
    for r in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(r, widths)) + "  " + r[5])


def main():
    items = check(Build(sys.argv[1]))
    bad = missing(items)
    known = set(KNOWN.read_text().splitlines()) if KNOWN.exists() else set()
    if "--write-missing" in sys.argv:
        KNOWN.write_text("".join(f"{i.id}\n" for i in bad))
    print_table(items, "--missing-only" in sys.argv)
    print()
    for i in bad:
        print(f"missing: {i.id}: {i.why or 'no test uses it'}{'' if i.id in known else '   <- NEW'}")
    for name in sorted(known - {i.id for i in bad}):
        print(f"not missing any more: {name} (--write-missing takes it out of known-missing)")
    for name, reason in not_here().items():
        print(f"not here: {name}: {reason}")
    print(f"\nnot present {sum(bool(i.why) for i in items)}, not tested {sum(not i.test for i in items)}, not here {len(not_here())}")
    print(f"{len(items)} checked, {len(bad)} missing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
