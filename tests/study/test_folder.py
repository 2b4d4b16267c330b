from __future__ import annotations

import os
import pickle
import stat
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from presage.cohort import InputError
from presage.study import lease
from presage.study.claims import Claims
from presage.study.folder import Folder, StoreFolder, folder_at
from presage.study.lease import Holder, Lease, held


@pytest.fixture(params=["local", "memory", "other"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    if request.param == "local":
        return folder_at(tmp_path / "run")
    found = folder_at(f"memory://{tmp_path.name}/run")
    assert isinstance(found, StoreFolder)
    found.remove_tree("")
    if request.param == "other":  # a server on which files are written piece by piece: a temporary name and a move
        found.protocol = "sftp"
    return found


def test_what_is_written_is_there_whole_under_its_name_alone(folder: Folder) -> None:
    folder.write("a/b.json", b"one")
    folder.write("a/b.json", b"two")
    folder.write_text("c.txt", "drei")
    assert folder.read("a/b.json") == b"two"
    assert folder.sizes() == {"a/b.json": 3, "c.txt": 4}
    assert folder.sizes("a") == {"a/b.json": 3}
    assert folder.sizes("nowhere") == {}
    assert folder.read_many(["a/b.json", "a/none", "none/none"]) == {"a/b.json": b"two"}
    assert folder.read_many([]) == {}
    assert (folder.exists("c.txt"), folder.exists("d.txt")) == (True, False)
    names = ["a/b.json", *(f"a/{number}" for number in range(20))]
    assert folder.having(names) == {"a/b.json"}
    assert folder.child("a").read("b.json") == b"two"
    assert pickle.loads(pickle.dumps(folder)).read("c.txt") == b"drei"
    with pytest.raises(FileNotFoundError):
        folder.read("a/none")


def test_a_version_changes_with_the_file(folder: Folder) -> None:
    folder.write("a", b"one")
    before = folder.version("a")
    assert folder.version("a") == before
    folder.write("a", b"three")
    assert folder.version("a") != before
    with pytest.raises(FileNotFoundError):
        folder.version("b")


def test_names_by_pattern_and_what_is_removed(folder: Folder) -> None:
    for name in ("tasks/x/r0.json", "tasks/x/.r0.abc.part", "tasks/x/r1-ab.scratch/deep/file", "r0.json"):
        folder.write(name, b"")
    assert folder.matching("tasks/*/*.json") == ["tasks/x/r0.json"]
    assert folder.matching("tasks/*/.*.part") == ["tasks/x/.r0.abc.part"]
    assert folder.matching("tasks/*/*.scratch") == ["tasks/x/r1-ab.scratch"]
    assert folder.matching("*.json") == ["r0.json"]
    folder.remove_tree("tasks/x/r1-ab.scratch")
    folder.remove_tree("not there")
    folder.remove("r0.json")
    folder.remove("r0.json")
    assert sorted(folder.sizes()) == ["tasks/x/.r0.abc.part", "tasks/x/r0.json"]


def test_of_several_who_create_a_file_one_succeeds(folder: Folder) -> None:
    if isinstance(folder, StoreFolder):  # in memory, files are not made for threads
        assert [folder.create("claims/one", data) for data in (b"first", b"second")] == [True, False]
        assert folder.read("claims/one") == b"first"
        return
    won: list[int] = []
    together = threading.Barrier(8)

    def create(number: int) -> None:
        together.wait()
        if folder.create("claims/one", f"{number}".encode()):
            won.append(number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folder.read("claims/one") == f"{won[0]}".encode()
    assert (len(won), list(folder.sizes())) == (1, ["claims/one"])


def test_files_of_this_machine_are_for_their_owner(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    folder.child("private", private=True).write("key.csv", b"")
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "private" / "key.csv").stat().st_mode) == 0o600


def test_a_file_address_is_a_path_and_a_chain_is_refused(tmp_path: Path) -> None:
    assert folder_at(f"file://{tmp_path}").address == str(tmp_path)
    assert folder_at("~/x").address == str(Path.home() / "x")
    with pytest.raises(InputError, match="chained address"):
        folder_at("simplecache::memory://x")


def test_an_unknown_protocol_and_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="Protocol not known: nowhere"):
        folder_at("nowhere://bucket/run")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setattr(sys.modules["fsspec.registry"], "_registry", {})
    with pytest.raises(InputError, match=r"s3fs for s3://"):
        folder_at("s3://bucket/run")


def test_a_store_is_held_by_one_run_and_let_go(folder: Folder) -> None:
    if not isinstance(folder, StoreFolder):
        pytest.skip("a folder of this machine is held by a lock")
    with held(folder):
        assert folder.exists(".lease.json")
        with pytest.raises(InputError, match=r"another process is running a study.*process \d+"), held(folder):
            pass
    assert not folder.exists(".lease.json")
    with held(folder):
        pass


@pytest.mark.parametrize(
    ("about", "lives"),
    [
        ({}, True),
        ({"pid": 2**22 + 1}, False),  # above the largest process number: nobody
        ({"host": "elsewhere", "pid": 1}, True),
        ({"host": "elsewhere", "pid": 1, "beat": 0.0}, False),
        ({"beat": 0.0}, False),
    ],
)
def test_who_is_dead_is_taken_over(
    about: dict[str, Any], lives: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SETTLE", 0.0)
    folder, holder = folder_at(tmp_path), Holder(**about)  # its heart beats now
    folder.write("lease", holder.to_bytes())
    assert Holder.read(folder, "lease") == holder
    taken = Lease(folder, "lease")
    assert (taken.take() is not None) == lives
    if not lives:
        assert Holder.read(folder, "lease") == taken.holder
        taken.release()
        assert not folder.exists("lease")


def test_a_holder_beats_and_notices_that_it_was_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.01)
    folder = folder_at(tmp_path)
    mine = Lease(folder, "lease")
    assert mine.take() is None
    first = mine.holder.beat
    while (now := Holder.read(folder, "lease")) is not None and now.beat == first:
        pass
    mine.check()
    other = Holder()
    while not mine._lost:
        folder.write("lease", other.to_bytes())
    with pytest.raises(InputError, match="taken this folder over"):
        mine.check()
    folder.write("lease", other.to_bytes())
    mine.release()
    assert Holder.read(folder, "lease") == other  # what is another's is left alone


def test_a_claim_is_one_process_alone_until_it_is_given_back_or_its_holder_dies(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    with Claims(folder) as mine, Claims(folder) as yours:
        assert mine.take(["aa1", "bb2", "cc3"], 2) == ["aa1", "bb2"]
        assert yours.take(["aa1", "bb2", "cc3"], 9) == ["cc3"]
        mine.give_back(["aa1"])
        assert yours.take(["aa1", "bb2"], 9) == ["aa1"]
        folder.write("dd/dd4", Holder(pid=2**22 + 1).to_bytes())
        folder.write("ee/ee5", Holder(host="elsewhere").to_bytes())
        assert mine.take(["dd4", "ee5"], 9) == ["dd4"]
        folder.write("ff/ff6", b"torn")
        assert mine.take(["ff6"], 9) == ["ff6"]
    assert list(folder.sizes()) == ["ee/ee5"]
    assert os.listdir(tmp_path / "holders") == []
