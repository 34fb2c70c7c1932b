"""The README says what the programs do: every command in it exists, and none of theirs is missing."""

import argparse
import re
from pathlib import Path

import pytest

from sealring.command.app import sealring
from sealring_client.command.main import parser as device_parser
from sealring_server.command.main import parser as store_parser

TEXT = (Path(__file__).resolve().parents[3] / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
README = "".join(body for language, body in BLOCKS if not language)


def _subcommands(parser: argparse.ArgumentParser) -> set[str]:
    (found,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return set(found.choices)


@pytest.mark.parametrize(
    ("program", "commands"),
    [
        pytest.param("sealring", set(sealring.commands), id="team"),
        pytest.param("sealring-store", _subcommands(store_parser()), id="store"),
        pytest.param("sealring-device", _subcommands(device_parser()), id="device"),
    ],
)
def test_the_readme_shows_the_commands_that_there_are(program: str, commands: set[str]) -> None:
    """A command that was renamed or taken away must not live on in the README."""
    shown = set(re.findall(rf"^{program} ([a-z]+)", README, re.MULTILINE))
    assert shown == commands


def test_every_option_in_the_readme_exists() -> None:
    helps = device_parser().format_help() + store_parser().format_help()
    for program in (*_programs(device_parser()), *_programs(store_parser())):
        helps += program.format_help()
    for command in sealring.commands.values():
        for one in (command, *getattr(command, "commands", {}).values()):
            helps += " ".join(option for parameter in one.params for option in parameter.opts)
    shown = set(re.findall(r"^sealring.*?(--[a-z-]+)", README, re.MULTILINE))
    assert shown
    assert [option for option in shown if option not in helps] == []


def _programs(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    (found,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return list(found.choices.values())
