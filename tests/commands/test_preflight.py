"""Mistakes that would end a run after it has begun are one line and exit 2, and nothing is made."""

import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import toy_plugins
from toy_plan import toy

from bench.cli import main
from bench.commands import preflight
from bench.config.compose import compose
from bench.config.suite import RuntimeConfig
from bench.engine.store import Store
from bench.errors import ConfigError
from bench.pipeline.plan import build_plan, plan_stages

MINE = ["+method.mine={type: preference, f: mine, beta: [.1]}", "methods=[mine]"]


@pytest.fixture
def refused(tmp_path, capfd):
    """The one line that `bench run smoke ...` answers."""

    def run(*words, store=tmp_path / "store", out=tmp_path / "out"):
        assert main(["run", "smoke", f"store={store}", f"out={out}", *words]) == 2
        captured = capfd.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert not (tmp_path / "store").exists()
        assert not (tmp_path / "out").exists()
        return captured.err.removeprefix("bench: ").strip()

    return run


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.mark.usefixtures("no_gpu")
def test_a_gpu_that_is_not_there(refused):
    line = refused("device=cuda")
    assert line == "device=cuda: torch finds no GPU on this machine; use device=cpu or device=auto"


def test_a_torch_that_does_not_load(refused, tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so is missing')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(sys.path)}")
    assert refused("device=cuda") == (
        "device=cuda: torch does not load (OSError: libcudart.so is missing); use device=cpu or device=auto"
    )


@pytest.fixture
def machine(monkeypatch):
    """Two cores and 4 GiB of memory."""
    monkeypatch.setattr(preflight, "cpu_count", lambda: 2)
    monkeypatch.setattr(preflight, "_memory_bytes", lambda: 4 * 2**30)


@pytest.mark.usefixtures("machine")
def test_more_workers_than_the_machine_can_run(refused):
    wrong, _, remedy = refused("workers=9").partition("; ")
    assert wrong == "workers=9 is too many for 2 cores and 4 GiB of memory"
    assert remedy == "use workers=8 or fewer (workers=2 keeps every core busy)"
    assert "use workers=4 or fewer (workers=1 keeps" in refused("workers=5", "threads=2")
    preflight.check_cores(RuntimeConfig(workers=8))  # 8 of 512 MiB fill the memory
    preflight.check_cores(RuntimeConfig(workers=4, threads=2))
    preflight.check_cores(RuntimeConfig())


def test_workers_that_do_not_fit_into_memory(machine, monkeypatch):
    monkeypatch.setattr(preflight, "_memory_bytes", lambda: 2**30)
    with pytest.raises(ConfigError, match="use workers=2 or fewer"):
        preflight.check_cores(RuntimeConfig(workers=3))


@pytest.mark.usefixtures("machine")
def test_more_threads_than_cores(refused):
    assert refused("threads=3") == "threads=3 is more than the 2 cores; use threads=2 or fewer"


def test_a_disk_that_cannot_hold_the_run(refused, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=7 * 2**20))
    wrong, _, remedy = refused().partition("; ")
    stages = plan_stages(build_plan(compose(["smoke"])[0], 1))
    assert wrong.endswith(f"store has 7 MiB free and this run needs about {5 * len(stages)} MiB")
    assert remedy == "free some (bench gc), or give store=DIR on another disk"


@pytest.mark.parametrize("store", ["file", "file/store", "/proc/goldbench"])
def test_a_store_that_cannot_be_written_to(refused, tmp_path, store):
    (tmp_path / "file").touch()
    assert refused(store=tmp_path / store).startswith(f"store={tmp_path / store} cannot be written to (")


def test_the_space_that_a_run_needs_is_learned_from_the_store(tmp_path):
    store = Store(tmp_path)
    assert preflight.expected_bytes([toy("a"), toy("b")], store) == 2 * preflight.STAGE_BYTES
    for name, size in (("small", 10), ("middle", 20), ("large", 1000)):
        stage = toy(name)
        store.work(stage).mkdir(parents=True)
        (store.work(stage) / "value").write_bytes(b"x" * size)
        store.publish(stage, {}, 1.0, "cpu")
    assert preflight.expected_bytes([toy("a"), toy("b")], store) == 40


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module\n\ndef mine(x): return -x\n", "No module named 'no_such_module'"),
        ("raise SystemExit\n\ndef mine(x): return -x\n", "cannot be loaded"),
        ("def mine(x): return x.no_such\n", "no_such"),
        ("import os\nos._exit(3)\ndef mine(x): return -x\n", "ended its process"),
    ],
)
def test_a_plugin_that_does_not_load_or_whose_loss_fails(refused, tmp_path, text, reason):
    plugin = toy_plugins.plugin(tmp_path, text)
    line = refused(f"plugin={plugin}", *MINE)
    assert str(plugin) in line
    assert reason in line


def test_the_process_that_checks_loads_no_torch(refused, tmp_path):
    code = "import sys; from bench.cli import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    plugin = toy_plugins.plugin(tmp_path, "def mine(x): return x.no_such\n")
    words = ["run", "smoke", f"store={tmp_path / 'store'}", f"out={tmp_path / 'out'}", f"plugin={plugin}", *MINE]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=False)
    assert done.returncode == 0


def test_a_run_folder_inside_the_store(refused, tmp_path):
    for out in (tmp_path / "store", tmp_path / "store" / "run"):
        assert "lies in the store" in refused(out=out)


def test_a_finished_run_needs_none_of_this(tmp_path):
    suite, runtime = compose(["smoke", "device=cuda", "threads=64", f"store={tmp_path / 's'}", f"out={tmp_path / 'o'}"])
    preflight.check(suite, runtime, [])


def test_wandb_without_an_account(tmp_path, monkeypatch, capfd):
    """Only opening W&B proves that it can be written to, so the run folder is there; no stage has started."""
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    words = ["run", "smoke", "wandb=online", f"store={tmp_path / 'store'}", f"out={tmp_path / 'out'}"]
    assert main(words) == 2
    captured = capfd.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert "`wandb login`" in captured.err
    assert not (tmp_path / "store").exists()
