"""Facts of a machine: what is recorded with a stage, what is not, and that no key holds any of it."""

import getpass
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from toy_plan import toy

from bench.engine.attempt import Setup, attempt
from bench.engine.machine import distinct_machines, machine_facts, machine_line
from bench.engine.store import Store

FACTS = "import json\nfrom bench.engine.machine import machine_facts\nprint(json.dumps(machine_facts('cpu')))"


def facts_under(**environment):
    done = subprocess.run(
        [sys.executable, "-c", FACTS], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_capability_that_torch_uses_and_the_settings_are_recorded():
    plain, other = facts_under(), facts_under(ATEN_CPU_CAPABILITY="default", OMP_NUM_THREADS="2")
    assert other["cpu_capability"] == "DEFAULT"
    assert other["environment"]["ATEN_CPU_CAPABILITY"] == "default"
    assert (other["threads"], other["environment"]["OMP_NUM_THREADS"]) == (2, "2")
    same = set(plain) - {"cpu_capability", "environment", "threads", "interop_threads"}
    assert {name: plain[name] for name in same} == {name: other[name] for name in same}
    assert {"blas", "mkl", "onednn", "cpu", "libraries"} <= same


def test_no_host_user_or_folder_is_among_them():
    text = json.dumps(facts_under(GOLDBENCH_STORE="/secret/place", WANDB_API_KEY="secret"))
    assert "secret" not in text
    assert os.getcwd() not in text
    for name in {platform.node(), getpass.getuser()} - {"root", "localhost", ""}:
        assert name not in text


def test_a_stage_records_its_maker_and_its_key_does_not(tmp_path, monkeypatch):
    machine = {"cpu_capability": "AVX2", "threads": 1}
    monkeypatch.setattr("bench.engine.attempt.machine_facts", lambda device: machine | {"device": device})
    store = Store(tmp_path)
    stage = toy("a")
    key = stage.key
    assert attempt(stage, Setup(store, 1, "cpu")).status == "ok"
    assert store.manifest(stage)["machine"] == machine | {"device": "cpu"}
    assert toy("a").key == key == store.manifest(stage)["key"]


def test_the_machines_of_a_run_are_counted_by_their_stages():
    a, b = {"cpu_capability": "AVX2", "threads": 1}, {"cpu_capability": "AVX512", "threads": 1}
    manifests = [{"machine": m} for m in (a, b, dict(reversed(b.items())))] + [{"machine": None}, {}]
    assert distinct_machines(manifests) == [{**b, "stages": 2}, {**a, "stages": 1}]
    assert machine_line({**b, "stages": 2}) == "AVX512, threads 1, 2 stages"


def test_the_facts_of_this_process_are_plain_json():
    facts = machine_facts("cpu")
    assert json.loads(json.dumps(facts)) == facts
    assert Path("/proc/cpuinfo").exists() <= bool(facts["cpu"])
