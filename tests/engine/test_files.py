"""What a power cut may take: whatever `sync` was not called for. So the order of syncs, renames and removals counts."""

import os
import shutil

import pytest
from toy_plan import toy

from bench.engine import files
from bench.engine.store import Store


@pytest.fixture
def happened(monkeypatch):
    """Syncs, renames and removals of folders, in order, by name."""
    events = []
    fsync, replace, rename, rmtree = os.fsync, os.replace, os.rename, shutil.rmtree

    def note(what, path):
        events.append((what, os.path.basename(path)))

    def noted_fsync(handle):
        note("sync", os.readlink(f"/proc/self/fd/{handle}"))
        fsync(handle)

    def noted(what, function, place):
        def call(*args, **options):
            note(what, args[place])
            return function(*args, **options)

        return call

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted("name", replace, 1))
    monkeypatch.setattr(os, "rename", noted("name", rename, 1))
    monkeypatch.setattr(shutil, "rmtree", noted("remove", rmtree, 0))
    return events


def _checkpoint(root, name, text):
    folder = root / name
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights").write_text(text)
    files.point_to(root / "newest.json", folder)


def test_a_checkpoint_is_on_the_disk_before_it_is_named_and_named_before_the_old_one_goes(tmp_path, happened):
    _checkpoint(tmp_path, "one", "1")
    happened.clear()
    _checkpoint(tmp_path, "two", "2")
    named, removed = happened.index(("name", "newest.json")), happened.index(("remove", "one"))
    assert {("sync", n) for n in ("weights", "deep", "two", tmp_path.name, ".newest.json.partial")} <= set(
        happened[:named]
    )
    assert ("sync", tmp_path.name) in happened[named:removed]
    assert files.read_json(tmp_path / "newest.json") == {"folder": "two"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["newest.json", "two"]


def test_naming_the_same_folder_again_keeps_it(tmp_path):
    _checkpoint(tmp_path, "one", "1")
    files.point_to(tmp_path / "newest.json", tmp_path / "one")
    assert (tmp_path / "one" / "deep" / "weights").read_text() == "1"


def test_a_stage_is_on_the_disk_before_its_name_and_its_name_before_the_stage_counts(tmp_path, happened):
    store, stage = Store(tmp_path), toy("a")
    (store.work(stage) / "deep").mkdir(parents=True)
    (store.work(stage) / "deep" / "value").write_text("12")
    store.publish(stage, {}, 1.0, "cpu")
    named = happened.index(("name", stage.key))
    inside = {("sync", n) for n in ("value", "deep", "manifest.json", f".work-{stage.key}")}
    assert inside <= set(happened[:named])
    assert happened[named + 1 :] == [("sync", "toy"), ("sync", tmp_path.name)]
