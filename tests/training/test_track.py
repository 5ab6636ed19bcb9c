"""Checkpoints of a track: a killed cell continues where it was, and a finished one leaves only results."""

from bench.checks.estimators.training.governor import monitor
from bench.core.types import Counts
from bench.training.learner import Learner
from bench.training.track import Track


class Steps(Learner):  # a learner whose whole state is its step; d moves by .05 a step
    def __init__(self):
        self.counts, self.step, self.pace = Counts(), 0, 1.0

    def advance(self):
        self.step += 1
        return {"loss": float(self.step)}

    @property
    def drawn_kl(self):
        return (0.05 * (self.step - 1)) ** 2

    def save_policy(self, folder):
        folder.mkdir(parents=True)
        (folder / "step").write_text(str(self.step))

    def save(self, file):
        return {"step": self.step}

    def load(self, file, state):
        self.step = state["step"]


def track(folder):
    made = Track(Steps(), monitor(), folder, lambda event: None, lambda path: None, lambda path: None)
    made.begin()
    return made


def run(of, until):
    while of.learner.step < until:
        of.observe(of.learner.advance())


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_killed_track_continues_from_its_last_checkpoint_to_the_same_files(tmp_path):
    whole = track(tmp_path / "whole")
    run(whole, 60)
    whole.end()
    run(track(tmp_path / "killed"), 40)  # d = 1.95: past the grid's first points, and past the last checkpoint
    again = track(tmp_path / "killed")
    saved = again.learner.step
    assert 0 < saved < 40
    assert (again.monitor.kls, again.monitor.passed) == (whole.monitor.kls[:saved], len(again.saved) - 1)
    run(again, 60)
    again.end()
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert {path.name for path in (tmp_path / "whole").iterdir()} == {"policies", "track.json", "log.jsonl"}


def test_a_policy_that_was_saved_after_the_last_checkpoint_is_removed_at_the_end(tmp_path):
    made = track(tmp_path)
    run(made, 30)
    (tmp_path / "policies" / "999").mkdir()
    made.end()
    kept = {str(entry["step"]) for entry in made.saved if entry["step"]}
    assert {path.name for path in (tmp_path / "policies").iterdir()} == kept
