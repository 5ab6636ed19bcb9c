"""Reads what wandb wrote offline: records in LevelDB's log format, protobuf inside."""

import json
import struct
import warnings
from pathlib import Path

_BLOCK, _HEADER, _FILE_HEADER = 32768, 7, 7
_FULL, _FIRST, _LAST = 1, 2, 4


class Stored:
    """One offline run folder, read: its identity, config, history, summary and metric definitions."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from wandb.proto import wandb_internal_pb2 as pb
        (path,) = folder.glob("*.wandb")
        self.folder, self.config, self.history, self.summary, self.axes, self.exit = folder, {}, [], {}, {}, None
        for data in _records(path.read_bytes()):
            record = pb.Record.FromString(data)
            match record.WhichOneof("record_type"):
                case "run":
                    self.run = record.run
                    self.config |= _items(record.run.config.update)
                case "config":
                    self.config |= _items(record.config.update)
                case "history":
                    self.history.append(_items(record.history.item))
                case "summary":
                    self.summary |= _items(record.summary.update)
                case "metric":
                    self.axes[record.metric.name or record.metric.glob_name] = record.metric.step_metric
                case "exit":
                    self.exit = record.exit.exit_code

    def media(self, key: str) -> Path:
        """The file of a media value of the history."""
        (path,) = (values[f"{key}/path"] for values in self.history if f"{key}/path" in values)
        return self.folder / "files" / path

    def table(self, key: str) -> tuple[list[str], list[list]]:
        found = json.loads(self.media(key).read_text())
        return found["columns"], found["data"]


def read_runs(out: Path) -> dict[str, Stored]:
    """Every offline W&B run of a run folder, by its display name; two of one name are an error."""
    runs = [Stored(folder) for folder in sorted((out / "wandb").glob("offline-run-*")) if folder.is_dir()]
    names = [stored.run.display_name for stored in runs]
    assert len(set(names)) == len(names), f"logged twice: {names}"
    return dict(zip(names, runs, strict=True))


def _items(items) -> dict:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def _records(data: bytes):
    assert data[:4] == b":W&B"
    at, parts = _FILE_HEADER, b""
    while at + _HEADER <= len(data):
        if _BLOCK - at % _BLOCK < _HEADER:
            at += _BLOCK - at % _BLOCK
            continue
        _, size, kind = struct.unpack_from("<IHB", data, at)
        part = data[at + _HEADER : at + _HEADER + size]
        parts = part if kind in (_FULL, _FIRST) else parts + part
        if kind in (_FULL, _LAST):
            yield parts
        at += _HEADER + size
