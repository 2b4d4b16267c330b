"""A study whose cohort, cache and run folder all lie in an S3-compatible store, served on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from study_running import run, study_of

from presage.cohort import InputError, storage
from presage.findings import Findings
from presage.study import Study
from presage.study.folder import folder_at
from presage.study.progress import Progress
from presage.study.run import run_study

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")
Make = Callable[..., Path]
LABPACK = Path(__file__).parent / "labpack"
KEYS = {
    "AWS_ACCESS_KEY_ID": "some",
    "AWS_SECRET_ACCESS_KEY": "body",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            assert process.poll() is None
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def store(server: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of an empty bucket."""
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server}"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PRESAGE_LOCAL_CACHE", str(tmp_path / "near"))
    forget_connections()
    bucket = f"b{abs(hash(str(tmp_path)))}"
    files, _ = storage.filesystem(f"s3://{bucket}")
    files.mkdir(bucket)
    return f"s3://{bucket}"


def forget_connections() -> None:
    """An open connection keeps the keys and the server with which it was opened."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()


def uploaded(folder: Path, store: str) -> str:
    for path in folder.rglob("*"):
        if path.is_file():
            storage.write_bytes(f"{store}/cohort/{path.relative_to(folder)}", path.read_bytes())
    return f"{store}/cohort"


BULKY = {"marker": "bulky", "name": "Bulky", "ballast": 4 << 20}


def test_cohort_cache_and_run_in_a_store_end_with_the_same_bytes(
    make_cohort: Make, tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_cohort(16)
    here = run(study_of(folder), tmp_path / "run")
    assert (tmp_path / "encoded.log").read_text().count("encoded") == 16

    monkeypatch.setenv("PRESAGE_CACHE", f"{store}/cache")
    study = study_of(uploaded(folder, store))
    run_study(study, f"{store}/run", progress=Progress())
    place = folder_at(f"{store}/run")
    assert place.read("findings.json") == here
    assert Findings.read(f"{store}/run").to_json().encode() == here
    assert (tmp_path / "encoded.log").read_text().count("encoded") == 32
    names = list(place.sizes())
    assert not [name for name in names if "part" in name or "lease" in name or "scratch" in name]
    assert {name.split("/")[0] for name in names} >= {"plan.json", "key.csv", "cohort", "tasks", "examples"}
    assert not [name for name in folder_at(f"{store}/cache").sizes() if name.startswith("claims/")]
    for path in (tmp_path / "near").rglob("*"):
        assert path.is_dir() or b"id-0" not in path.read_bytes()

    # Again, on another machine: nothing is done twice, and each entry is fetched once.
    monkeypatch.setenv("PRESAGE_LOCAL_CACHE", str(tmp_path / "near2"))
    run_study(study, f"{store}/run", progress=Progress())
    assert place.read("findings.json") == here
    assert (tmp_path / "encoded.log").read_text().count("encoded") == 32


class Slow:
    """A line to the server that stops in the middle of whatever is written to a name that holds `word`."""

    def __init__(self, server: int, word: bytes) -> None:
        self.word, self.stopped = word, threading.Event()
        self.blocking = True
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                threading.Thread(target=self._forward, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._forward, args=(server, client, False), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, asking: bool) -> None:
        sent = 0
        writing = False
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if asking and self.blocking:
                    heading = data.split(b"\r\n", 1)[0]
                    writing = writing or (heading.startswith(b"PUT") and self.word in heading)
                    sent += len(data) * writing
                    if sent > 1 << 20:
                        self.stopped.set()
                        while self.blocking:
                            time.sleep(0.01)
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


START = """
import sys
sys.path.insert(0, sys.argv[3])
from presage.study import Study
from presage.study.progress import Progress
from presage.study.run import run_study
run_study(Study.read(sys.argv[1]), sys.argv[2], progress=Progress())
"""


def test_a_kill_in_the_middle_of_a_write_leaves_no_torn_file(
    make_cohort: Make, tmp_path: Path, store: str, server: int
) -> None:
    folder = make_cohort(16)
    study = study_of(folder, BULKY, validation={"folds": 2, "seed": 11})
    here = run(study, tmp_path / "run")
    (tmp_path / "study.yaml").write_text(study.to_yaml())
    place = folder_at(f"{store}/run")
    line = Slow(server, b"safetensors")
    environment = {**os.environ, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{line.port}"}
    command = [sys.executable, "-c", START, str(tmp_path / "study.yaml"), place.address, str(LABPACK)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    try:
        assert line.stopped.wait(60)
        # First the worker alone, then, when the next one writes the same, everything.
        line.stopped.clear()
        for worker in children(process):
            os.kill(int(worker), signal.SIGKILL)
        assert line.stopped.wait(60)
        process.kill()
        process.wait()
        there = place.sizes("tasks")
        assert not [name for name in there if name.endswith((".safetensors", "r00-f00.json")) and "bulky" in name]
        for name in there:
            if name.endswith(".json"):
                json.loads(place.read(name))
        assert place.exists(".lease.json")
    finally:
        process.kill()
        line.blocking = False
        line.close()
    # The same command at once: the holder of the folder is seen to be dead.
    environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server}"
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert place.read("findings.json") == here
    assert not place.exists(".lease.json")


def children(process: subprocess.Popen[Any]) -> list[str]:
    """Processes whose parent is `process`, whichever of its threads started them."""
    found = []
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        found += (task / "children").read_text().split()
    return found


def test_a_torn_entry_of_the_cache_is_encoded_again(make_cohort: Make, tmp_path: Path, store: str) -> None:
    folder = make_cohort(16)
    study = study_of(folder, engine={"workers": 1, "cache": f"{store}/cache"})
    assert not (tmp_path / "cache").exists()
    here = run(study, tmp_path / "run")
    cache = folder_at(f"{store}/cache")
    entry = next(name for name in cache.sizes("encoded"))
    cache.write(entry, cache.read(entry)[:-3])
    for path in (tmp_path / "near").rglob("*.safetensors"):
        path.unlink()
    with pytest.warns(UserWarning, match="damaged cache entry"):
        assert run(study, tmp_path / "again") == here
    assert (tmp_path / "encoded.log").read_text().count("encoded") == 17


def test_why_a_store_cannot_be_used(make_cohort: Make, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of(make_cohort(16))
    with pytest.raises(InputError, match=r"s3://no-such-bucket/run.*there is no such bucket"):
        run_study(study, "s3://no-such-bucket/run", progress=Progress())
    with pytest.raises(InputError, match="no such"):
        run_study(Study(**{**study.model_dump(), "cohort": "s3://no-such-bucket/c"}), f"{store}/r", progress=Progress())
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    forget_connections()
    with pytest.raises(InputError, match="the store cannot be reached"):
        folder_at(f"{store}/run").read("plan.json")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")
    forget_connections()
    with pytest.raises(InputError, match="there are no credentials"):
        run_study(study, f"{store}/run", progress=Progress())
