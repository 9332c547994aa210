"""Where the program begins and ends: streams, signals, the wall round everything, exit codes.

Every failure that is not a rule's verdict exits 3. The process ends with `os._exit`, because a thread that a plugin or
a name server blocks must not keep a check from ending.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from checkmill.cli.arguments import COMPLETE, EXEC, QUIET, Shown, UsageError, command_of, is_every, is_of_plugin, parsed
from checkmill.cli.stopping import Stop, heed
from checkmill.cli.streams import Streams, taken
from checkmill.edges import Edges

FAILED = 3
#: The modules of commands that are not called like their module.
_MODULES = dict.fromkeys(("list", "metrics", "plugins", "schema"), "catalogue")

log = logging.getLogger("checkmill")


def main() -> NoReturn:
    """Run the command of this process and end it."""
    argv = sys.argv[1:]
    if command_of(argv) != EXEC:
        # The job that `exec` runs has the mask of its caller.
        os.umask(0o007)
    stop = Stop()
    streams = taken(quiet=command_of(argv) in QUIET)
    if is_every(argv):
        heed(stop, lambda: _end(0), hang_up_ends=streams.err_is_terminal or streams.in_is_terminal)
    else:
        _take_signals(command_of(argv), streams, stop)
    if command_of(argv) in {*QUIET, "run"} or is_of_plugin(argv):
        # What plugins may leave behind, and what may hang the interpreter, is guarded against in this process alone.
        from checkmill.steps.fetching.last_resort import LAST_RESORT

        LAST_RESORT.enable()
    code = run_command(argv, streams, Edges(), stop)
    logging.shutdown()
    _end(code)


def run_command(argv: Sequence[str], streams: Streams, edges: Edges, stop: Stop | None = None) -> int:
    """Run one command with given streams and edges, and give its exit code."""
    command = command_of(argv)
    if command == COMPLETE:
        from checkmill.cli.completing import complete

        return complete(argv[1:], streams, edges)
    try:
        code = _run(argv, streams, edges, stop or Stop())
    except UsageError as error:
        code = _failed(streams, command, f"usage: {error}")
    except Shown as shown:
        streams.results(str(shown))
        # Nagios takes 0 for OK, which help is not.
        code = FAILED if command == "check" else 0
    except KeyboardInterrupt:
        code = FAILED
    except BaseException as error:  # the wall at the entry: whatever happens, the caller gets one sentence and a 3
        log.exception("checkmill failed")
        code = _failed(streams, command, f"Checkmill failed with {type(error).__name__}: {_one_line(error)}")
    if not streams.broken:
        return code
    streams.remark("checkmill: the results could not be written to stdout")
    return FAILED


def _run(argv: Sequence[str], streams: Streams, edges: Edges, stop: Stop) -> int:
    arguments = parsed(argv)
    if arguments.command == EXEC:
        # The job is started before anything else is imported: whatever is wrong with that, it runs.
        from checkmill.cli.exec import execute

        return execute(arguments, streams, edges)
    # Commands are imported when one is run: each needs other parts.
    from checkmill.cli.logs import log_to_file, log_to_stderr
    from checkmill.cli.session import session

    with session(arguments, streams, edges) as one:
        if arguments.command in QUIET:
            log_to_file(arguments.log_level, one.state_dir)
        else:
            log_to_stderr(arguments.log_level, sandbox=arguments.sandbox)
        if arguments.command == "sandbox":
            from checkmill.cli.serving import sandbox

            return sandbox(one, stop)
        if arguments.command == "run" and arguments.every is not None:
            from checkmill.cli.every import every

            return every(one, stop)
        return _command(arguments.command)(one)


def _command(name: str) -> Callable[[Any], int]:
    command: Callable[[Any], int] = getattr(import_module(f"checkmill.cli.{_MODULES.get(name, name)}"), _named(name))
    return command


def _named(command: str) -> str:
    return "list_checks" if command == "list" else command


def _failed(streams: Streams, command: str, sentence: str) -> int:
    """Say what failed in the form that the command's caller reads."""
    from checkmill.cli.check import stated
    from checkmill.model.secret import redact
    from checkmill.steps.rendering import checkmk_local, nagios

    if command not in QUIET:
        streams.remark(f"checkmill: {redact(sentence)}")
        return FAILED
    result = stated("checkmill", redact(sentence))
    if command == "local":
        streams.results(checkmk_local([result]))
        return 0
    streams.results(nagios([result]))
    return FAILED


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or "no further words"


def _take_signals(command: str, streams: Streams, stop: Stop) -> None:
    """End at once when told to: a server in good order, any other command with a sentence and a 3.

    What is said is written here as it stands. A handler runs amid anything, an import or a write to stderr included.
    """

    def end(number: int, _frame: object) -> None:
        if command == "sandbox":
            stop.set()
            return
        sentence = f"Checkmill was ended by {signal.Signals(number).name}"
        code = FAILED
        if streams.last_words:
            _write_to_stderr(f"{chr(10) if streams.asking else ''}checkmill: {sentence}; {streams.last_words}\n")
            _end(code)
        if streams.begun:
            _end(code)
        if command == "check":
            streams.results(f"UNKNOWN - {sentence} before there was a result\n")
        elif command == "local":
            streams.results(f'3 "checkmill" - {sentence} before there was a result\n')
            code = FAILED if streams.broken else 0
        else:
            _write_to_stderr(f"checkmill: {sentence}\n")
        _end(code)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # What the caller of a job wants ignored, as `nohup` does, its job is to ignore too.
        if command != EXEC or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def _end(code: int) -> NoReturn:
    """End the process and what plugins started in it."""
    guard = sys.modules.get("checkmill.steps.fetching.last_resort")
    if guard is not None:
        guard.LAST_RESORT.end_children()
    os._exit(code)


def _write_to_stderr(text: str) -> None:
    try:
        os.write(2, text.encode())
    except OSError:
        return
