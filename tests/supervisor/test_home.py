from __future__ import annotations

import os
import stat

import pytest

from hpsearch import errors
from hpsearch.supervisor import home


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path):
    path = home.embedded_key(tmp_path)
    key = path.read_text().strip()
    assert path == home.key_file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key) >= 32
    assert home.embedded_key(tmp_path).read_text().strip() == key
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_others_could_read_is_closed_again(tmp_path):
    path = home.embedded_key(tmp_path)
    path.chmod(0o644)
    home.embedded_key(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_that_cannot_be_written_names_its_file(tmp_path):
    with pytest.raises(errors.Misconfigured, match=r"api\.key: No such file"):
        home.embedded_key(tmp_path / "absent")


def test_a_private_folder_is_made_and_kept_private(tmp_path):
    made = tmp_path / "a" / "b"
    home.private_folder(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o755)
    home.private_folder(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_link_or_a_file_is_no_private_folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(errors.Misconfigured, match="no link"):
        home.private_folder(link)
    (tmp_path / "file").touch()
    with pytest.raises(errors.Misconfigured, match="HPSEARCH_HOME elsewhere"):
        home.private_folder(tmp_path / "file")


def test_a_folder_of_somebody_else_is_not_used(tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o777)
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(folder, 65534, 65534)
    with pytest.raises(errors.Misconfigured, match="must be a folder of user 0"):
        home.private_folder(folder)


def test_one_service_at_a_time(tmp_path):
    with home.exclusive(tmp_path) as leftover:
        assert not leftover
        with (
            pytest.raises(errors.Conflict, match=f"already running on .*process {os.getpid()}, st"),
            home.exclusive(tmp_path),
        ):
            pass
        home.announce(tmp_path, "http://127.0.0.1:1234")
        assert home.running_service(tmp_path) == home.RunningService(
            os.getpid(), "http://127.0.0.1:1234"
        )
        with (
            pytest.raises(errors.Conflict, match=f"process {os.getpid()} at http://127.0.0.1:1234"),
            home.exclusive(tmp_path),
        ):
            pass
        assert home.running_service(tmp_path) is not None
    assert home.running_service(tmp_path) is None
    with home.exclusive(tmp_path) as leftover:
        assert not leftover


def test_a_service_that_was_killed_is_noticed(tmp_path):
    (tmp_path / "run").mkdir()
    home.announce(tmp_path, "http://127.0.0.1:1234")
    with home.exclusive(tmp_path) as leftover:
        assert leftover


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": "x", "url": 3}', "null", "\xff"])
def test_a_broken_announcement_is_none(tmp_path, text):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "service.json").write_text(text, encoding="latin-1")
    assert home.running_service(tmp_path) is None
