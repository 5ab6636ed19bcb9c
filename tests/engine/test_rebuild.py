import pytest

from bench.engine.rebuild import digest, make_once


@pytest.fixture
def kept(tmp_path):
    """Make two files of `made_of`, once; returns how often they have been made."""
    made = []

    def make():
        made.append(1)
        for name in ("one", "two"):
            (tmp_path / name).write_text(f"{name}, of {len(made)}")

    def keep(made_of="things"):
        make_once(tmp_path / ".stamp.json", made_of, lambda: tmp_path.glob("[!.]*"), make)
        return len(made)

    return keep


def test_what_is_as_it_was_made_is_not_made_again(kept):
    assert [kept(), kept(), kept()] == [1, 1, 1]


def test_other_things_make_it_again(kept):
    assert [kept("a"), kept("b"), kept("b"), kept("a")] == [1, 2, 2, 3]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda root: (root / "one").write_text("one, of 2"),
        lambda root: (root / "one").unlink(),
        lambda root: (root / "three").touch(),
        lambda root: (root / ".stamp.json").unlink(),
        lambda root: (root / ".stamp.json").write_text("{"),
        lambda root: (root / ".stamp.json").write_text("[]"),
    ],
    ids=["edited", "removed", "added", "no stamp", "a torn stamp", "another stamp"],
)
def test_whatever_is_not_as_it_was_is_made_again(tmp_path, kept, spoil):
    kept()
    spoil(tmp_path)
    assert [kept(), kept()] == [2, 2]


def test_what_breaks_off_is_made_again(tmp_path):
    def breaks():
        (tmp_path / "one").write_text("half")
        raise OSError("the disk is full")

    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            make_once(tmp_path / ".stamp.json", "things", lambda: [tmp_path / "one"], breaks)


def test_a_digest_is_of_bytes_places_and_words(tmp_path):
    def of(*files, words=()):
        for name, text in files:
            (tmp_path / name).write_text(text)
        return digest([tmp_path / name for name, _ in files], tmp_path, words)

    assert of(("a", "1"), ("b", "2")) == of(("b", "2"), ("a", "1"))
    others = [of(("a", "1")), of(("a", "2")), of(("b", "1")), of(("a", "1"), words=["x"]), of(("a", "1"), ("b", "2"))]
    assert len(set(others)) == len(others)
    assert digest([], tmp_path, ["ab", "c"]) != digest([], tmp_path, ["a", "bc"])
    assert digest([tmp_path / "nothing"], tmp_path) == digest([], tmp_path)
