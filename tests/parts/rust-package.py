"""Uses the Rust client from its package, in a project that holds nothing else: the README's quick start is its program and
the README's test its test. Does not know how the package is made.

    rust-package.py PACKAGE.crate GATELODGE TARGET
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

MANIFEST = """
[package]
name = "application"
version = "0.0.0"
edition = "2024"

[features]
testing = ["gatelodge-client/testing"]

[dependencies]
{dependencies}
http = "1"
tower = {{ version = "0.5", features = ["util"] }}

[[test]]
name = "readme"
harness = false

# As here, so that what is built already is not built again.
[profile.dev]
debug = "line-tables-only"

[workspace]
"""


def blocks(readme: str) -> list[str]:
    """The README's Rust, with the lines that its reader is spared."""
    shown = re.findall(r"```rust[^\n]*\n(.*?)```", readme, flags=re.DOTALL)
    return [re.sub(r"^#(?: |$)", "", text, flags=re.MULTILINE) for text in shown]


def only(texts: list[str], part: str) -> str:
    (found,) = [text for text in texts if part in text]
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answer(url: str, accept: str) -> tuple[int, dict[str, str], bytes]:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    request = urllib.request.Request(url, headers={"accept": accept})
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=5) as got:
            return got.status, dict(got.headers), got.read()
    except urllib.error.HTTPError as got:
        return got.code, {name.lower(): value for name, value in got.headers.items()}, got.read()


def eventually(holds) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            if holds():
                return
        except OSError:
            pass
        assert time.monotonic() < end, "it never was so"
        time.sleep(0.05)


def start_with(settings: dict[str, str], application: Path) -> subprocess.Popen[str]:
    """Starts it; all that it says is its standard output."""
    said = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([application], env={**os.environ, "NO_COLOR": "1", **settings}, **said)


def main(package: Path, gatelodge: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with tarfile.open(package) as packed:
            packed.extractall(folder, filter="data")
        client = folder / package.name.removesuffix(".crate")
        assert (client / "LICENSE").read_bytes() == Path("LICENSE").read_bytes(), "the package holds our licence"
        project = folder / "application"
        (project / "src").mkdir(parents=True)
        (project / "tests").mkdir()
        (dependencies,) = re.findall(r"```toml\n(axum = .*?)\n```", (client / "README.md").read_text(), flags=re.DOTALL)
        dependencies = dependencies.replace("<checkout>/clients/rust", str(client))
        (project / "Cargo.toml").write_text(MANIFEST.format(dependencies=dependencies))
        # The versions that everything else is tested with.
        shutil.copy("Cargo.lock", project)
        port, texts = free_port(), blocks((client / "README.md").read_text())
        quick_start = only(texts, "axum::serve").replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        (project / "src/main.rs").write_text(quick_start)
        (project / "tests/readme.rs").write_text(only(texts, "FakeAuthority::new"))
        environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}

        def cargo(*arguments: str) -> None:
            subprocess.run(["cargo", *arguments], cwd=project, env=environment, check=True)

        cargo("test", "--features", "testing", "--test", "readme")
        cargo("build", "--features", "testing")

        ports = {name: f"127.0.0.1:{free_port()}" for name in ("--listen", "--edge-listen", "--provider-listen")}
        flags = [word for flag in ports.items() for word in flag]
        programs = []
        try:
            dev = subprocess.Popen(
                [gatelodge, "dev", "--ephemeral", *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            programs.append(dev)
            key = None
            for line in dev.stdout or ():
                found = re.match(r" +edge +(glk_\S+)", line)
                key = found[1] if found else key
                if line.startswith("Ctrl-C"):
                    break
            assert key, "gatelodge dev told no key for an edge"
            settings = {"GATELODGE_ADDRESS": f"http://{ports['--listen']}", "GATELODGE_API_KEY": key}
            application = target / "debug/application"
            refused = start_with({**settings, "GATELODGE_API_KEY": ""}, application)
            assert refused.wait(10) != 0 and "GATELODGE_API_KEY is not set" in refused.stdout.read()
            refused = start_with({**settings, "GATELODGE_API_KEY": "glk_wrong"}, application)
            try:
                assert any("check GATELODGE_API_KEY" in line for line in refused.stdout), "the log names the setting"
            finally:
                refused.terminate()
                refused.wait(10)
            programs.append(subprocess.Popen([application], env={**os.environ, **settings}))
            site = f"http://127.0.0.1:{port}"
            eventually(lambda: answer(f"{site}/auth/me", "*/*")[0] == 401)
            assert json.loads(answer(f"{site}/auth/me", "*/*")[2])["reason"] == "not_signed_in"
            status, headers, _ = answer(f"{site}/", "text/html")
            assert status == 302 and headers["location"].startswith("/auth/web/login"), (status, headers)
            assert answer(f"{site}/auth/web/login?provider=dev", "text/html")[0] == 302
        finally:
            for program in programs:
                program.terminate()
            for program in programs:
                program.wait(10)
    print("the package is used as its README says")


main(*(Path(argument).resolve() for argument in sys.argv[1:]))
