"""An input that was made anew under its key, with other bytes, after a stage was made from it."""

from bench.cli import main
from bench.engine.files import read_json, write_json
from bench.engine.rebuild import contents_of


def remake(run, name, **change):
    """Write `change` into a stage's manifest and the run's copy of it, as if the stage had been made so."""
    stages = read_json(run.out / "stages.json")
    stages[name].update(change)
    write_json(run.stage(name) / "manifest.json", stages[name])
    write_json(run.out / "stages.json", stages)


def test_every_stage_records_its_content_and_that_of_its_inputs(toy_finished):
    stages = read_json(toy_finished.out / "stages.json")
    by_key = {manifest["key"]: manifest for manifest in stages.values()}
    for manifest in stages.values():
        assert manifest["content"] == contents_of(manifest)
        read = {role: by_key[key]["content"] for role, key in manifest["inputs"].items()}
        assert manifest["input_contents"] == read


def test_verify_names_each_stage_that_was_made_from_other_bytes(toy_finished, tmp_path, capsys):
    run = toy_finished.copy(tmp_path / "copy")
    key = run.stage("sft").name
    weights = run.stage("sft") / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1  # the last bit of a weight, as another CPU may round it
    weights.write_bytes(data)
    run.forge("sft")
    remake(run, "sft", content=contents_of(read_json(run.out / "stages.json")["sft"]))
    readers = [n for n, m in read_json(run.out / "stages.json").items() if key in m["inputs"].values()]
    assert main(["verify", str(run.out), f"store={run.store}"]) == 1
    out = capsys.readouterr().out
    found = [line for line in out.splitlines() if "was made anew since, with other bytes under its key" in line]
    assert len(readers) > 3
    assert all(any(line.startswith(f"MISMATCH {name} (") for line in found) for name in readers)
