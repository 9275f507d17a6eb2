#!/usr/bin/env python3
"""Edits by the whole program beside the disk's own flushes, and a structural
rewrite over 1,000 JavaScript files beside ast-grep, in turn so that all meet the
same noise. usage: edits.py KODE AST_GREP FOLDER; reports, asserts nothing."""
import json, os, resource, statistics, subprocess, sys, time

KODE, AST_GREP, FOLDER = sys.argv[1:]
ENVIRONMENT = dict(os.environ, HOME=os.path.join(FOLDER, "home"))
RUNS = 7


def timed(arguments, folder, text=b""):
    """Wall and processor milliseconds of one run."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(arguments, cwd=folder, input=text, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall * 1e3, used * 1e3


def show(name, runs):
    wall, used = (statistics.median(column) for column in zip(*runs))
    print(f"{name:34} wall {wall:7.1f} ms (least {min(runs)[0]:.1f})  processor {used:6.1f} ms")
    return wall, used


def classes(count):
    body = ("export class C{0} {{\n  private field = {0};\n  first(value: number): number {{\n"
            "    const sum = value + this.field;\n    return sum * {0};\n  }}\n  second() {{\n"
            "    return this.first({0});\n  }}\n}}\n")
    return "".join(body.format(number) for number in range(count))


def module(number):
    """About 3.4 KB; every third one compares, every tenth pushes."""
    lines = [f"'use strict';\nconst lib{number} = require('./f{number - 1}.js');"]
    for part in range(24):
        compare = f"if (value === {part}) return {part};" if number % 3 == 0 else f"f(value, {part});"
        push = f"list.push({part});" if number % 10 == 0 else "list.length;"
        lines.append(f"function part{part}(list, value) {{\n  // step {part}\n  {compare}\n  {push}\n"
                     f"  return lib{number}.go(list, value + {part});\n}}")
    return "\n".join(lines) + "\n"


def flush(folder, content):
    """What any durable edit waits for: a log line, the new file, its folder."""
    start = time.perf_counter()
    log = os.open(f"{folder}/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(log, b"x" * 600)
    os.fdatasync(log)
    new = os.open(f"{folder}/new", os.O_WRONLY | os.O_CREAT)
    os.write(new, content)
    os.fsync(new)
    os.rename(f"{folder}/new", f"{folder}/file")
    inside = os.open(folder, os.O_RDONLY)
    os.fsync(inside)
    for descriptor in (log, new, inside):
        os.close(descriptor)
    return (time.perf_counter() - start) * 1e3, 0.0


def methods(count):
    body = ("    public int first{0}(int value) {{\n        int sum = value + {0};\n        if (value == 3) {{\n"
            "            return 0;\n        }}\n        String text = \"x\" + value;\n"
            "        go(text);\n\n        return sum * {0};\n    }}\n")
    return "class A {\n" + "".join(body.format(number) for number in range(count)) + "}\n"


def single():
    project = os.path.join(FOLDER, "single")
    os.makedirs(project)
    sources = {"large.ts": classes(500), "large.java": methods(500), "small.ts": classes(5)}
    for name, source in sources.items():
        with open(f"{project}/{name}", "w") as file:
            file.write(source)
    places = {"large.ts": (3, 250, 499), "large.java": (3, 250, 499), "small.ts": (3,)}
    edits = [(name, number) for name in sources for number in places[name]]
    content = classes(500).encode()
    runs = {edit: [] for edit in edits} | {"disk": []}
    for turn in range(2 * RUNS):
        signs = ("*", "/") if turn % 2 == 0 else ("/", "*")
        for name, number in edits:
            old, new = (f"return sum {sign} {number};" for sign in signs)
            operation = json.dumps({"type": "edit", "path": name, "old": old, "new": new})
            run = timed([KODE, "edit", "--json"], project, operation.encode())
            runs[name, number].append(run)
        runs["disk"].append(flush(project, content))
    for name, number in edits:
        show(f"one edit at {number} of {name}", runs[name, number])
    show("the same flushes by themselves", runs["disk"])


def lay_out(folder, sources):
    for name, source in sources.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(source)


def rewrite(name, folder, pattern, template):
    """One run over the tree in `folder`."""
    dry = name.endswith("dry run")
    if name.startswith("kode"):
        operation = {"type": "rewrite", "paths": ["."], "lang": "js", "dry_run": dry,
                     "pattern": pattern, "template": template}
        return timed([KODE, "edit", "--json"], folder, json.dumps(operation).encode())
    apply = [] if dry else ["-U"]
    return timed([AST_GREP, "run", "-p", pattern, "-r", template, "-l", "js", *apply, "."], folder)


def tree():
    """Each run has a tree of its own, made before: where thousands of files were just
    deleted or replaced, ext4 without a journal looks long for the number of a new one."""
    sources = {f"d{number % 20}/f{number}.js": module(number) for number in range(1000)}
    patterns = (("$A === $B", "Object.is($A, $B)"), ("$O.push($X)", "add($O, $X)"),
                ("noSuch($X)", "other($X)"))
    for number, (pattern, template) in enumerate(patterns):
        runs = {"kode": [], "kode, dry run": [], "ast-grep": [], "ast-grep, dry run": []}
        folders = [(name, os.path.join(FOLDER, f"tree-{number}-{run}-{index}"))
                   for run in range(RUNS) for index, name in enumerate(runs)]
        for _, folder in folders:
            lay_out(folder, sources)
        os.sync()
        for name, folder in folders:
            runs[name].append(rewrite(name, folder, pattern, template))
        print(f"-- 1,000 files: {pattern}")
        shown = {name: show(name, found) for name, found in runs.items()}
        for ours, theirs in (("kode", "ast-grep"), ("kode, dry run", "ast-grep, dry run")):
            wall, used = (mine / other for mine, other in zip(shown[ours], shown[theirs]))
            print(f"{ours} beside {theirs}: wall {wall:.2f}, processor {used:.2f}")


single()
tree()
