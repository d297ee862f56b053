"""A profiler that listens natively, with the interface of the `profile` module."""

import io
import marshal
import types

import _lsprof
import profile as _reference

__all__ = ["run", "runctx", "Profile"]


def run(statement, filename=None, sort=-1):
    return _reference._Utils(Profile).run(statement, filename, sort)


def runctx(statement, globals, locals, filename=None, sort=-1):
    return _reference._Utils(Profile).runctx(statement, globals, locals, filename, sort)


run.__doc__ = _reference.run.__doc__
runctx.__doc__ = _reference.runctx.__doc__


def label(code):
    """The key of a code object, or of a native function's name, in the statistics: file, line, name."""
    if isinstance(code, str):
        return "~", 0, code
    return code.co_filename, code.co_firstlineno, code.co_name


class Profile(_lsprof.Profiler):
    """Profile(timer=None, timeunit=None, subcalls=True, builtins=True)

    Counts calls and their times. `timer` gives the time as a float, or as an int in units of `timeunit` seconds.
    """

    def print_stats(self, sort=-1):
        import pstats
        keys = sort if isinstance(sort, tuple) else (sort,)
        pstats.Stats(self).strip_dirs().sort_stats(*keys).print_stats()

    def dump_stats(self, file):
        self.create_stats()
        with open(file, "wb") as f:
            marshal.dump(self.stats, f)

    def create_stats(self):
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self):
        """Fills `stats`: by function (calls not nested in themselves, calls, own time, whole time, callers)."""
        entries = self.getstats()
        stats = {}
        callers = {}
        for entry in entries:
            own, whole = entry.inlinetime, entry.totaltime
            key = label(entry.code)
            plain = entry.callcount - entry.reccallcount
            of = callers.setdefault(id(entry.code), {})
            if key in stats:
                # Two functions of one place, such as lambdas of a line.
                old = stats[key]
                plain += old[0]
                count = entry.callcount + old[1]
                own += old[2]
                whole += old[3]
                of.update(old[4])
                stats[key] = plain, count, own, whole, of
            else:
                stats[key] = plain, entry.callcount, own, whole, of
        for entry in entries:
            caller = label(entry.code)
            for call in entry.calls or ():
                of = callers.get(id(call.code))
                if of is None:
                    continue
                numbers = call.callcount, call.callcount - call.reccallcount, call.inlinetime, call.totaltime
                if caller in of:
                    numbers = tuple(map(sum, zip(numbers, of[caller])))
                of[caller] = numbers
        self.stats = stats

    def run(self, cmd):
        import __main__
        return self.runctx(cmd, vars(__main__), vars(__main__))

    def runctx(self, cmd, globals, locals):
        # No manager: leaving one would be a call that counts.
        self.enable()
        try:
            exec(cmd, globals, locals)
        finally:
            self.disable()
        return self

    def runcall(self, func, /, *args, **kw):
        self.enable()
        try:
            return func(*args, **kw)
        finally:
            self.disable()

    def __enter__(self):
        self.enable()
        return self

    def __exit__(self, *exc_info):
        self.disable()


def main():
    """The command `python -m cProfile`."""
    import os
    import pstats
    import runpy
    import sys
    from optparse import OptionParser

    usage = "cProfile.py [-o output_file_path] [-s sort] [-m module | scriptfile] [arg] ..."
    parser = OptionParser(usage=usage)
    parser.allow_interspersed_args = False
    parser.add_option("-o", "--outfile", dest="outfile", help="Save stats to <outfile>", default=None)
    parser.add_option("-s", "--sort", dest="sort", default=2, choices=sorted(pstats.Stats.sort_arg_dict_default),
                      help="Sort order when printing to stdout, based on pstats.Stats class")
    parser.add_option("-m", dest="module", action="store_true", help="Profile a library module", default=False)
    if not sys.argv[1:]:
        parser.print_usage()
        sys.exit(2)
    options, args = parser.parse_args()
    sys.argv[:] = args
    # The program may change the working directory.
    if options.outfile is not None:
        options.outfile = os.path.abspath(options.outfile)
    if not args:
        parser.print_usage()
        return parser
    if options.module:
        code = "run_module(modname, run_name='__main__')"
        names = {"run_module": runpy.run_module, "modname": args[0]}
        sys.argv[:] = args
    else:
        program = args[0]
        sys.path.insert(0, os.path.dirname(program))
        with io.open_code(program) as f:
            code = compile(f.read(), program, "exec")
        module = types.ModuleType("__main__")
        # The program is __main__ for pickles and others that look for it, too.
        sys.modules["__main__"] = module
        names = module.__dict__
        names.update({
            # As of a program that was not imported: processes that it spawns find it by its path.
            "__spec__": None,
            "__file__": program,
            "__name__": "__main__",
            "__package__": None,
            "__cached__": None,
        })
    try:
        runctx(code, names, None, options.outfile, options.sort)
    except BrokenPipeError as error:
        sys.stdout = None
        sys.exit(error.errno)
    return parser


if __name__ == "__main__":
    main()
