#!/usr/bin/env python3
"""Well-reviewed libraries, and how many fatal alerts the scan gives on them.

  scripts/libraries.py get FOLDER [SET]   fetches what scripts/bench-scan/libraries.txt
                                          names (npm, PyPI, Debian bookworm) without tests
  scripts/libraries.py rate FOLDER        fatal alerts of each and for 10,000 lines of code

Nothing that is fetched is run. Lines of code are those of files with an ending below; a
package is scanned by itself, whole, with its manuals and examples.
"""
import os, re, shutil, subprocess, sys, tarfile, tempfile, zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = set(".js .mjs .cjs .jsx .ts .tsx .mts .cts .py .go .java .vue .svelte".split())
TEST_FOLDER = re.compile(r"^(tests?|__tests__|testdata|spec|specs|__mocks__|e2e|fixtures)$", re.I)
TEST_FILE = re.compile(r"(_test\.go|\.(test|spec)\.[cm]?[jt]sx?|(^|/)test_[^/]*\.py|_test\.py|(^|/)conftest\.py|(^|/)tests?\.(py|[jt]s)|Tests?\.java|TestCase\.java)$")
SOURCES = ("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main\n"
           "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main\n")


def named(wanted):
    for line in (ROOT / "scripts/bench-scan/libraries.txt").read_text().splitlines():
        words = line.split()
        if words and not words[0].startswith("#") and (wanted is None or words[0] == wanted):
            yield words[0], words[1], words[2]


def call(*command, cwd):
    subprocess.run(command, cwd=cwd, check=True, timeout=600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def apt(folder):
    state = folder / ".apt"
    if not state.exists():
        (state / "lists").mkdir(parents=True)
        (state / "cache").mkdir()
        (state / "sources.list").write_text(SOURCES)
    options = {"Dir::Etc::sourcelist": state / "sources.list", "Dir::Etc::sourceparts": "/nonexistent",
               "Dir::State::Lists": state / "lists", "Dir::Cache": state / "cache", "APT::Sandbox::User": "root"}
    command = ["apt-get"] + [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    if not any((state / "lists").glob("*Sources*")):
        call(*command, "update", cwd=folder)
    return command


def fetch(kind, name, to, folder):
    """Leaves the archive's files below `to`."""
    if kind == "npm":
        call("npm", "pack", "--silent", "--ignore-scripts", name, cwd=to)
    elif kind == "pypi":
        pip = ("pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "-d", ".", name)
        try:
            call(*pip, "--no-binary", ":all:", cwd=to)
        except subprocess.CalledProcessError:
            call(*pip, "--only-binary", ":all:", cwd=to)
    elif kind == "debian":
        call(*apt(folder), "download", name, cwd=to)
    else:
        call(*apt(folder), "source", "--download-only", name, cwd=to)
    for archive in list(to.iterdir()):
        if archive.suffix == ".deb":
            call("dpkg-deb", "-x", str(archive), ".", cwd=to)
        elif archive.suffix in (".whl", ".zip"):
            zipfile.ZipFile(archive).extractall(to)
        elif ".tar." in archive.name and ".debian." not in archive.name and archive.suffix != ".asc" or archive.suffix == ".tgz":
            with tarfile.open(archive) as opened:
                opened.extractall(to, filter="data")
        archive.unlink()


def without_tests(folder):
    for at, folders, files in os.walk(folder, topdown=True):
        for name in [name for name in folders if TEST_FOLDER.match(name)]:
            shutil.rmtree(os.path.join(at, name))
            folders.remove(name)
        for name in files:
            if TEST_FILE.search(os.path.join(at, name)):
                os.unlink(os.path.join(at, name))


def get(folder, wanted):
    folder.mkdir(parents=True, exist_ok=True)
    for _, kind, name in named(wanted):
        final = folder / kind / name.replace("/", "_")
        if final.exists():
            continue
        final.parent.mkdir(exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder, prefix=".part-"))
        try:
            fetch(kind, name, part, folder)
            without_tests(part)
            part.rename(final)
        except (subprocess.SubprocessError, tarfile.TarError, zipfile.BadZipFile, OSError) as error:
            print(f"{kind} {name}: not fetched ({error.__class__.__name__})", file=sys.stderr)
            shutil.rmtree(part, ignore_errors=True)


def lines_of_code(folder):
    total = 0
    for at, _, files in os.walk(folder):
        for name in files:
            path = Path(at, name)
            if path.suffix in CODE and path.is_file() and not path.is_symlink():
                total += path.read_bytes().count(b"\n")
    return total


def rate(folder):
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    scan = target / "release/examples/scan_paths"
    if not scan.exists():
        sys.exit("first: cargo build --release -p kode-scan --example scan_paths")
    packages, alerts, lines = sorted(path for path in folder.glob("[!.]*/*") if path.is_dir()), 0, 0
    for package in packages:
        found = subprocess.run([scan, package], capture_output=True, text=True, errors="replace", timeout=900, check=True)
        fatal = [line for line in found.stdout.splitlines() if " Fatal " in line]
        own = lines_of_code(package)
        alerts, lines = alerts + len(fatal), lines + own
        print(f"{package.parent.name} {package.name}: {len(fatal)} fatal, {own} lines")
        for line in fatal:
            print("   ", line)
    print(f"{len(packages)} packages, {lines} lines of code, {alerts} fatal alerts: {alerts / max(lines, 1) * 1e4:.3f} for 10,000 lines")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["get", folder, *rest] if len(rest) < 2:
            get(Path(folder).absolute(), rest[0] if rest else None)
        case ["rate", folder]:
            rate(Path(folder).absolute())
        case _:
            sys.exit(__doc__)
