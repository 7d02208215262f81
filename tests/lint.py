#!/usr/bin/env python3
"""clang-tidy over every source of the programs, and one trap of a compiler it does not know.

  tests/lint.py            all, in the groups in which the preset asan compiles them together, so that
                           the big headers are read once a group
  tests/lint.py FILE...    the groups that hold these sources

The tests' style is held by the compiler's warnings: Catch2's macros would drown everything else.
What was found clean is not read again until its command, the checks or a line of what it includes
change; the records of that are in ~/.cache/candor-lint. The last line counts the findings; exit 0
when there is none.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

TIDY = "clang-tidy-19"
COMPILER = "clang++-19"
ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORDS = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "candor-lint"
# GCC's own flags; precompiled headers, which clang-tidy reads no faster than the headers themselves;
# and what only matters to the code that is made.
DROPPED = re.compile(
    r"-(fpch-preprocess|Winvalid-pch|fsanitize.*|fno-sanitize.*|g\d?|ffunction-sections|fdata-sections"
    r"|Wno-(restrict|stringop-overflow|stringop-overread|maybe-uninitialized|subobject-linkage))$")


def prepare(preset):
    """Configures a build folder and makes the generated headers; gives its compile commands."""
    build = ROOT / "build" / preset
    steps = [["cmake", "--preset", preset], ["cmake", "--build", build, "--target", "candor_generated"]]
    for step in steps:
        done = subprocess.run(step, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout[-4000:])
    return {entry["file"]: entry for entry in json.loads((build / "compile_commands.json").read_text())}


def sources_of(group):
    """What one entry of the build compiles: itself, or what CMake put together in it."""
    if "/Unity/" not in group:
        return [group]
    return re.findall(r'^#include "(.+)"$', pathlib.Path(group).read_text(), re.M)


def flags_of(entry):
    words = iter(shlex.split(entry["command"])[1:])
    flags = []
    for word in words:
        if word in ("-Xclang", "-include", "-o"):
            next(words)
        elif word not in ("-c", entry["file"]) and not DROPPED.match(word):
            flags.append(word)
    # Where the flags are GCC's, this Boost does not know that there are coroutines.
    return [*flags, "-DBOOST_ASIO_HAS_CO_AWAIT=1"]


def lint(entry, version):
    """What clang-tidy finds in one source, or an empty text."""
    flags = flags_of(entry)
    read = subprocess.run([COMPILER, "-E", *flags, entry["file"]], cwd=entry["directory"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if read.returncode != 0:
        return read.stderr.decode()
    key = hashlib.sha256(b"\0".join([version, " ".join(flags).encode(), read.stdout])).hexdigest()
    record = RECORDS / key
    if record.exists():
        return ""
    tidy = subprocess.run([TIDY, "--quiet", entry["file"], "--", *flags], cwd=entry["directory"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if tidy.returncode == 0:
        record.touch()
        return ""
    # What keeps it from reading a file at all is told on the other stream.
    return tidy.stdout + "".join(re.findall(r"^(?:Error.*|.*(?:fatal )?error:.*)\n", tidy.stderr, re.M))


def trapped(source):
    """Aggregates that an expression with co_await makes: GCC before 13 destroys them twice."""
    text = pathlib.Path(source).read_text()
    for match in re.finditer(r"co_await\b[^;{}]*[\w>(,]\s*\{[^;]*;", text):
        line = text.count("\n", 0, match.start()) + 1
        yield f"{source}:{line}: error: an aggregate made inside of co_await; give it a name before\n"


def main():
    names = sys.argv[1:]
    if names and names[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    commands = prepare("asan")
    if names:
        group_of = {source: group for group in commands for source in sources_of(group)}
        paths = {name: str(pathlib.Path(name).resolve()) for name in names}
        unknown = [name for name, path in paths.items() if path not in group_of]
        if unknown:
            sys.exit(f"tests/lint.py: no source of the build: {' '.join(unknown)}")
        files = sorted({group_of[path] for path in paths.values()})
    else:
        own = re.compile(r"/(common|agent|collector|tools)/")
        files = [f for f in sorted(commands) if own.search(f) and "/tests/" not in f and "/proto/" not in f
                 and not f.endswith(".pb.cc")]
    RECORDS.mkdir(parents=True, exist_ok=True)
    version = subprocess.check_output([TIDY, "--version"]) + (ROOT / ".clang-tidy").read_bytes()
    findings = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for text in pool.map(lambda file: lint(commands[file], version), files):
            print(text, end="", flush=True)
            findings.update(line for line in text.splitlines() if "error:" in line)
    for source in sorted({source for file in files for source in sources_of(file)}):
        for text in trapped(source):
            print(text, end="")
            findings.add(text)
    print(f"lint: {len(files)} compiled, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
