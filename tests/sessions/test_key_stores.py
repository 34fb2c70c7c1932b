"""docs/key-stores.md can be followed as it is written, with a real SoftHSM2 token (SPEC KY-5, KY-6)."""

from pathlib import Path

import pytest

from sealring.keystores.kinds import KINDS
from tests.rigs.components import path_of
from tests.sessions.runner import console_blocks, parse_session, run_session

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "key-stores.md").read_text(encoding="utf-8")


@pytest.mark.timeout(600)
def test_the_page_can_be_followed(tmp_path: Path) -> None:
    path_of("softhsm2-util")
    path_of("pkcs11-tool")
    steps = parse_session(console_blocks(PAGE))
    assert len(steps) > 10
    run_session(steps, tmp_path)


@pytest.mark.parametrize("scheme", KINDS)
def test_the_page_names_every_kind_with_its_extra(scheme: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("|") and f"| `{scheme}:" in line]
    assert f"| `{KINDS[scheme].extra}` |" in row
