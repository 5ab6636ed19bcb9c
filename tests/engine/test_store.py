import hashlib
import json
import os

import pytest
from toy_plan import toy

from bench.engine.progress import ProgressLog, ProgressTail
from bench.engine.store import Store
from bench.errors import StoreError


def _attempt(store, stage):
    work = store.work(stage)
    work.mkdir(parents=True)
    (work / "deep").mkdir()
    (work / "deep" / "text").write_text("seven")
    return work


def test_a_stage_is_not_done_before_it_is_published(tmp_path):
    store, stage = Store(tmp_path), toy("a")
    _attempt(store, stage)
    assert not store.is_done(stage)
    with pytest.raises(StoreError, match="'a'"):
        store.manifest(stage)


def test_publishing_moves_the_work_folder_and_describes_it(tmp_path):
    store, first = Store(tmp_path), toy("a")
    stage = toy("b", first, size=3)
    work = _attempt(store, stage)
    store.publish(stage, {"loss": float("nan"), "steps": 2}, wall_s=1.5, device="cpu")
    assert not work.exists()
    manifest = store.manifest(stage)
    assert manifest["files"] == {"deep/text": {"sha256": hashlib.sha256(b"seven").hexdigest(), "bytes": 5}}
    assert manifest["inputs"] == {"a": first.key}
    assert manifest["config"] == {"name": "b", "size": 3}
    assert manifest["metrics"] == {"loss": None, "steps": 2}
    assert [m["key"] for m in store.manifests("toy")] == [stage.key]


def test_a_kill_between_manifest_and_rename_leaves_the_stage_undone_and_publishable(tmp_path, monkeypatch):
    store, stage = Store(tmp_path), toy("a")
    _attempt(store, stage)

    class Killed(BaseException): ...

    def die(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "rename", die)
        with pytest.raises(Killed):
            store.publish(stage, {}, 1.0, "cpu")
    assert not store.is_done(stage)
    store.publish(stage, {}, 1.0, "cpu")
    assert set(store.manifest(stage)["files"]) == {"deep/text"}


def test_dropping_a_file_leaves_the_content_that_was_published(tmp_path):
    store, stage = Store(tmp_path), toy("a")
    _attempt(store, stage)
    store.publish(stage, {}, 1.0, "cpu")
    content = store.manifest(stage)["content"]
    store.drop(stage, ["deep/text"])
    assert store.manifest(stage)["files"] == {}
    assert store.manifest(stage)["content"] == content


def test_a_lock_is_freed_when_its_holder_dies(tmp_path):
    store, stage = Store(tmp_path), toy("a")
    store.lock(stage).lock_file  # noqa: B018  the folder exists from here on
    child = os.fork()
    if child == 0:
        store.lock(stage).acquire()
        os._exit(9)
    os.waitpid(child, 0)
    with store.lock(stage).acquire(timeout=1):
        pass


def test_the_tail_reads_whole_lines_only_and_survives_a_new_file(tmp_path):
    path = tmp_path / "progress"
    tail = ProgressTail(path)
    assert tail.latest() is None
    ProgressLog(path)({"step": 1})
    ProgressLog(path)({"step": 2})
    assert tail.latest() == {"step": 2}
    with path.open("a") as file:
        file.write('{"step": 3')
    assert tail.latest() is None
    with path.open("a") as file:
        file.write("}\n")
    assert tail.latest() == {"step": 3}
    path.write_text(json.dumps({"step": 0}) + "\n")
    assert tail.latest() == {"step": 0}
