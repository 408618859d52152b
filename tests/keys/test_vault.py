from __future__ import annotations

import base64
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.errors import Inconsistent, InvalidInput, NotFound, Refused
from ledger.keys.vault import Vault, load_vault

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))

texts = st.text(max_size=40)


# ------------------------------------------------------------------------------- what it encrypts


@given(st.binary(max_size=200), texts, texts)
def test_what_was_encrypted_comes_back(plaintext: bytes, purpose: str, row: str) -> None:
    vault = Vault(KEY)
    ciphertext = vault.encrypt(plaintext, purpose=purpose, row=row)
    assert vault.decrypt(ciphertext, purpose=purpose, row=row) == plaintext


@given(st.binary(max_size=40), st.data())
def test_one_flipped_bit_anywhere_opens_nothing(plaintext: bytes, data: st.DataObject) -> None:
    vault = Vault(KEY)
    ciphertext = bytearray(vault.encrypt(plaintext, purpose="key", row="1"))
    bit = data.draw(st.integers(0, len(ciphertext) * 8 - 1))
    ciphertext[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Inconsistent):
        vault.decrypt(bytes(ciphertext), purpose="key", row="1")


@given(st.binary(max_size=40), st.data())
def test_a_truncated_secret_opens_nothing(plaintext: bytes, data: st.DataObject) -> None:
    vault = Vault(KEY)
    ciphertext = vault.encrypt(plaintext, purpose="key", row="1")
    length = data.draw(st.integers(0, len(ciphertext) - 1))
    with pytest.raises(Inconsistent):
        vault.decrypt(ciphertext[:length], purpose="key", row="1")


@given(st.tuples(texts, texts), st.tuples(texts, texts))
def test_a_secret_opens_only_for_its_own_purpose_and_row(
    own: tuple[str, str], other: tuple[str, str]
) -> None:
    vault = Vault(KEY)
    ciphertext = vault.encrypt(b"secret", purpose=own[0], row=own[1])
    if own == other:
        assert vault.decrypt(ciphertext, purpose=other[0], row=other[1]) == b"secret"
    else:
        with pytest.raises(Inconsistent, match="belongs to another row"):
            vault.decrypt(ciphertext, purpose=other[0], row=other[1])


def test_purpose_and_row_do_not_run_into_each_other() -> None:
    vault = Vault(KEY)
    ciphertext = vault.encrypt(b"secret", purpose="ab", row="c")
    with pytest.raises(Inconsistent):
        vault.decrypt(ciphertext, purpose="a", row="bc")


def test_the_same_secret_is_never_encrypted_to_the_same_bytes() -> None:
    vault = Vault(KEY)
    seen = {vault.encrypt(b"secret", purpose="key", row="1") for _ in range(100)}
    assert len(seen) == 100


def test_the_secret_does_not_show_in_what_is_stored() -> None:
    secret = secrets.token_bytes(32)
    stored = Vault(KEY).encrypt(secret, purpose="key", row="1")
    assert secret not in stored
    assert KEY not in stored


def test_another_key_is_named_as_such() -> None:
    ciphertext = Vault(KEY).encrypt(b"secret", purpose="key", row="1")
    with pytest.raises(Inconsistent, match="encrypted with another key") as caught:
        Vault(OTHER).decrypt(ciphertext, purpose="key", row="1")
    assert "STERILEDGER_KEY" in str(caught.value.remedy)
    assert KEY.hex() not in str(caught.value)


def test_a_rotated_vault_opens_old_secrets_and_writes_new_ones() -> None:
    old = Vault(KEY).encrypt(b"secret", purpose="key", row="1")
    rotated = Vault(OTHER, older=(KEY,))
    new = rotated.encrypt(b"secret", purpose="key", row="1")
    assert rotated.decrypt(old, purpose="key", row="1") == b"secret"
    with pytest.raises(Inconsistent):
        Vault(KEY).decrypt(new, purpose="key", row="1")
    assert Vault(OTHER).decrypt(new, purpose="key", row="1") == b"secret"


@pytest.mark.parametrize("key", [b"", bytes(31), KEY + b"x", bytes(32)])
def test_a_key_of_another_length_or_of_zeros_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        Vault(key)
    assert caught.value.field == "key"


def test_the_key_is_never_shown() -> None:
    shown = repr(Vault(KEY)) + str(Vault(KEY))
    assert KEY.hex() not in shown
    assert repr(KEY) not in shown


# ------------------------------------------------------------------------ where the key comes from


def opens(vault: Vault, key: bytes) -> bool:
    """Whether the vault writes under this very key."""
    written = vault.encrypt(b"", purpose="", row="")
    try:
        return Vault(key).decrypt(written, purpose="", row="") == b""
    except Inconsistent:
        return False


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def key_file(folder: Path, content: str, mode: int = 0o600) -> Path:
    path = folder / "a.key"
    path.write_text(content)
    path.chmod(mode)
    return path


def test_a_new_home_gets_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    vault = load_vault(tmp_path, encrypted_rows_exist=False, environment={})
    path = tmp_path / "vault.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert opens(vault, base64.b64decode(path.read_text()))
    assert [entry.name for entry in tmp_path.iterdir()] == ["vault.key"]


def test_a_home_keeps_its_key(tmp_path: Path) -> None:
    first = load_vault(tmp_path, encrypted_rows_exist=False, environment={})
    before = (tmp_path / "vault.key").read_bytes()
    again = load_vault(tmp_path, encrypted_rows_exist=True, environment={})
    ciphertext = first.encrypt(b"secret", purpose="key", row="1")
    assert again.decrypt(ciphertext, purpose="key", row="1") == b"secret"
    assert (tmp_path / "vault.key").read_bytes() == before


def test_two_homes_never_share_a_key(tmp_path: Path) -> None:
    keys = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        load_vault(tmp_path / name, encrypted_rows_exist=False, environment={})
        keys.add((tmp_path / name / "vault.key").read_bytes())
    assert len(keys) == 2


def test_a_lost_key_is_not_replaced_while_rows_need_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"vault\.key does not exist") as caught:
        load_vault(tmp_path, encrypted_rows_exist=True, environment={})
    assert "backup" in str(caught.value.remedy)
    assert list(tmp_path.iterdir()) == []


def test_the_environment_comes_before_the_homes_own_key(tmp_path: Path) -> None:
    load_vault(tmp_path, encrypted_rows_exist=False, environment={})
    given_key = load_vault(
        tmp_path, encrypted_rows_exist=True, environment={"STERILEDGER_KEY": encoded(KEY)}
    )
    path = key_file(tmp_path, encoded(OTHER) + "\n")
    given_file = load_vault(
        tmp_path, encrypted_rows_exist=True, environment={"STERILEDGER_KEY_FILE": str(path)}
    )
    assert opens(given_key, KEY)
    assert opens(given_file, OTHER)


def test_two_keys_at_once_are_refused(tmp_path: Path) -> None:
    environment = {
        "STERILEDGER_KEY": encoded(KEY),
        "STERILEDGER_KEY_FILE": str(key_file(tmp_path, encoded(KEY))),
    }
    with pytest.raises(InvalidInput, match="is set beside STERILEDGER_KEY_FILE"):
        load_vault(tmp_path, encrypted_rows_exist=False, environment=environment)


@pytest.mark.parametrize(
    "text",
    ["", "not base64!", encoded(KEY[:31]), encoded(KEY + b"x"), encoded(bytes(32)), KEY.hex(), "é"],
)
def test_a_text_that_is_no_key_is_refused_wherever_it_stands(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_vault(tmp_path, encrypted_rows_exist=False, environment={"STERILEDGER_KEY": text})
    assert caught.value.field == "STERILEDGER_KEY"
    path = key_file(tmp_path, text)
    with pytest.raises(InvalidInput) as caught:
        load_vault(
            tmp_path, encrypted_rows_exist=False, environment={"STERILEDGER_KEY_FILE": str(path)}
        )
    assert caught.value.field == str(path)
    assert not (tmp_path / "vault.key").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_key_file_that_others_can_touch_is_refused_with_the_remedy(
    tmp_path: Path, mode: int
) -> None:
    path = key_file(tmp_path, encoded(KEY), mode)
    with pytest.raises(Refused) as caught:
        load_vault(
            tmp_path, encrypted_rows_exist=False, environment={"STERILEDGER_KEY_FILE": str(path)}
        )
    assert caught.value.remedy == f"chmod 600 {path}"
    assert path.stat().st_mode & 0o777 == mode


def test_a_named_key_file_that_is_missing_is_never_created(tmp_path: Path) -> None:
    path = tmp_path / "absent.key"
    with pytest.raises(NotFound):
        load_vault(
            tmp_path, encrypted_rows_exist=False, environment={"STERILEDGER_KEY_FILE": str(path)}
        )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        load_vault(
            tmp_path,
            encrypted_rows_exist=False,
            environment={"STERILEDGER_KEY_FILE": str(tmp_path)},
        )
