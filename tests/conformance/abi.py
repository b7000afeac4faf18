"""The ABI of a library, compared with its file in golden/: lines may be added to it, none may change or go.  REGOLD=1 writes it anew."""

import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PREFIX = HERE.parents[1] / os.environ.get("BUILD", "build") / "stage/usr/cluster"


def symbols(library):
    """What the library exports, with versions: "scha_control@@SCHA_1"."""
    done = subprocess.run(["nm", "-D", "--defined-only", PREFIX / f"lib/{library}.so.1"], capture_output=True, text=True, check=True)
    return [s.split()[-1] for s in done.stdout.splitlines() if " T " in s]


def functions(library):
    return sorted(s.split("@")[0] for s in symbols(library))


def _described(library, header, lines, structs, tmp_path):
    lines = list(lines)
    for struct, members in structs.items():
        lines.append(f'printf("struct {struct} %zu\\n", sizeof({struct}));')
        lines += [f'printf("member {struct}.{m} %zu\\n", offsetof({struct}, {m}));' for m in members]
    source = tmp_path / "abi.c"
    source.write_text(f"#include <{header}>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {{\n" + "\n".join(lines) +
                      "\nreturn 0; }\n")
    subprocess.run(["gcc", f"-I{PREFIX}/include", "-o", tmp_path / "abi", source], check=True)
    said = subprocess.run([tmp_path / "abi"], capture_output=True, text=True, check=True).stdout
    return "".join(f"function {f}\n" for f in functions(library)) + said


def check(library, header, lines, structs, tmp_path):
    """lines: statements of C that print a line for each constant."""
    golden = HERE / f"golden/{library}.abi"
    is_now = _described(library, header, lines, structs, tmp_path)
    if os.environ.get("REGOLD"):
        golden.write_text(is_now)
    was = golden.read_text().splitlines()
    assert [line for line in was if line not in is_now.splitlines()] == [], "existing agents were built with these"
    assert is_now.splitlines() == was, f"new: write golden/{library}.abi anew"
