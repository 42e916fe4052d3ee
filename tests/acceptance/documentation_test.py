"""Runs every example of the user's pages and of the schema against the built daemon, and compares them.

Run: WINDOWD=build/release/windowd /usr/bin/python3 tests/acceptance/documentation_test.py
"""

import collections
import contextlib
import functools
import json
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
EXAMPLES = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "docs" / "protocol.schema.json").read_text(encoding="utf-8"))
DEFINITIONS = SCHEMA["$defs"]
ERRORS_HEADER = (ROOT / "src" / "protocol" / "error.hpp").read_text(encoding="utf-8")

DEADLINE = 60  # seconds, for what takes milliseconds unless it is broken
PAGES_PORT = "6920"
PAGES_SOCKET = "/run/windowd/windowd.sock"

# What the file `tokens` is where a block's daemon has the option --token-file=tokens.
TOKENS = """\
# RIGHT TOKEN [NAME]
read  lantern-harbour-52  dashboard
write quiet-meadow-1871   sensors    # in the shed
"""

# Refused requests of the page that a schema cannot refuse: it knows no state and no options, and compares no
# members.
BEYOND_A_SCHEMA = {
    '{"op":"open","size":5,"min_count":6}',
    '{"op":"open","min_count":10000001}',
    "[1000000001, 1000000002, 1000000003, 1000000004, 1000000005, 1000000006]",
    '{"op":"send","value":5,"at":1700000000}',
    '{"op":"unsubscribe","window":"cpu*"}',
}
CODES_BEYOND_A_SCHEMA = {"closed", "no_such_window", "window_mismatch", "out_of_order", "limit_reached", "unauthorized"}
NEVER_PROVOKED = {"internal"}


# --- The daemon


class Daemon:
    """windowd with these options, on a port and a Unix socket of its own."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.tokens = os.path.join(self.folder.name, "tokens")
        with open(os.open(self.tokens, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(TOKENS)
        self.path = os.path.join(self.folder.name, "windowd.sock")
        listeners = ["--listen", "tcp://127.0.0.1:0", "--listen", f"unix://{self.path}"]
        options = [one.replace("=tokens", f"={self.tokens}") for one in self.options]
        command = [os.environ["WINDOWD"], *listeners, *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment())
        try:
            self.port = self._wait_for_port()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *failure):
        self._end()

    def _wait_for_port(self):
        log = ""
        while True:
            ready, _, _ = select.select([self.process.stderr], [], [], DEADLINE)
            piece = os.read(self.process.stderr.fileno(), 4096).decode() if ready else ""
            log += piece
            if not piece:
                raise AssertionError(f"the daemon does not listen; its log: {log}")
            port = re.search(r"listening on tcp://127\.0\.0\.1:(\d+)\n", log)
            if port and re.search(r"listening on unix://.*\n", log):
                return int(port.group(1))

    def _end(self):
        self.process.kill()
        self.process.wait(timeout=DEADLINE)
        self.process.stderr.close()
        self.folder.cleanup()

    def connect(self):
        return Connection(self.port)


class Connection:
    """A client that reads and writes lines of text."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\n")

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.lines.close()
        self.socket.close()

    def send(self, *requests):
        self.socket.sendall("".join(request + "\n" for request in requests).encode())

    def read(self):
        """A reply without its LF, or None where the server has closed."""
        line = self.lines.readline()
        return line.removesuffix("\n") if line else None

    def ask(self, request):
        self.send(request)
        return self.read()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)


def environment():
    """Without WINDOWD_…, which are options of the daemon."""
    return {name: text for name, text in os.environ.items() if not name.startswith("WINDOWD")}


# --- The pages

Block = collections.namedtuple("Block", "line section language options lines")
Exchange = collections.namedtuple("Exchange", "request reply")
Conversation = collections.namedtuple("Conversation", "exchanges events")


def blocks_of(page):
    """The fenced blocks, each with the heading that it stands under."""
    section, fence, lines = "", None, []
    for number, text in enumerate(page.splitlines(), start=1):
        if fence is None and text.startswith("```"):
            fence, lines = (number, text[3:]), []
        elif fence is not None and text == "```":
            language, *options = shlex.split(fence[1])
            yield Block(fence[0], section, language, tuple(options), tuple(lines))
            fence = None
        elif fence is not None:
            lines.append(text)
        elif text.startswith("#"):
            section = text.lstrip("#").strip()
    if fence is not None:
        raise AssertionError(f"the block of line {fence[0]} has no end")


BLOCKS = tuple(blocks_of(PAGE))
CONVERSATIONS = [block for block in BLOCKS if block.language == "windowd"]
FIRST_SCREEN = [block for block in blocks_of(README) if block.language == "console"]
RECIPES = list(blocks_of(EXAMPLES))
SHELL_EXAMPLES = [block for block in BLOCKS if block.language == "sh"] + FIRST_SCREEN + RECIPES
TOOLS = ("nc", "jq", "socat", "mawk", "vmstat", "python3")


def headings_of(page):
    """Without what looks like one in a block."""
    text = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.*)$", text, re.MULTILINE)


HEADINGS = headings_of(PAGE)


def anchors_of(page):
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings_of(page)}


def table_under(heading, which=0):
    """The rows of a table under a heading, as lists of cells without code marks and links."""
    text = re.split(rf"^#+ {re.escape(heading)}$", PAGE, flags=re.MULTILINE)[1]
    lines = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)[which].splitlines()[2:]
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", line).replace("`", "") for line in lines]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in plain]


def shown_as(text):
    """What a shown line stands for: … is any text in a string, any number elsewhere."""
    in_string, pattern = False, ""
    for part in re.split(r'(\\.|"|…)', text):
        if part == '"':
            in_string = not in_string
        if part == "…":
            pattern += r'(?:[^"\\]|\\.)*' if in_string else r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?"
        else:
            pattern += re.escape(part)
    return re.compile(pattern)


def is_event(line):
    return line.startswith('{"event":')


class Player:
    """Plays a conversation of one connection, or of two; fails where it is not as shown."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.clients, self.requests, self.replies, self.events = {}, {}, {}, []

    def client(self, number):
        if number not in self.clients:
            self.clients[number] = self.daemon.connect()
            self.requests[number], self.replies[number] = [], []
        return self.clients[number]

    def play(self, text):
        parts = re.fullmatch(r"(2?)([<>]) (.*)", text)
        if parts is None:
            raise AssertionError(f"neither sent nor received: {text}")
        number, direction, line = parts.groups()
        client = self.client(number)
        if direction == ">":
            client.send(line)
            self.requests[number].append(line)
            return
        received = client.read()
        if received is None or not shown_as(line).fullmatch(received):
            raise AssertionError(f"the page shows\n{line}\nbut what came is\n{received}")
        (self.events if is_event(received) else self.replies[number]).append(received)

    def end(self, closed):
        """Nothing more comes than what was shown, and the connections live unless they are `closed`."""
        for number, client in self.clients.items():
            if not closed:
                client.send('{"op":"ping","id":"lives on"}')
                if client.read() != '{"id":"lives on","pong":true}':
                    raise AssertionError("the page does not show that the server closes, or more that comes")
                client.half_close()
            surplus = client.read()
            if surplus is not None or len(self.requests[number]) != len(self.replies[number]):
                raise AssertionError(f"{self.requests[number]} and {self.replies[number]}, then came {surplus}")

    def close(self):
        for client in self.clients.values():
            client.__exit__()


@functools.cache
def play(block):
    """Runs a conversation; gives what was said, or fails if it is not as shown."""
    with Daemon(*block.options) as daemon:
        player = Player(daemon)
        try:
            for text in block.lines:
                if text != "(closed)":
                    player.play(text)
            player.end(closed=block.lines[-1] == "(closed)")
        finally:
            player.close()
    said = zip(player.requests.values(), player.replies.values())
    return Conversation([Exchange(*both) for one in said for both in zip(*one)], player.events)


def all_exchanges():
    return [exchange for block in CONVERSATIONS for exchange in play(block).exchanges]


def commands_of(block):
    """Each command of a shell example with the output that is shown for it."""
    commands = []
    for text in block.lines:
        if text.startswith("$ "):
            commands.append([text[2:], ""])
        elif (text == ">" or text.startswith("> ")) and not commands[-1][1]:
            commands[-1][0] += "\n" + text[2:]
        else:
            commands[-1][1] += text + "\n"
    return commands


@functools.cache
def run_shell(block):
    """What the commands write, one by one, in a folder of their own, from where docs/ and clients/ are seen."""
    mark = "\036"
    # With jobs as in a terminal, but without what the shell says when one has ended.
    jobs = {"kill %1": "kill %1; wait %1 2>/dev/null"}
    commands = [jobs.get(command, command) for command, _ in commands_of(block)]
    script = "set -m\n" + "".join(f"{command}\nprintf '{mark}'\n" for command in commands)
    with Daemon(*block.options) as daemon, tempfile.TemporaryDirectory() as folder:
        for seen in ("docs", "clients"):
            os.symlink(ROOT / seen, os.path.join(folder, seen))
        os.symlink(daemon.tokens, os.path.join(folder, "tokens"))
        script = script.replace(PAGES_PORT, str(daemon.port)).replace(PAGES_SOCKET, daemon.path)
        process = subprocess.Popen(
            ["bash", "--norc", "-c", script],
            cwd=folder,
            env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        try:
            written, _ = process.communicate(timeout=DEADLINE)
        finally:
            end_session(process)
    done = re.compile(r"^\[\d+\][+-]? +Done .*\n", re.MULTILINE)
    return [done.sub("", output) for output in written.split(mark)]


def end_session(leader):
    """Ends what a shell has left in the background."""
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(int(process)) == leader.pid:
                os.kill(int(process), signal.SIGKILL)
    leader.wait(timeout=DEADLINE)
    leader.stdout.close()


# --- The schema


def checker(definition):
    """A validator of one definition of the schema."""
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": DEFINITIONS})


def strict_json(text):
    """Reads JSON as RFC 8259 has it; ValueError for duplicate members too."""

    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")

    def unique(members):
        if len(dict(members)) != len(members):
            raise ValueError("duplicate members")
        return dict(members)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


def is_valid(definition, text):
    try:
        return checker(definition).is_valid(strict_json(text))
    except ValueError:
        return False


def is_refused(reply):
    value = json.loads(reply)
    return isinstance(value, dict) and "error" in value


def kind_of(request):
    """The name that the definitions of a request and of its reply begin with."""
    value = json.loads(request)
    if isinstance(value, dict):
        return value["op"]
    return "null" if value is None else "array" if isinstance(value, list) else "number"


def operations_of_schema():
    members = [definition.get("properties", {}) for definition in DEFINITIONS.values()]
    return sorted(one["op"]["const"] for one in members if "op" in one)


def objects_of(schema, path="#"):
    """Every schema of objects, with where it stands."""
    if isinstance(schema, dict):
        if "properties" in schema and isinstance(schema["properties"], dict):
            yield path, schema
        for name, part in schema.items():
            if name not in ("examples", "default", "const", "enum"):
                yield from objects_of(part, f"{path}/{name}")
    elif isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from objects_of(part, f"{path}/{index}")


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def after_the_beginning(request):
    """The reply to a request as the schema's examples have it."""
    with Daemon() as daemon, daemon.connect() as client:
        client.ask("[5,7,9]")
        client.ask('{"op":"send","window":"lab/boiler","values":[70,71,72]}')
        client.ask('{"op":"subscribe","window":"lab/pump*"}')
        return client.ask(request)


class PageTest(unittest.TestCase):
    def test_every_conversation_is_as_the_page_shows_it(self):
        for block in CONVERSATIONS:
            with self.subTest(line=block.line):
                self.assertGreater(len(play(block).exchanges), 0)

    def test_every_shell_example_writes_what_the_page_shows(self):
        for block in SHELL_EXAMPLES:
            with self.subTest(line=block.line):
                commands = commands_of(block)
                for tool in TOOLS:
                    if any(re.search(rf"\b{tool}\b", command) for command, _ in commands):
                        self.assertIsNotNone(shutil.which(tool), f"{tool} is not installed")
                *outputs, rest = run_shell(block)
                self.assertEqual(rest, "")
                self.assertEqual(len(outputs), len(commands))
                for (command, shown), output in zip(commands, outputs):
                    self.assertRegex(output, re.compile(rf"\A{shown_as(shown).pattern}\Z"), command)

    def test_every_block_of_the_page_is_run(self):
        self.assertEqual({block.language for block in BLOCKS}, {"windowd", "sh"})
        self.assertEqual({block.language for block in RECIPES}, {"sh"})
        self.assertGreater(len(CONVERSATIONS), 40)
        self.assertGreater(len(SHELL_EXAMPLES), 25)
        self.assertGreater(len(FIRST_SCREEN), 5)
        self.assertGreater(len(RECIPES), 5)

    def test_every_op_has_a_row_and_a_section_with_an_example(self):
        with Daemon() as daemon, daemon.connect() as client:
            listed = json.loads(client.ask('{"op":"help"}'))["help"]
        operations = [one["example"]["op"] for one in listed]
        self.assertEqual([row[0] for row in table_under("Requests")], operations)
        self.assertEqual(operations_of_schema(), sorted(operations))
        for op in operations:
            examples = [line for block in BLOCKS if block.section == op for line in block.lines]
            self.assertTrue(any(f'"op":"{op}"' in line for line in examples), op)

    def test_the_members_in_the_tables_are_those_of_the_schema(self):
        for op, members, *_ in table_under("Requests"):
            in_schema = set(DEFINITIONS[f"{op}_request"]["properties"])
            in_table = set(re.findall(r"\w+", members)) - {"or"}
            self.assertEqual(in_table | {"op", "id", "window"}, in_schema, op)
        for op, others in (("open", {"op", "id"}), ("windows", {"op", "id", "window"})):
            in_table = {row[0] for row in table_under(op)}
            self.assertEqual(in_table, set(DEFINITIONS[f"{op}_request"]["properties"]) - others)
        thrown = [row[0].strip('"') for row in table_under("throw")]
        self.assertEqual(thrown, DEFINITIONS["throw_request"]["properties"]["exception"]["enum"])

    def test_every_error_code_has_a_row_and_a_section_that_provokes_it(self):
        enumeration = re.search(r"enum class error_code[^{]*\{(.*?)\};", ERRORS_HEADER, re.DOTALL).group(1)
        codes = re.findall(r"^\s*(\w+),", enumeration, re.MULTILINE)
        self.assertEqual(DEFINITIONS["error_code"]["enum"], codes)
        self.assertEqual([row[0] for row in table_under("Errors")], codes)
        for code in codes:
            self.assertIn(code, HEADINGS)
            under = [block for block in BLOCKS if block.section == code]
            played = [play(block) for block in under if block.language == "windowd"]
            replies = [exchange.reply for conversation in played for exchange in conversation.exchanges]
            outputs = [output for block in under if block.language == "sh" for output in run_shell(block)]
            provoked = any(f'"error":{{"code":"{code}"' in reply for reply in replies + outputs)
            self.assertEqual(provoked, code not in NEVER_PROVOKED, code)

    def test_the_line_of_too_many_connections_is_a_refusal(self):
        with Daemon("--max-connections=1") as daemon, daemon.connect() as first:
            first.ask("5")
            with daemon.connect() as second:
                reply = second.read()
                self.assertTrue(is_valid("refusal", reply), reply)
                self.assertIsNone(second.read())

    def test_the_limits_and_their_defaults_are_those_of_the_daemon(self):
        described = subprocess.run(
            [os.environ["WINDOWD"], "--help"], env=environment(), capture_output=True, text=True, check=True
        ).stdout
        with Daemon() as daemon, daemon.connect() as client:
            limits = json.loads(client.ask('{"op":"info"}'))["limits"]
        told = {}
        for option, default, member, _ in table_under("Limits"):
            self.assertRegex(described, rf"{option} .*=({default}) ", option)
            if member:
                self.assertEqual(member, option.strip("-").replace("-", "_"))
                told[member] = int(default)
        for _, most, member in table_under("Limits", which=1):
            if member:
                told[member] = int(most)
        self.assertEqual(told, limits)

    def test_the_fixed_limits_are_those_of_the_schema(self):
        requests = {op: DEFINITIONS[f"{op}_request"]["properties"] for op in ("open", "windows", "auth")}
        in_schema = {
            "the size of any window": DEFINITIONS["size"]["maximum"],
            "the span of a window": DEFINITIONS["span"]["maximum"],
            "statistics of a window": DEFINITIONS["stats"]["maxItems"],
            "windows in a reply": requests["windows"]["limit"]["maximum"],
            "bytes of a token": requests["auth"]["token"]["maxLength"],
        }
        fixed = {what: int(most) for what, most, _ in table_under("Limits", which=1)}
        for what, most in in_schema.items():
            self.assertEqual([told for name, told in fixed.items() if name.startswith(what)], [most], what)
        for name in ("window_name", "pattern"):
            self.assertIn(f"{{1,{fixed['characters of a name or pattern']}}}", DEFINITIONS[name]["pattern"])

    def test_every_statistic_has_a_row_that_says_how_many_values_it_needs(self):
        with Daemon() as daemon, daemon.connect() as client:
            message = json.loads(client.ask('{"op":"open","stats":["unheard-of"]}'))["error"]["message"]
            listed = re.search(r"there are (.*), where", message).group(1).split(", ")
            table = [(names.split(", "), int(needs)) for names, _, needs, _ in table_under("Statistics")]
            rows = [(name, needs) for names, needs in table for name in names]
            self.assertEqual([name for name, _ in rows], listed)
            for name, needs in rows:
                stats = compact({"op": "open", "size": 5, "stats": [name.replace("NN", "99.9")]})
                self.assertFalse(is_refused(client.ask(stats)), name)
                yields = json.loads(client.ask("[4,9,8,20,7]"))
                self.assertEqual([one is None for one in yields], [n < needs for n in range(1, 6)], name)

    def test_every_event_has_a_row_and_is_shown(self):
        names = [name.removesuffix("_event") for name in DEFINITIONS if name.endswith("_event")]
        events = {name: DEFINITIONS[f"{name}_event"] for name in names}
        self.assertEqual([row[0] for row in table_under("Following a window")], list(events))
        for name, members, _ in table_under("Following a window"):
            self.assertEqual(["event", *members.split(", ")], list(events[name]["properties"]))
            self.assertTrue(any(f'{{"event":"{name}"' in line for block in BLOCKS for line in block.lines), name)

    def test_links_lead_somewhere(self):
        pages = {"docs/protocol.md": PAGE, "docs/examples.md": EXAMPLES, "README.md": README}
        for name in ("docs/security.md", "docs/operations.md"):
            pages[name] = (ROOT / name).read_text(encoding="utf-8")
        link = re.compile(r"\]\(([^)]+)\)")
        targets = [(name, target) for name, page in pages.items() for target in link.findall(page)]
        self.assertGreater(len(targets), 60)
        for name, target in targets:
            path, _, anchor = target.partition("#")
            file = (ROOT / name).parent / path if path else ROOT / name
            self.assertTrue(file.exists(), target)
            if anchor:
                self.assertIn(anchor, anchors_of(file.read_text(encoding="utf-8")), f"{name}: {target}")

    def test_a_client_that_never_reads_is_closed_at_the_write_timeout(self):
        with Daemon("--write-timeout=200ms") as daemon, daemon.connect() as client:
            with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                while True:
                    client.socket.sendall(b"5\n" * 100_000)

    def test_at_a_sigterm_what_was_received_is_answered_and_the_daemon_ends(self):
        with Daemon() as daemon, daemon.connect() as client:
            self.assertEqual(client.ask("5"), "5")
            client.send("7")
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(client.read(), "6")
            self.assertIsNone(client.read())
            self.assertEqual(daemon.process.wait(timeout=DEADLINE), 0)


class PageAndSchemaTest(unittest.TestCase):
    def test_every_accepted_request_of_the_page_is_one_of_the_schema(self):
        accepted = [one for one in all_exchanges() if not is_refused(one.reply)]
        self.assertGreater(len(accepted), 40)
        for request, _ in accepted:
            with self.subTest(request=request):
                self.assertTrue(is_valid("request", request))
                self.assertTrue(is_valid(f"{kind_of(request)}_request", request))

    def test_every_reply_of_the_page_is_the_one_that_belongs_to_its_request(self):
        for request, reply in all_exchanges():
            with self.subTest(reply=reply):
                definition = "refusal" if is_refused(reply) else f"{kind_of(request)}_reply"
                self.assertTrue(is_valid(definition, reply), definition)
                self.assertTrue(is_valid("reply", reply))

    def test_every_event_of_the_page_is_one_of_the_schema_and_no_reply(self):
        events = [event for block in CONVERSATIONS for event in play(block).events]
        self.assertGreater(len(events), 5)
        for event in events:
            with self.subTest(event=event):
                self.assertTrue(is_valid(f"{json.loads(event)['event']}_event", event))
                self.assertTrue(is_valid("event", event))
                self.assertFalse(is_valid("reply", event))

    def test_every_refused_request_of_the_page_is_none_of_the_schema(self):
        refused = [one for one in all_exchanges() if is_refused(one.reply)]
        self.assertGreater(len(refused), 40)
        beyond = set()
        for request, reply in refused:
            if request in BEYOND_A_SCHEMA or json.loads(reply)["error"]["code"] in CODES_BEYOND_A_SCHEMA:
                beyond.add(request)
                self.assertTrue(is_valid("request", request), f"a schema can refuse {request}")
            else:
                self.assertFalse(is_valid("request", request), request)
        self.assertLessEqual(BEYOND_A_SCHEMA, beyond, "the page has them no more")


class SchemaTest(unittest.TestCase):
    def test_the_schema_is_one(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        self.assertEqual(SCHEMA["$schema"], "https://json-schema.org/draft/2020-12/schema")

    def test_every_definition_has_a_description_and_examples_of_itself(self):
        for name, definition in DEFINITIONS.items():
            with self.subTest(definition=name):
                self.assertTrue(definition["description"])
                self.assertTrue(definition["examples"])
                for example in definition["examples"]:
                    self.assertTrue(is_valid(name, compact(example)), example)

    def test_a_line_is_a_request_a_reply_or_an_event_of_one_of_the_definitions(self):
        for which in ("request", "reply", "event"):
            parts = [part for key in ("oneOf", "anyOf") for part in DEFINITIONS[which].get(key, [])]
            listed = {part["$ref"].rsplit("/", 1)[1] for part in parts}
            defined = {name for name in DEFINITIONS if name.endswith(f"_{which}")}
            self.assertEqual(listed - {"refusal"}, defined)
        self.assertIn({"$ref": "#/$defs/refusal"}, DEFINITIONS["reply"]["anyOf"])

    def test_every_request_of_the_examples_has_the_reply_of_the_examples(self):
        names = [name.removesuffix("_request") for name in DEFINITIONS if name.endswith("_request")]
        self.assertGreater(len(names), 10)
        for name in names:
            requests = DEFINITIONS[f"{name}_request"]["examples"]
            replies = DEFINITIONS[f"{name}_reply"]["examples"]
            self.assertEqual(len(requests), len(replies), name)
            for request, example in zip(requests, replies):
                with self.subTest(request=request):
                    self.assert_answer_is(after_the_beginning(compact(request)), example, f"{name}_reply")

    def assert_answer_is(self, reply, example, definition):
        self.assertTrue(is_valid(definition, reply), reply)
        found = json.loads(reply)
        if definition == "info_reply":  # these differ from run to run
            found.update({member: example[member] for member in ("version", "uptime", "counters")})
        self.assertEqual(compact(found), compact(example))

    def test_objects_are_closed(self):
        found = dict(objects_of(SCHEMA))
        self.assertGreater(len(found), 20)
        for path, one in found.items():
            self.assertIs(one.get("additionalProperties"), False, path)
            self.assertLessEqual(set(one["required"]), set(one["properties"]), path)

    def test_an_object_with_a_member_more_or_a_required_one_less_is_refused(self):
        for name, definition in DEFINITIONS.items():
            for example in definition["examples"] if "properties" in definition else ():
                self.assertFalse(is_valid(name, compact({**example, "surplus": 1})), (name, example))
                for member in definition["required"]:
                    rest = {key: value for key, value in example.items() if key != member}
                    self.assertFalse(is_valid(name, compact(rest)), (name, rest))

    def test_each_op_takes_the_members_that_the_schema_says_and_no_others(self):
        operations = operations_of_schema()
        takes = {op: set(DEFINITIONS[f"{op}_request"]["properties"]) for op in operations}
        members = set().union(*takes.values(), {"surplus"}) - {"op"}
        self.assertEqual(set.intersection(*takes.values()), {"op", "id", "window"})
        with Daemon() as daemon, daemon.connect() as client:
            for op in operations:
                for member in sorted(members):
                    reply = json.loads(client.ask(compact({"op": op, member: "text"})))
                    known = reply.get("error", {}).get("code") != "unknown_member"
                    self.assertEqual(known, member in takes[op], (op, member))

    def test_each_op_needs_the_members_that_the_schema_says(self):
        with Daemon() as daemon, daemon.connect() as client:
            for op in operations_of_schema():
                request = compact({"op": op})
                reply = client.ask(request)
                self.assertEqual(is_valid(f"{op}_request", request), not is_refused(reply), request)
                if op == "close":
                    client.ask('{"op":"open"}')

    def test_the_ranges_of_the_schema_are_those_of_the_widest_daemon(self):
        numbers = ("1", "2147483647", "2.0", "0", "-1", "1.5", "2147483648", "1e400")
        others = ('"5"', "null", "true", "[5]")
        with Daemon("--max-window-size=2147483647") as daemon, daemon.connect() as client:
            for value in (*numbers, *others):
                for request in (
                    f'{{"op":"open","size":{value}}}',
                    f'{{"op":"open","size":2147483647,"min_count":{value}}}',
                    f'{{"op":"open","span":{value}}}',
                    f'{{"op":"open","data":{value}}}',
                    f'{{"op":"open","stats":{value}}}',
                    f'{{"op":"open","data":[{value}]}}',
                    f'{{"op":"send","value":{value}}}',
                    f'{{"op":"send","values":{value}}}',
                    f'{{"op":"send","values":[{value}]}}',
                    f'{{"op":"throw","exception":{value}}}',
                    f'{{"op":"subscribe","window":{value}}}',
                    f'{{"op":"windows","match":{value}}}',
                    f'{{"op":"windows","limit":{value}}}',
                    f'{{"op":"windows","after":{value}}}',
                    f'{{"op":{value}}}',
                    value,
                    f"[{value}]",
                ):
                    with self.subTest(request=request):
                        self.assertEqual(is_valid("request", request), not is_refused(client.ask(request)))

    def test_times_are_numbers(self):
        with Daemon() as daemon, daemon.connect() as client:
            for value in ("1", "0", "-1.5", "1e300", "1e400", '"5"', "null", "true", "[5]"):
                client.ask('{"op":"open","span":1}')
                request = f'{{"op":"send","value":5,"at":{value}}}'
                self.assertEqual(is_valid("request", request), not is_refused(client.ask(request)), request)

    def test_names_and_patterns_are_those_of_the_schema(self):
        texts = ("a", "A.z_0:/-9", "a" * 128, "a" * 129, "", "*", "a*b**", "a b", "a?", "ä", "a\tb", "*" * 129)
        with Daemon() as daemon, daemon.connect() as client:
            for text in texts:
                for request in (
                    {"op": "send", "window": text, "value": 5},
                    {"op": "subscribe", "window": text},
                    {"op": "unsubscribe", "window": text},
                    {"op": "windows", "match": text},
                    {"op": "windows", "after": text},
                    {"op": "ping", "window": text},
                    {"op": "auth", "token": "x", "window": text},
                ):
                    with self.subTest(request=request):
                        reply = ask_past_events(client, compact(request))
                        self.assertEqual(is_valid("request", compact(request)), not is_refused(reply), reply)

    def test_statistics_are_those_of_the_schema(self):
        names = ("mean", "Mean", "std", "variance", "", "p", "pNN", "p 5")
        whole = ("p0", "p5", "p05", "p95", "p100", "p101", "p-5", "p1e1")
        decimals = ("p99.9", "p99.", "p.5", "p99.1234567", "p99.12345678", "p100.0", "p100.1")
        lists = [[name] for name in names + whole + decimals]
        lists += [["mean", "max"], ["mean", "mean"], [], ["mean", 5], [f"p{i}" for i in range(32)]]
        lists += [[f"p{i}" for i in range(33)], "mean", None]
        with Daemon() as daemon, daemon.connect() as client:
            for stats in lists:
                with self.subTest(stats=stats):
                    request = compact({"op": "open", "stats": stats})
                    self.assertEqual(is_valid("request", request), not is_refused(client.ask(request)))


def ask_past_events(client, request):
    reply = client.ask(request)
    while is_event(reply):
        reply = client.read()
    return reply


if __name__ == "__main__":
    unittest.main()
