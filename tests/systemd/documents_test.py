"""Compares the options of windowd --help with its manual pages, its completion, its configuration file and its units.

Run: WINDOWD=build/release/windowd /usr/bin/python3 tests/systemd/documents_test.py
"""

import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# They are for the command line alone.
NO_SETTINGS = {"check-config", "config", "help", "version"}
FLAGS = {"check-config", "help", "insecure", "version"}
COMPLETE = """
source /usr/share/bash-completion/bash_completion
source completions/windowd
COMP_WORDS=(windowd "$@") COMP_CWORD=$# COMP_LINE="windowd $*"
COMP_POINT=${#COMP_LINE}
compopt() { :; }
_windowd
printf '%s\\n' "${COMPREPLY[@]}"
"""


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def help_text():
    run = subprocess.run([os.environ["WINDOWD"], "--help"], capture_output=True, text=True, check=True)
    return run.stdout


def options():
    return set(re.findall(r"^  (?:-\w,)?--([a-z-]+)", help_text(), re.MULTILINE))


def page_options(path):
    """Those that a manual page explains: lines such as .It Fl \\-max\\-line Ar size"""
    return {name.replace("\\-", "-") for name in re.findall(r"^\.It Fl \\-(\S+)", read(path), re.MULTILINE)}


def completions(*words):
    command = ["bash", "--norc", "-c", COMPLETE, "bash", *words]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {line for line in run.stdout.split("\n") if line}


def plain(path):
    """A manual page as it is read, on one line."""
    run = subprocess.run(["mandoc", "-Tutf8", ROOT / path], capture_output=True, text=True, check=True)
    return " ".join(re.sub(".\b", "", run.stdout).split())


class ManualPages(unittest.TestCase):
    def test_windowd_8_explains_every_option_and_no_other(self):
        self.assertEqual(page_options("docs/man/windowd.8"), options())

    def test_windowd_toml_5_explains_every_key_and_no_other(self):
        keys = set(re.findall(r"^\.It Cm ([a-z-]+)$", read("docs/man/windowd.toml.5"), re.MULTILINE))
        self.assertEqual(keys, options() - NO_SETTINGS)

    def test_the_defaults_in_windowd_toml_5_are_those_of_the_help(self):
        page = plain("docs/man/windowd.toml.5")
        numbers = re.findall(r"^  --([a-z-]+) [^(\n]*=([0-9]+) \(", help_text(), re.MULTILINE)
        self.assertGreater(len(numbers), 8)
        for key, default in numbers:
            with self.subTest(key):
                # From the key's own explanation to the first default after it.
                self.assertRegex(page, rf" {key} [A-Z](?:(?!Default:).)*Default: {default}\b")

    def test_windowd_protocol_7_tells_every_op_and_every_error(self):
        page = read("docs/man/windowd-protocol.7")
        told = set(re.findall(r"^\.It Li ([a-z_]+)$", page, re.MULTILINE))
        protocol = read("docs/protocol.md")
        ops = set(re.findall(r"^\| \[`([a-z]+)`\]\(#\1\)", protocol, re.MULTILINE))
        codes = set(re.findall(r"^\| \[`([a-z_]+)`\]\(#\1\)", protocol, re.MULTILINE))
        self.assertGreater(len(ops), 10)
        self.assertGreater(len(codes), len(ops) + 10)
        self.assertEqual((ops | codes) - told, set())

    def test_they_are_well_formed(self):
        pages = sorted((ROOT / "docs" / "man").glob("*.[1-8]"))
        self.assertGreaterEqual(len(pages), 3)
        run = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], capture_output=True, text=True)
        self.assertEqual((run.stdout, run.returncode), ("", 0))


class ConfigurationFile(unittest.TestCase):
    def test_it_has_every_key_set_or_commented_out_and_no_other(self):
        keys = re.findall(r"^(?:# ?)?([a-z-]+) = ", read("config/windowd.toml"), re.MULTILINE)
        self.assertEqual(sorted(keys), sorted(options() - NO_SETTINGS))


class Completion(unittest.TestCase):
    def test_it_offers_every_option_and_no_other(self):
        self.assertEqual(completions("--"), {f"--{option}" for option in options()})

    def test_it_offers_the_log_levels_of_the_help(self):
        levels = re.search(r"--log-level TEXT:\{([a-z,]+)\}", help_text())
        self.assertEqual(completions("--log-level", ""), set(levels[1].split(",")))

    def test_it_knows_which_options_have_values(self):
        for option in options():
            with self.subTest(option):
                offers_options = any(word.startswith("--") for word in completions(f"--{option}", ""))
                self.assertEqual(offers_options, option in FLAGS)

    def test_it_offers_files(self):
        for option in ["config", "token-file", "tls-certificate", "tls-key", "tls-client-ca"]:
            with self.subTest(option):
                self.assertIn("config/windowd.toml", completions(f"--{option}", "config/w"))


class Units(unittest.TestCase):
    def test_they_use_options_and_variables_that_exist(self):
        text = read("systemd/windowd.service.in") + read("systemd/windowd.service.d/own-sockets.conf")
        used = re.findall(r"ExecStart=.*? (--.*)", text)
        named = {name for line in used for name in re.findall(r"--([a-z-]+)", line)}
        variables = {name.lower().replace("_", "-") for name in re.findall(r"WINDOWD_([A-Z_]+)=", text)}
        self.assertEqual(named, {"config"})
        self.assertGreater(len(variables), 2)
        self.assertLessEqual(named | variables, options())
