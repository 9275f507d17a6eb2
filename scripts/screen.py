#!/usr/bin/env python3
"""Measures the screens of a release build on a pseudo-terminal; see bench.sh.

Usage: screen.py KODE FOLDER. Builds a project of 5,000 touched files, one of
them with a diff of 200,000 lines, in FOLDER, then reports what opening,
scrolling and idling cost. Reported, never asserted.
"""
import fcntl, os, pty, select, signal, struct, subprocess, sys, termios, time

KODE, FOLDER = sys.argv[1], sys.argv[2]
PROJECT, HOME = f"{FOLDER}/project", f"{FOLDER}/home"
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": HOME, "TERM": "xterm-256color", "COLORFGBG": "15;0"}
SCRIPT = """turns:
  - calls:
      - tool: shell
        args: {command: "for n in $(seq 2500); do echo changed >> src/f$n.txt; echo new > src/n$n.txt; done; sed -i '0~5!s/old/new/' big.rs", timeout_s: 300}
  - calls: [{tool: finish, args: {summary: done}}]
"""


def prepare():
    os.makedirs(f"{PROJECT}/.git"), os.makedirs(f"{PROJECT}/src"), os.makedirs(HOME)
    for number in range(1, 2501):
        with open(f"{PROJECT}/src/f{number}.txt", "w") as file:
            file.write("one\ntwo\n")
    with open(f"{PROJECT}/big.rs", "w") as file:
        file.writelines(f'    let x{n} = old("{n}", {n}); // a line of code\n' for n in range(125_000))
    with open(f"{FOLDER}/script.yaml", "w") as file:
        file.write(SCRIPT)
    run = [KODE, "run", "--json", "--script", f"{FOLDER}/script.yaml", "go"]
    subprocess.run(run, cwd=PROJECT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Screen:
    def __init__(self, *arguments, columns=120, rows=40):
        self.begun = time.monotonic()
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(PROJECT)
            os.execve(KODE, [KODE, *arguments], ENVIRONMENT)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, size)
        self.output = b""

    def wait_for(self, text, seconds=20):
        while text not in self.output:
            self.collect(seconds)
        return (time.monotonic() - self.begun) * 1e3

    def collect(self, seconds):
        if not select.select([self.terminal], [], [], seconds)[0]:
            raise SystemExit(f"nothing came; the last was {self.output[-300:]!r}")
        self.output += os.read(self.terminal, 1 << 16)

    def settle(self, seconds=0.5):
        while select.select([self.terminal], [], [], seconds)[0]:
            self.output += os.read(self.terminal, 1 << 16)

    def answer_ms(self, key):
        """From a key to the last byte of its frame (what follows within 4 ms belongs to it)."""
        begun = time.monotonic()
        os.write(self.terminal, key)
        last, wait = None, 1.0
        while select.select([self.terminal], [], [], wait)[0]:
            os.read(self.terminal, 1 << 16)
            last, wait = time.monotonic(), 0.004
        return (last - begun) * 1e3 if last else None

    def cpu_ticks(self):
        fields = open(f"/proc/{self.child}/stat").read().rsplit(") ", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def memory_mb(self):
        line = next(line for line in open(f"/proc/{self.child}/status") if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1000

    def peak_mb(self):
        line = next(line for line in open(f"/proc/{self.child}/status") if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1000

    def idle(self, seconds=10):
        before, wakes = self.cpu_ticks(), self.wakes()
        time.sleep(seconds)
        spent = (self.cpu_ticks() - before) * 1000 / os.sysconf("SC_CLK_TCK")
        drawn = bool(select.select([self.terminal], [], [], 0)[0])
        return f"{spent:.0f} ms of CPU and {self.wakes() - wakes} wake-ups in {seconds} s, redrawn: {drawn}"

    def wakes(self):
        total = 0
        for task in os.listdir(f"/proc/{self.child}/task"):
            for line in open(f"/proc/{self.child}/task/{task}/status"):
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
        return total

    def leave(self, keys):
        os.write(self.terminal, keys)
        try:
            self.settle(0.3)
            os.kill(self.child, signal.SIGTERM)
        except OSError:
            pass  # It has left already.
        os.waitpid(self.child, 0)
        os.close(self.terminal)


def median(values):
    return sorted(values)[len(values) // 2]


def at(values, percent):
    values = sorted(value for value in values if value is not None)
    return values[(len(values) - 1) * percent // 100]


def main():
    prepare()
    firsts, opens = [], []
    for _ in range(9):
        screen = Screen("--script", f"{FOLDER}/script.yaml")
        firsts.append(screen.wait_for(b"ready"))
        screen.settle(0.2)
        screen.leave(b"")
    print(f"first frame of a session          median {median(firsts):.0f} ms, most {max(firsts):.0f} ms")
    for _ in range(5):
        screen = Screen("review")
        opens.append(screen.wait_for(b"// a line of code"))
        screen.settle(0.3)
        screen.leave(b"q")
    print(f"5,000 files, 200,000-line diff    open in median {median(opens):.0f} ms, most {max(opens):.0f} ms")
    screen = Screen("review")
    screen.wait_for(b"// a line of code")
    screen.settle()
    print(f"  idle                            {screen.idle()}")
    os.write(screen.terminal, b"\t")
    screen.settle(0.2)
    for what, key in [("by lines", b"j"), ("by pages", b" "), ("hunk by hunk", b"]")]:
        times = [screen.answer_ms(key) for _ in range(400)]
        print(f"  {what:<31} key to frame p50 {at(times, 50):.1f} ms, p99 {at(times, 99):.1f} ms, most {at(times, 100):.1f} ms")
    print(f"  memory                          {screen.memory_mb():.0f} MB, peak {screen.peak_mb():.0f} MB")
    screen.leave(b"q")
    os.makedirs(f"{FOLDER}/other/.git")
    ordinary()


def ordinary():
    """A session with a small run, as on most days."""
    global PROJECT
    PROJECT = f"{FOLDER}/other"
    script = "turns:\n  - calls:\n      - {tool: write_file, args: {path: a.txt, content: \"one\\n\"}}\n      - {tool: shell, args: {command: \"ls\"}}\n      - {tool: finish, args: {summary: all done}}\n"
    with open(f"{FOLDER}/small.yaml", "w") as file:
        file.write(script)
    screen = Screen("--script", f"{FOLDER}/small.yaml")
    screen.wait_for(b"ready")
    os.write(screen.terminal, b"go\r")
    screen.wait_for(b"green")
    screen.settle(1)
    print(f"an ordinary session, after a run  {screen.memory_mb():.0f} MB, peak {screen.peak_mb():.0f} MB")
    print(f"  idle                            {screen.idle()}")
    screen.leave(b"\x03\x03")


main()
