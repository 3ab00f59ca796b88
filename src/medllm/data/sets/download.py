"""Fetching an open data set from the hub: the only thing here that uses the network.

medllm keeps `huggingface_hub` offline; a download is asked for by name, so for that one call, and
no longer, it is let out. It fetches files and sends nothing but their names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from medllm.data.sets.catalogue import find_set
from medllm.data.sets.description import DataSet
from medllm.errors import DataError, extra
from medllm.files import disk_errors

_SWITCHES = ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY")


def download(name: str, to: Path) -> list[Path]:
    """Fetch the files of an open data set into the folder `to`/`name`; give them, sorted.

    A file that is there and whole is not fetched again; each is either whole or absent.

    Raises:
        ConfigError: unknown data set.
        DataError: it is gated, on request, not on the hub, or the hub cannot be reached.
        MissingExtraError: without the extra `data`.
    """
    data_set = find_set(name)
    _refuse_what_is_not_open(data_set)
    folder = to / name
    with extra("data"):
        import huggingface_hub.errors
    with disk_errors(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        files = _fetch(huggingface_hub, data_set, folder)
    if not files:
        wanted = ", ".join(data_set.hub_files)
        raise DataError(
            f"{data_set.hub_id} on the hub holds none of {wanted}",
            hint=f"it was changed; get the set by hand: {data_set.where}",
        )
    return files


def _refuse_what_is_not_open(data_set: DataSet) -> None:
    if data_set.access == "gated":
        raise DataError(
            f"{data_set.name} is gated: each user must apply", hint=f"how: {data_set.where}"
        )
    if data_set.access == "request":
        raise DataError(f"{data_set.name} is not for download", hint=f"how: {data_set.where}")
    if not data_set.hub_id:
        raise DataError(
            f"{data_set.name} is not on the hub", hint=f"get it by hand: {data_set.where}"
        )


def _fetch(hub: Any, data_set: DataSet, folder: Path) -> list[Path]:
    """Fetch the wanted files of one commit.

    Not `snapshot_download`: where the hub cannot be reached, that calls a half-filled folder done.
    """
    errors = hub.errors
    try:
        with _online(hub.constants):
            api = hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
            info = api.dataset_info(data_set.hub_id)
            there = sorted(sibling.rfilename for sibling in info.siblings or [])
            wanted = [n for n in there if any(fnmatch(n, p) for p in data_set.hub_files)]
            return [_fetch_file(api, data_set, name, info.sha, folder) for name in wanted]
    except errors.GatedRepoError as exc:
        hint = f"accept its terms at huggingface.co/datasets/{data_set.hub_id}, then: hf auth login"
        raise DataError(f"{data_set.hub_id} asks for an account on the hub", hint=hint) from exc
    except errors.RepositoryNotFoundError as exc:
        hint = f"get it by hand: {data_set.where}"
        raise DataError(f"{data_set.hub_id} is not on the hub", hint=hint) from exc
    except (errors.HTTPError, OSError) as exc:
        # The hub's errors are OSErrors without a number; those of the disk have one.
        if isinstance(exc, OSError) and exc.errno and not isinstance(exc, ConnectionError):
            raise
        raise _unreachable(data_set) from exc


def _fetch_file(api: Any, data_set: DataSet, name: str, commit: str | None, folder: Path) -> Path:
    return Path(
        api.hf_hub_download(
            data_set.hub_id, name, repo_type="dataset", revision=commit, local_dir=folder
        )
    )


def _unreachable(data_set: DataSet) -> DataError:
    return DataError(
        f"the hub did not give {data_set.hub_id}: no connection, or it broke off",
        hint="run it again, it goes on where it stopped; without a connection, fetch "
        f"huggingface.co/datasets/{data_set.hub_id} on another machine",
    )


@contextmanager
def _online(constants: Any) -> Iterator[None]:
    """Let the hub's library out for the length of the block, without its telemetry."""
    before = {name: getattr(constants, name) for name in _SWITCHES}
    constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_TELEMETRY = False, True
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(constants, name, value)
