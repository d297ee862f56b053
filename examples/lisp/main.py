"""An interpreter for a small Lisp. Without arguments it runs the programs in programs/.

    main.py                run every program and show what it prints
    main.py FILE...        run these files
    main.py -e EXPRESSION  evaluate one expression
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from lisp import Interpreter, LispError, to_text


def run_file(path: Path) -> bool:
    print(f"== {path.name}")
    interpreter = Interpreter()
    try:
        interpreter.run(path.read_text(encoding="utf-8"), str(path.name))
    except LispError as error:
        print(f"error: {error}")
        for note in getattr(error, "__notes__", ()):
            print(f"  {note}")
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="A small Lisp.")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("-e", "--evaluate", metavar="EXPRESSION")
    options = parser.parse_args()
    if options.evaluate:
        print(to_text(Interpreter().run(options.evaluate, "<argument>")))
        return 0
    files = options.files or sorted((Path(__file__).parent / "programs").glob("*.lisp"))
    results = [run_file(path) for path in files]
    print(f"{sum(results)} of {len(results)} programs ran to their end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
