"""Runs the unit tests of one Python file; a run in which no test was executed fails."""

import pathlib
import sys
import unittest


def main(path: str) -> int:
    file = pathlib.Path(path)
    sys.path.insert(0, str(file.parent))
    suite = unittest.defaultTestLoader.loadTestsFromName(file.stem)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    executed = result.testsRun - len(result.skipped)
    if executed <= 0:
        print(f"{file.name}: no test was executed", file=sys.stderr)
    return 0 if result.wasSuccessful() and executed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
