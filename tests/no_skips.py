"""With --no-skips a skipped test fails the run: the suite has what it needs, or says so."""

from __future__ import annotations

import pytest
from _pytest.terminal import TerminalReporter


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --no-skips."""
    parser.addoption("--no-skips", action="store_true", help="fail when any test was skipped")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a green run with skips into a failed one."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not session.config.getoption("--no-skips") or not isinstance(reporter, TerminalReporter):
        return
    if reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Say why the run failed."""
    count = len(terminalreporter.stats.get("skipped", []))
    if config.getoption("--no-skips") and count:
        terminalreporter.write_line(f"--no-skips: {count} skipped, so the run fails", red=True)
