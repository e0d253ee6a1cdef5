"""Make a wheel that needs no system library, and prove it.

1. pip builds the wheel from the files that git knows.
2. auditwheel adds CHOLMOD, NLopt and what they need, except BLAS and LAPACK.
3. The bundled CHOLMOD is pointed at libmere_blas.so, which forwards to SciPy's BLAS: 16 MB of a second one saved.
4. The licences of what was bundled go in, and the metadata says what the whole is under.
5. In a fresh environment, with every such library of the system masked by a mount, the wheel must fit models; and the
   wheel of step 1 must fail there, or the masks would prove nothing.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "wheel"
LICENCE = (
    "BSD-3-Clause AND GPL-2.0-or-later AND LGPL-2.1-or-later AND BSD-2-Clause AND MIT AND Apache-2.0"
    " AND GPL-3.0-or-later WITH GCC-exception-3.1"
)
BUNDLED = """\
This wheel bundles libraries of Debian; their sources are the source packages named here, on sources.debian.org.
CHOLMOD's Supernodal, Modify and MatrixOps modules are under the GPL 2 or later, so the wheel as a whole is too (with
METIS, Apache 2.0, that means version 3). mere's own files stay under the BSD 3-clause licence.

"""
MASKED = "cholmod amd camd colamd ccolamd suitesparseconfig metis nlopt blas lapack openblas gfortran quadmath gomp"
FIT = """
import mere
for formula, data, expected in [
    ("Reaction ~ Days + (Days | Subject)", mere.datasets.sleepstudy, 1743.6283),
    ("diameter ~ 1 + (1 | plate) + (1 | sample)", mere.datasets.Penicillin, 330.8606),
    ("strength ~ 1 + (1 | batch/cask)", mere.datasets.Pastes, 246.9907),
]:
    found = mere.REMLcrit(mere.lmer(formula, data))
    assert abs(found - expected) < 1e-3, (formula, found, expected)
print(mere._core.versions())
"""


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"wheel: failed: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def build():
    """The plain wheel, from what is committed."""
    source = WORK / "source"
    source.mkdir()
    run("git", "-C", ROOT, "archive", "--output", WORK / "source.tar", "HEAD")
    with tarfile.open(WORK / "source.tar") as archive:
        archive.extractall(source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-build-isolation", "--no-deps"]
    run(*pip, "--no-cache-dir", "--wheel-dir", WORK / "plain", source)
    return next((WORK / "plain").glob("*.whl"))


def repair(plain):
    """auditwheel, then BLAS to the shim, licences, metadata."""
    excluded = ["--exclude", "libblas.so.3", "--exclude", "liblapack.so.3"]
    run(sys.executable, "-m", "auditwheel", "repair", *excluded, "--wheel-dir", WORK / "repaired", plain)
    run(sys.executable, "-m", "wheel", "unpack", "--dest", WORK / "tree", next((WORK / "repaired").glob("*.whl")))
    tree = next((WORK / "tree").iterdir())
    libraries = sorted((tree / "mere.libs").iterdir())
    for library in libraries:
        needed = run("patchelf", "--print-needed", library).split()
        if "libblas.so.3" in needed or "liblapack.so.3" in needed:
            run("patchelf", "--replace-needed", "libblas.so.3", "libmere_blas.so", library)
            run("patchelf", "--remove-needed", "liblapack.so.3", library)
            run("patchelf", "--set-rpath", "$ORIGIN:$ORIGIN/../mere", library)
    add_licences(next(tree.glob("*.dist-info")), libraries)
    (ROOT / "dist").mkdir(exist_ok=True)
    run(sys.executable, "-m", "wheel", "pack", "--dest-dir", ROOT / "dist", tree)
    return max((ROOT / "dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)


def add_licences(info, libraries):
    """The notices that Debian keeps beside each library, and a list of what came from where."""
    folder = info / "licenses"
    rows = ["| library | package | source package |", "|---|---|---|"]
    for library in libraries:
        name = re.sub(r"-[0-9a-f]{8}(?=\.so)", "", library.name)  # auditwheel put a hash there
        owner = run("sh", "-c", f"dpkg-query -S '*/{name}' | head -n 1").split(":")[0]
        source = run("dpkg-query", "-W", "-f", "${source:Package}", owner)
        shutil.copy(f"/usr/share/doc/{owner}/copyright", folder / f"{source}.txt")
        rows.append(f"| {name} | {run('dpkg-query', '-W', '-f', '${Package} ${Version}', owner)} | {source} |")
    for text in ("GPL-2", "GPL-3", "LGPL-2.1", "Apache-2.0"):
        shutil.copy(f"/usr/share/common-licenses/{text}", folder / f"{text}.txt")
    (folder / "BUNDLED.md").write_text(BUNDLED + "\n".join(rows) + "\n", encoding="utf-8")
    metadata = (info / "METADATA").read_text(encoding="utf-8")
    metadata = re.sub(r"(?m)^License-Expression: .*$", f"License-Expression: {LICENCE}", metadata)
    files = sorted(path.name for path in folder.iterdir() if path.name != "LICENSE")
    lines = "".join(f"License-File: {name}\n" for name in files)
    (info / "METADATA").write_text(
        metadata.replace("License-File: LICENSE\n", "License-File: LICENSE\n" + lines, 1), encoding="utf-8"
    )


def masked(python, code):
    """Run code where the system's numerical libraries cannot be read: masks in a mount namespace of its own."""
    names = "|".join(MASKED.split())
    script = f"""
set -eu
: > "$1"
find /lib /usr/lib /usr/local/lib -type f -regextype posix-extended -regex '.*/lib({names})[-_0-9.a-z]*\\.so[.0-9]*' |
while read -r library; do mount --bind "$1" "$library"; done
exec "$2" -I -c "$3"
"""
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", WORK / "empty", python, code]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=WORK)


def prove(wheel, plain):
    for name, file in (("fresh", wheel), ("control", plain)):
        venv.create(WORK / name, with_pip=True)
        pip = [WORK / name / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        run(*pip, "--no-cache-dir", file)
    control = masked(WORK / "control" / "bin" / "python", FIT)
    if control.returncode == 0 or not re.search(r"libcholmod|libnlopt", control.stderr):
        sys.exit(f"wheel: the plain wheel ran although the libraries were masked, or they were not\n{control.stderr}")
    proof = masked(WORK / "fresh" / "bin" / "python", FIT)
    if proof.returncode:
        sys.exit(f"wheel: the wheel does not run without the system's libraries\n{proof.stdout}{proof.stderr}")


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    plain = build()
    wheel = repair(plain)
    prove(wheel, plain)
    print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size / 1e6:.1f} MB; fits models without the system's libraries")


if __name__ == "__main__":
    main()
