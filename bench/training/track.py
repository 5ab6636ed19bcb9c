"""Follows a learner: its KL, the policies to measure later, and the checkpoint that a killed run resumes from.

A killed run loses at most the work since its last saved policy: weights, optimizer, step, counts and monitor are
written together there, and every random draw is a function of seed and step.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

from bench.engine.files import point_to, read_json, write_json
from bench.training.learner import Learner
from bench.training.monitor import Monitor

LATEST, SAVED, LOG, POLICIES = "checkpoint.json", "track.json", "log.jsonl", "policies"


@final
class Track:
    """`save_more` and `load_more` add files to a checkpoint's folder and read them back."""

    def __init__(
        self,
        learner: Learner,
        monitor: Monitor,
        folder: Path,
        report: Callable[[Mapping[str, Any]], None],
        save_more: Callable[[Path], None],
        load_more: Callable[[Path], None],
    ) -> None:
        self.learner, self.monitor, self.folder, self.report = learner, monitor, folder, report
        self.save_more, self.load_more = save_more, load_more
        self.saved: list[dict[str, Any]] = []  # by policy: its step, grid points passed and counts
        self.log: list[str] = []

    def begin(self) -> None:
        """Resume from the last checkpoint; without one, save the start, which is pi_ref."""
        if not (self.folder / LATEST).exists():
            self.save()
            return
        folder = self.folder / read_json(self.folder / LATEST)["folder"]
        state = read_json(folder / "state.json")
        self.learner.load(folder / "state.safetensors", state)
        self.monitor.load(state["monitor"])
        self.learner.pace = self.monitor.pace
        self.saved, self.log = list(state["saved"]), list(state["log"])
        self.load_more(folder)

    def observe(self, entry: dict[str, Any]) -> None:
        """After a step of the learner: check KL where it is due, set the pace, save the policy at a grid point."""
        learner, monitor = self.learner, self.monitor
        if checked := self._check_kl():
            learner.pace = monitor.pace
            entry |= {"kl": monitor.kls[-1], "pace": learner.pace}
            self.report({"step": learner.step, "kl": monitor.running})
        self.log.append(json.dumps({"step": learner.step, **entry}))
        if checked and monitor.passes():
            self.save()

    def _check_kl(self) -> bool:
        """Record this step's KL, from its rollouts, or from the monitor's samples if due. True if there was one."""
        drawn_kl, step = self.learner.drawn_kl, self.learner.step
        if drawn_kl is not None:
            self.monitor.note(step - 1, drawn_kl)
        elif self.monitor.is_due(step):
            self.monitor.check_kl(self.learner.policy, step)
        else:
            return False
        return True

    def _entry(self) -> dict[str, Any]:
        return {"step": self.learner.step, "passed": self.monitor.passed, **asdict(self.learner.counts)}

    def save(self) -> None:
        """Keep the policy as it is, and make this the point that a killed run returns to. pi_ref is not written."""
        step = self.learner.step
        self.saved.append(self._entry())
        if step > 0:
            self.learner.save_policy(self.folder / POLICIES / str(step))
        folder = self.folder / f"checkpoint-{step}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        state = self.learner.save(folder / "state.safetensors")
        state |= {"monitor": self.monitor.state(), "log": self.log, "saved": self.saved}
        self.save_more(folder)
        write_json(folder / "state.json", state)
        point_to(self.folder / LATEST, folder)
        self._write("running", None)

    def end(self, status: str = "ok", reason: str | None = None) -> None:
        """Save the last policy and leave only results in the folder. A diverged run adds where it stopped."""
        if status != "ok":
            self.saved.append({**self._entry(), "status": status, "reason": reason})
        elif self.saved[-1]["step"] != self.learner.step:
            self.save()
        self.save_more(self.folder)
        self._write(status, reason)
        (self.folder / LOG).write_text("".join(line + "\n" for line in self.log), encoding="utf-8")
        kept = {str(entry["step"]) for entry in self.saved if "status" not in entry}
        for item in (self.folder / POLICIES).glob("*"):
            if item.name not in kept:
                shutil.rmtree(item)
        (self.folder / LATEST).unlink(missing_ok=True)  # first: a run must never resume from a checkpoint that is gone
        for item in self.folder.glob("checkpoint-*"):
            shutil.rmtree(item)

    def _write(self, status: str, reason: str | None) -> None:
        write_json(self.folder / SAVED, {"status": status, "reason": reason, "saved": self.saved})
