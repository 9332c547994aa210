"""Where the program begins and ends: streams, signals, the wall round everything, exit codes.

Every failure that is not a rule's verdict exits 3. The process ends with `os._exit`, because a thread that a plugin or
a name server blocks must not keep a check from ending.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn

from checkmill.cli.arguments import QUIET, Shown, UsageError, is_quiet, parsed
from checkmill.cli.streams import Streams, taken
from checkmill.edges import Edges

FAILED = 3

log = logging.getLogger("checkmill")


def main() -> NoReturn:
    """Run the command of this process and end it."""
    stop = threading.Event()
    _take_signals(stop)
    os.umask(0o007)
    argv = sys.argv[1:]
    streams = taken(quiet=is_quiet(argv))
    code = run_command(argv, streams, Edges(), stop)
    logging.shutdown()
    os._exit(code)


def run_command(argv: Sequence[str], streams: Streams, edges: Edges, stop: threading.Event | None = None) -> int:
    """Run one command with given streams and edges, and give its exit code."""
    quiet = is_quiet(argv)
    try:
        code = _run(argv, streams, edges, stop or threading.Event())
    except UsageError as error:
        code = _failed(streams, argv, f"usage: {error}")
    except Shown as shown:
        streams.results(str(shown))
        code = FAILED if quiet else 0
    except KeyboardInterrupt:
        code = FAILED
    except BaseException as error:  # the wall at the entry: whatever happens, the caller gets one sentence and a 3
        log.exception("checkmill failed")
        code = _failed(streams, argv, f"Checkmill failed with {type(error).__name__}: {_one_line(error)}")
    return FAILED if streams.broken else code


def _run(argv: Sequence[str], streams: Streams, edges: Edges, stop: threading.Event) -> int:
    arguments = parsed(argv)
    # Commands are imported when one is run: each needs other parts.
    from checkmill.cli.logs import log_to_file, log_to_stderr
    from checkmill.cli.session import session

    one = session(arguments, streams, edges)
    if arguments.command in QUIET:
        log_to_file(arguments.log_level, one.state_dir)
    else:
        log_to_stderr(arguments.log_level, sandbox=arguments.sandbox)
    if arguments.command == "sandbox":
        from checkmill.cli.serving import sandbox

        return sandbox(one, stop)
    return _command(arguments.command)(one)


def _command(name: str) -> Callable[..., int]:
    from checkmill.cli import catalogue
    from checkmill.cli.check import check
    from checkmill.cli.local import local
    from checkmill.cli.outbox import outbox
    from checkmill.cli.run import run
    from checkmill.cli.validate import validate

    commands: dict[str, Callable[..., int]] = {
        "check": check,
        "local": local,
        "run": run,
        "outbox": outbox,
        "validate": validate,
        "list": catalogue.list_checks,
        "metrics": catalogue.metrics,
        "plugins": catalogue.plugins,
        "schema": catalogue.schema,
    }
    return commands[name]


def _failed(streams: Streams, argv: Sequence[str], sentence: str) -> int:
    """Say what failed in the form that the command's caller reads."""
    from checkmill.cli.check import stated
    from checkmill.model.secret import redact
    from checkmill.steps.rendering import checkmk_local, nagios

    result = stated("checkmill", redact(sentence))
    if not is_quiet(argv):
        streams.remark(f"checkmill: {redact(sentence)}")
        return FAILED
    if "local" in argv and "check" not in argv:
        streams.results(checkmk_local([result]))
        return 0
    streams.results(nagios([result]))
    return FAILED


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or "no further words"


def _take_signals(stop: threading.Event) -> None:
    serving = "sandbox" in sys.argv[1:2]

    def end(_number: int, _frame: object) -> None:
        if serving:
            stop.set()
            return
        os._exit(FAILED)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
