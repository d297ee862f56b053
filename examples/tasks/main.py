"""A command-line program with argparse: a task list in a JSON file.

Run without arguments it plays a session, each command as a user would type it, and prints what happens; with
arguments it is the program itself: `main.py --file tasks.json add "water the plants" --due 2026-03-01`.
"""

import argparse
import contextlib
import datetime
import enum
import io
import json
import pathlib
import shlex
import sys
import tempfile
import textwrap
from dataclasses import asdict, dataclass, field


class Priority(enum.IntEnum):
    LOW = 1
    NORMAL = 2
    HIGH = 3

    @classmethod
    def parse(cls, text):
        try:
            return cls[text.upper()]
        except KeyError:
            raise argparse.ArgumentTypeError(f"no priority {text!r} (one of {', '.join(p.name.lower() for p in cls)})")

    def __str__(self):
        return self.name.lower()


@dataclass
class Task:
    id: int
    text: str
    priority: Priority = Priority.NORMAL
    due: datetime.date | None = None
    tags: list[str] = field(default_factory=list)
    done: bool = False

    def to_json(self):
        return asdict(self) | {"priority": str(self.priority), "due": self.due and self.due.isoformat()}

    @classmethod
    def from_json(cls, value):
        due = value["due"] and datetime.date.fromisoformat(value["due"])
        return cls(**value | {"priority": Priority.parse(value["priority"]), "due": due})


class TaskFile:
    def __init__(self, path):
        self.path = path
        self.tasks = []

    def __enter__(self):
        if self.path.exists():
            self.tasks = [Task.from_json(t) for t in json.loads(self.path.read_text("utf-8"))]
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            text = json.dumps([t.to_json() for t in self.tasks], indent=1, ensure_ascii=False)
            self.path.write_text(text, "utf-8")

    def find(self, number):
        for t in self.tasks:
            if t.id == number:
                return t
        raise LookupError(f"no task {number}")


def add(tasks, args):
    number = max((t.id for t in tasks.tasks), default=0) + 1
    task = Task(number, " ".join(args.text), args.priority, args.due, sorted(set(args.tag)))
    tasks.tasks.append(task)
    print(f"added {task.id}")


def show(tasks, args):
    chosen = [t for t in tasks.tasks if args.all or not t.done]
    if args.tag:
        chosen = [t for t in chosen if set(args.tag) <= set(t.tags)]
    order = {"id": lambda t: t.id, "due": lambda t: (t.due or datetime.date.max, t.id), "priority": lambda t: (-t.priority, t.id)}
    for t in sorted(chosen, key=order[args.sort]):
        mark = "x" if t.done else " "
        due = f" (due {t.due:%d %b %Y})" if t.due else ""
        tags = "".join(f" +{tag}" for tag in t.tags)
        print(f"[{mark}] {t.id:2} {'!' * (t.priority - 1):2} {t.text}{due}{tags}")
    if not chosen:
        print("nothing to do")


def done(tasks, args):
    for number in args.number:
        task = tasks.find(number)
        print(f"task {number} was done already" if task.done else f"done: {task.text}")
        task.done = True


def stats(tasks, args):
    total = len(tasks.tasks)
    finished = sum(t.done for t in tasks.tasks)
    width = 20
    bar = "#" * round(width * finished / total) if total else ""
    print(f"{finished} of {total} done [{bar:{width}}] {finished / total if total else 0:.0%}")


def build_parser():
    parser = argparse.ArgumentParser(prog="tasks", description="Keeps a list of tasks.", suggest_on_error=False, color=False)
    parser.add_argument("--file", type=pathlib.Path, default=pathlib.Path("tasks.json"), help="where the tasks are kept")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    p = commands.add_parser("add", help="add a task")
    p.add_argument("text", nargs="+")
    p.add_argument("-p", "--priority", type=Priority.parse, default=Priority.NORMAL)
    p.add_argument("--due", type=datetime.date.fromisoformat, metavar="DATE")
    p.add_argument("-t", "--tag", action="append", default=[])
    p.set_defaults(function=add)

    p = commands.add_parser("list", aliases=["ls"], help="show tasks")
    p.add_argument("--sort", choices=["id", "due", "priority"], default="id")
    p.add_argument("-t", "--tag", action="append", default=[])
    group = p.add_mutually_exclusive_group()
    group.add_argument("-a", "--all", action="store_true", help="finished ones, too")
    group.add_argument("--open", dest="all", action="store_false", help="open ones only (the default)")
    p.set_defaults(function=show)

    p = commands.add_parser("done", help="mark tasks as done")
    p.add_argument("number", type=int, nargs="+")
    p.set_defaults(function=done)

    p = commands.add_parser("stats", help="how far things are")
    p.set_defaults(function=stats)
    return parser


def main(argv):
    args = build_parser().parse_args(argv)
    sink = io.StringIO() if args.quiet else sys.stdout
    with contextlib.redirect_stdout(sink):
        try:
            with TaskFile(args.file) as tasks:
                args.function(tasks, args)
        except LookupError as error:
            print(f"tasks: {error.args[0]}", file=sys.stderr)
            return 1
    return 0


SESSION = """
    add buy a stamp --tag post -t home
    add "write to Zoë" --due 2026-03-01 -p high --tag=post
    add sweep -plow
    list
    ls --sort due --tag post
    done 1 3
    done 3
    list --all --sort=priority
    stats
    -q add a quiet one
    stats
    done 9
    add
    add x --priority urgent
    add x --due tomorrow
    list --all --open
    list --sort size
    fly
    --help
    list -h
"""


def play():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "tasks.json")
        for line in textwrap.dedent(SESSION).strip().splitlines():
            print(f"$ tasks {line}")
            errors = io.StringIO()
            with contextlib.redirect_stderr(errors):
                try:
                    code = main(["--file", str(path), *shlex.split(line)])
                except SystemExit as exit:
                    code = exit.code
            for text in errors.getvalue().splitlines():
                print("! " + text)
            if code:
                print(f"(exit code {code})")
        print(path.read_text("utf-8"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(sys.argv[1:]))
    play()
