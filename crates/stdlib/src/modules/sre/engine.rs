//! The matcher: a backtracking interpreter of compiled patterns.
//!
//! It never recurses natively. One stack holds the choices still open and, between them, what to undo when
//! a choice is taken up again (group marks, repeat counters), so backtracking restores the state exactly.
//! Lookarounds and atomic groups run on the same stack above a barrier; when their body has matched, its
//! choices are removed and its undo entries stay.

use std::cell::Cell;
use std::mem::take;
use std::sync::atomic::Ordering;

use cinder_pyobj::Ctx;
use cinder_pyobj::types::str::Unit;

use super::chars::{self, category, lower_ascii, lower_unicode};
use super::op::{self, Fold, MAXREPEAT};
use super::program::Program;

/// An unset group mark.
pub(super) const UNSET: usize = usize::MAX;
const NO_REPEAT: u32 = u32::MAX;
/// Above this many entries (some 10 GB) matching gives up with a MemoryError.
const MAX_STACK: usize = 1 << 28;

/// After so many choices that led nowhere, signals are looked for: some patterns take forever.
const POLL_AFTER: u32 = 1 << 16;

/// Serves what waits at this point of the program; whether that raised.
#[cold]
fn interrupted() -> bool {
    if !Ctx::has_current() {
        return false;
    }
    let cx = Ctx::current();
    cx.poll.load(Ordering::Relaxed) != 0 && (cx.host().poll)(cx).is_err()
}

/// What a search came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    Match,
    NoMatch,
    /// Memory ran out, or a signal handler raised, whose exception is pending.
    Stopped,
}

#[derive(Clone, Copy)]
enum Entry {
    /// Try the BRANCH alternative whose skip is at `pc`.
    Choice { pc: u32, ptr: usize },
    /// A greedy single-character repeat may give back one of `count` characters from `base`.
    RepeatOne { pc: u32, base: usize, count: usize },
    /// A lazy single-character repeat may take one more at `ptr`.
    MinRepeatOne { pc: u32, ptr: usize, count: u32 },
    /// A greedy repeat may stop at `ptr`; `pc` is its UNTIL.
    UntilTail { pc: u32, ptr: usize },
    /// A lazy repeat may go round once more.
    MinUntilBody { ptr: usize },
    /// Undo: a group mark and the last group before it was set.
    Mark { index: u32, last: u32, old: usize },
    /// Undo: a repeat's counter and last position.
    Counter { repeat: u32, count: u32, last: usize },
    /// Undo: the current repeat; one was entered if `entered`.
    Current { old: u32, entered: bool },
    /// The bottom of a frame's entries.
    Barrier,
}

/// A running repeat.
#[derive(Clone, Copy)]
struct Repeat {
    /// Its REPEAT instruction.
    pc: u32,
    count: u32,
    /// Where the last turn began.
    last: usize,
    outer: u32,
}

#[derive(Clone, Copy)]
enum FrameKind {
    Assert,
    AssertNot,
    Atomic,
    Possessive { count: u32 },
}

/// A lookaround, atomic group or possessive repeat whose body is being matched.
#[derive(Clone, Copy)]
struct Frame {
    kind: FrameKind,
    pc: u32,
    ptr: usize,
    base: usize,
}

/// A matcher of one pattern over one text.
pub(super) struct Matcher<'a, U> {
    program: &'a Program,
    code: &'a [u32],
    text: &'a [U],
    /// The whole text must match.
    pub(super) match_all: bool,
    /// An empty match at the start is refused.
    pub(super) must_advance: bool,
    /// Where the match starts.
    pub(super) start: usize,
    /// Where the match ends.
    pub(super) end: usize,
    /// Start and end of each group.
    pub(super) marks: Vec<usize>,
    /// Whether a mark was set since all of them were unset.
    marked: bool,
    /// The group closed last, 0 for none.
    pub(super) last_group: u32,
    stack: Vec<Entry>,
    repeats: Vec<Repeat>,
    current: u32,
    frames: Vec<Frame>,
    stopped: bool,
    /// Choices that were given up.
    failures: u32,
}

/// The working memory of a matcher, kept for the next one.
#[derive(Default)]
struct Spare {
    marks: Vec<usize>,
    stack: Vec<Entry>,
    repeats: Vec<Repeat>,
    frames: Vec<Frame>,
}

/// A stack with room for more entries is given back to the system.
const MOST_KEPT: usize = 4096;

thread_local! {
    static SPARE: Cell<Option<Box<Spare>>> = const { Cell::new(None) };
}

impl<U> Drop for Matcher<'_, U> {
    fn drop(&mut self) {
        if self.stack.capacity() > MOST_KEPT {
            return;
        }
        // Threads that are ending may have lost the place already.
        let _ = SPARE.try_with(|place| {
            let mut spare = place.take().unwrap_or_default();
            *spare = Spare {
                marks: take(&mut self.marks),
                stack: take(&mut self.stack),
                repeats: take(&mut self.repeats),
                frames: take(&mut self.frames),
            };
            place.set(Some(spare));
        });
    }
}

impl<'a, U: Unit> Matcher<'a, U> {
    /// `text` ends where matching must end.
    pub(super) fn new(program: &'a Program, text: &'a [U], groups: usize) -> Matcher<'a, U> {
        let mut spare = Spare::default();
        let _ = SPARE.try_with(|place| {
            if let Some(mut kept) = place.take() {
                spare = take(&mut *kept);
                place.set(Some(kept));
            }
        });
        let Spare { mut marks, stack, repeats, frames } = spare;
        marks.clear();
        marks.resize(2 * groups, UNSET);
        Matcher {
            program,
            code: program.code(),
            text,
            match_all: false,
            must_advance: false,
            start: 0,
            end: 0,
            marks,
            marked: false,
            last_group: 0,
            stack,
            repeats,
            current: NO_REPEAT,
            frames,
            stopped: false,
            failures: 0,
        }
    }

    #[inline(always)]
    fn word(&self, i: usize) -> u32 {
        self.code.get(i).copied().unwrap_or(op::FAILURE)
    }

    /// The target of the skip at `i`.
    #[inline(always)]
    fn target(&self, i: usize) -> usize {
        i + self.word(i) as usize
    }

    #[inline(always)]
    fn at(&self, ptr: usize) -> Option<u32> {
        self.text.get(ptr).map(|c| c.code())
    }

    fn outcome(&self, matched: bool) -> Outcome {
        match (matched, self.stopped) {
            (_, true) => Outcome::Stopped,
            (true, _) => Outcome::Match,
            _ => Outcome::NoMatch,
        }
    }

    /// Matches at `start` only.
    pub(super) fn match_at(&mut self, start: usize) -> Outcome {
        let m = self.try_at(start, self.body());
        self.outcome(m)
    }

    /// Where the pattern begins, behind the INFO block.
    fn body(&self) -> usize {
        if self.word(0) == op::INFO { self.target(1) } else { 0 }
    }

    fn try_at(&mut self, start: usize, pc: usize) -> bool {
        if self.stopped {
            return false;
        }
        self.start = start;
        self.stack.clear();
        self.repeats.clear();
        self.frames.clear();
        self.current = NO_REPEAT;
        self.last_group = 0;
        if self.marked {
            self.marks.fill(UNSET);
            self.marked = false;
        }
        self.run(pc, start)
    }

    /// Finds the first match from `start` on.
    pub(super) fn search(&mut self, start: usize) -> Outcome {
        let m = self.search_from(start);
        self.outcome(m)
    }

    fn search_from(&mut self, start: usize) -> bool {
        let body = self.body();
        let n = self.text.len();
        let mut flags = 0;
        let mut last = n;
        if body != 0 {
            flags = self.word(2);
            let min = self.word(3) as usize;
            if n < start || n - start < min {
                return false;
            }
            last = n - min;
        }
        let code = self.code;
        let prefix: &[u32] = if flags & 1 != 0 { code.get(7..7 + self.word(5) as usize).unwrap_or(&[]) } else { &[] };
        let set = flags & 4 != 0 && code.len() > 5;
        let anchored = self.word(body) == op::AT && matches!(self.word(body + 1), 0 | 2);
        let mut at = start;
        loop {
            at = match (prefix, set) {
                ([first, ..], _) => match self.find_prefix(prefix, *first, at, last) {
                    Some(p) => p,
                    None => return false,
                },
                (_, true) => {
                    let Some(area) = self.text.get(at..n) else { return false };
                    match area.iter().position(|c| self.program.set_has(5, c.code())) {
                        Some(p) => at + p,
                        None => return false,
                    }
                }
                _ => at,
            };
            if at > last {
                return false;
            }
            if self.try_at(at, body) {
                return true;
            }
            if self.stopped || (anchored && at >= start) || at >= last {
                return false;
            }
            // Only a match at the very start may be refused for being empty.
            self.must_advance = false;
            at += 1;
        }
    }

    fn find_prefix(&self, prefix: &[u32], first: u32, mut at: usize, last: usize) -> Option<usize> {
        if !U::fits(first) {
            return None;
        }
        let wanted = U::narrow(first);
        loop {
            at += U::find(self.text.get(at..)?, wanted)?;
            if at > last {
                return None;
            }
            let area = self.text.get(at..at + prefix.len())?;
            if area.iter().zip(prefix).all(|(a, b)| a.code() == *b) {
                return Some(at);
            }
            at += 1;
        }
    }

    /// Runs from `pc` with `ptr` until the pattern matches or no choice is left.
    fn run(&mut self, mut pc: usize, mut ptr: usize) -> bool {
        loop {
            match self.step(&mut pc, &mut ptr) {
                Step::Go => {}
                Step::Done => {
                    self.end = ptr;
                    return true;
                }
                Step::Fail => {
                    self.failures = self.failures.wrapping_add(1);
                    if self.stack.len() > MAX_STACK || self.failures % POLL_AFTER == 0 && interrupted() {
                        self.stopped = true;
                        return false;
                    }
                    if !self.backtrack(&mut pc, &mut ptr) {
                        return false;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn step(&mut self, pc: &mut usize, ptr: &mut usize) -> Step {
        let i = *pc;
        let code = self.word(i);
        match code {
            op::LITERAL => {
                if self.at(*ptr) != Some(self.word(i + 1)) {
                    return Step::Fail;
                }
                *pc = i + 2;
                *ptr += 1;
                Step::Go
            }
            op::IN => {
                if !self.at(*ptr).is_some_and(|c| self.program.set_has(i + 2, c)) {
                    return Step::Fail;
                }
                *pc = self.target(i + 1);
                *ptr += 1;
                Step::Go
            }
            op::NOT_LITERAL
            | op::ANY
            | op::ANY_ALL
            | op::CATEGORY
            | op::LITERAL_IGNORE..=op::NOT_LITERAL_IGNORE
            | op::IN_IGNORE
            | op::IN_LOC_IGNORE..=op::NOT_LITERAL_LOC_IGNORE
            | op::IN_UNI_IGNORE..=op::NOT_LITERAL_UNI_IGNORE => {
                let Some(c) = self.at(*ptr) else { return Step::Fail };
                if !self.single(i, c) {
                    return Step::Fail;
                }
                *pc = self.after_single(i);
                *ptr += 1;
                Step::Go
            }
            op::SUCCESS => self.success(pc, ptr),
            op::MARK => {
                let m = self.word(i + 1);
                self.set_mark(m, *ptr);
                *pc = i + 2;
                Step::Go
            }
            op::AT => {
                *pc = i + 2;
                if self.position(self.word(i + 1), *ptr) { Step::Go } else { Step::Fail }
            }
            op::BRANCH => self.branch(i + 1, pc, *ptr),
            op::JUMP => {
                *pc = self.target(i + 1);
                Step::Go
            }
            op::INFO => {
                *pc = self.target(i + 1);
                Step::Go
            }
            op::REPEAT_ONE => self.repeat_one(i, pc, ptr),
            op::MIN_REPEAT_ONE => {
                let min = self.word(i + 2);
                let n = self.count(i + 4, *ptr, min);
                if n < min as usize {
                    return Step::Fail;
                }
                *ptr += n;
                self.stack.push(Entry::MinRepeatOne { pc: i as u32, ptr: *ptr, count: min });
                *pc = self.target(i + 1);
                Step::Go
            }
            op::POSSESSIVE_REPEAT_ONE => {
                let n = self.count(i + 4, *ptr, self.word(i + 3));
                if n < self.word(i + 2) as usize {
                    return Step::Fail;
                }
                *ptr += n;
                *pc = self.target(i + 1);
                Step::Go
            }
            op::REPEAT => {
                let r = Repeat { pc: i as u32, count: 0, last: UNSET, outer: self.current };
                self.stack.push(Entry::Current { old: self.current, entered: true });
                self.current = self.repeats.len() as u32;
                self.repeats.push(r);
                // The first turn is counted from zero turns done.
                *pc = self.target(i + 1);
                self.until(pc, ptr, true)
            }
            op::MAX_UNTIL | op::MIN_UNTIL => self.until(pc, ptr, false),
            op::ASSERT | op::ASSERT_NOT => {
                let back = self.word(i + 2) as usize;
                if *ptr < back {
                    if code == op::ASSERT {
                        return Step::Fail;
                    }
                    *pc = self.target(i + 1);
                    return Step::Go;
                }
                let kind = if code == op::ASSERT { FrameKind::Assert } else { FrameKind::AssertNot };
                self.enter(kind, i, *ptr);
                *pc = i + 3;
                *ptr -= back;
                Step::Go
            }
            op::ATOMIC_GROUP => {
                self.enter(FrameKind::Atomic, i, *ptr);
                *pc = i + 2;
                Step::Go
            }
            op::POSSESSIVE_REPEAT => {
                if self.word(i + 3) == 0 {
                    *pc = self.target(i + 1) + 1;
                    return Step::Go;
                }
                self.enter(FrameKind::Possessive { count: 0 }, i, *ptr);
                *pc = i + 4;
                Step::Go
            }
            op::GROUPREF => self.group_ref(i, pc, ptr, Fold::None),
            op::GROUPREF_IGNORE | op::GROUPREF_LOC_IGNORE => self.group_ref(i, pc, ptr, Fold::Ascii),
            op::GROUPREF_UNI_IGNORE => self.group_ref(i, pc, ptr, Fold::Unicode),
            op::GROUPREF_EXISTS => {
                let g = self.word(i + 1) as usize;
                *pc = if self.group(g).is_some() { i + 3 } else { i + 1 + self.word(i + 2) as usize };
                Step::Go
            }
            _ => Step::Fail,
        }
    }

    /// Where a group matched.
    pub(super) fn group(&self, g: usize) -> Option<(usize, usize)> {
        let (a, b) = (*self.marks.get(2 * g)?, *self.marks.get(2 * g + 1)?);
        if a == UNSET || b == UNSET || a > b { None } else { Some((a, b)) }
    }

    fn set_mark(&mut self, m: u32, ptr: usize) {
        let Some(slot) = self.marks.get_mut(m as usize) else { return };
        self.stack.push(Entry::Mark { index: m, last: self.last_group, old: *slot });
        *slot = ptr;
        self.marked = true;
        if m & 1 == 1 {
            self.last_group = m / 2 + 1;
        }
    }

    /// Whether the single-character instruction at `i` accepts `c`.
    #[inline(always)]
    fn single(&self, i: usize, c: u32) -> bool {
        let arg = || self.word(i + 1);
        let set_has = |c: u32| self.program.set_has(i + 2, c);
        match self.word(i) {
            op::LITERAL => c == arg(),
            op::NOT_LITERAL => c != arg(),
            op::ANY => c != 10,
            op::ANY_ALL => true,
            op::IN => set_has(c),
            op::CATEGORY => category(arg(), c),
            op::LITERAL_IGNORE => lower_ascii(c) == arg(),
            op::NOT_LITERAL_IGNORE => lower_ascii(c) != arg(),
            op::IN_IGNORE => set_has(lower_ascii(c)),
            op::LITERAL_UNI_IGNORE => lower_unicode(c) == arg(),
            op::NOT_LITERAL_UNI_IGNORE => lower_unicode(c) != arg(),
            op::IN_UNI_IGNORE => set_has(lower_unicode(c)),
            op::LITERAL_LOC_IGNORE => c == arg() || lower_ascii(c) == arg() || chars::upper_ascii(c) == arg(),
            op::NOT_LITERAL_LOC_IGNORE => c != arg() && lower_ascii(c) != arg() && chars::upper_ascii(c) != arg(),
            op::IN_LOC_IGNORE => {
                let set = self.program.code().get(i + 2..).unwrap_or(&[]);
                chars::any_in_set(set, [lower_ascii(c), chars::upper_ascii(c)])
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn after_single(&self, i: usize) -> usize {
        match self.word(i) {
            op::ANY | op::ANY_ALL => i + 1,
            op::IN | op::IN_IGNORE | op::IN_LOC_IGNORE | op::IN_UNI_IGNORE => self.target(i + 1),
            _ => i + 2,
        }
    }

    /// How many characters from `ptr` on the single-character instruction at `i` accepts, up to `max`.
    fn count(&self, i: usize, ptr: usize, max: u32) -> usize {
        let Some(mut area) = self.text.get(ptr..) else { return 0 };
        if max != MAXREPEAT {
            area = &area[..area.len().min(max as usize)];
        }
        let stop = match self.word(i) {
            op::ANY_ALL => None,
            op::ANY => U::find(area, U::narrow(10)),
            op::LITERAL => {
                let l = self.word(i + 1);
                area.iter().position(|c| c.code() != l)
            }
            op::NOT_LITERAL => {
                let l = self.word(i + 1);
                area.iter().position(|c| c.code() == l)
            }
            op::IN => area.iter().position(|c| !self.program.set_has(i + 2, c.code())),
            _ => area.iter().position(|c| !self.single(i, c.code())),
        };
        stop.unwrap_or(area.len())
    }

    fn repeat_one(&mut self, i: usize, pc: &mut usize, ptr: &mut usize) -> Step {
        let n = self.count(i + 4, *ptr, self.word(i + 3));
        let min = self.word(i + 2) as usize;
        if n < min {
            return Step::Fail;
        }
        let base = *ptr;
        *pc = self.target(i + 1);
        // One more than `n`, so that the first try gives nothing back.
        self.give_back(i, base, n + 1, pc, ptr)
    }

    /// Takes up a greedy single-character repeat with fewer than `count` characters.
    fn give_back(&mut self, i: usize, base: usize, count: usize, pc: &mut usize, ptr: &mut usize) -> Step {
        let min = self.word(i + 2) as usize;
        let tail = self.target(i + 1);
        let mut n = count;
        // A literal after the repeat tells at which lengths going on can succeed.
        let next = if self.word(tail) == op::LITERAL { Some(self.word(tail + 1)) } else { None };
        while n > min {
            n -= 1;
            if next.is_some_and(|l| self.at(base + n) != Some(l)) {
                continue;
            }
            if n > min {
                self.stack.push(Entry::RepeatOne { pc: i as u32, base, count: n });
            }
            *pc = tail;
            *ptr = base + n;
            return Step::Go;
        }
        Step::Fail
    }

    fn branch(&mut self, mut skip: usize, pc: &mut usize, ptr: usize) -> Step {
        loop {
            if self.word(skip) == 0 {
                return Step::Fail;
            }
            let next = self.target(skip);
            let body = skip + 1;
            // An alternative that starts with another character is passed over at once.
            let hopeless = match self.word(body) {
                op::LITERAL => self.at(ptr) != Some(self.word(body + 1)),
                op::IN => self.at(ptr).is_none_or(|c| !self.single(body, c)),
                _ => false,
            };
            if hopeless {
                skip = next;
                continue;
            }
            if self.word(next) != 0 {
                self.stack.push(Entry::Choice { pc: next as u32, ptr });
            }
            *pc = body;
            return Step::Go;
        }
    }

    fn repeat_bounds(&self, r: &Repeat) -> (u32, u32) {
        (self.word(r.pc as usize + 2), self.word(r.pc as usize + 3))
    }

    fn save_counter(&mut self, repeat: u32) {
        if let Some(r) = self.repeats.get(repeat as usize) {
            self.stack.push(Entry::Counter { repeat, count: r.count, last: r.last });
        }
    }

    /// The end of a turn of the current repeat (or its entry): another turn, or on behind it.
    fn until(&mut self, pc: &mut usize, ptr: &mut usize, entering: bool) -> Step {
        let i = *pc;
        let current = self.current;
        let Some(r) = self.repeats.get(current as usize).copied() else { return Step::Fail };
        let (min, max) = self.repeat_bounds(&r);
        let done = if entering { 0 } else { r.count };
        let body = r.pc as usize + 4;
        if done < min {
            self.save_counter(current);
            self.turn(current, done + 1, None);
            *pc = body;
            return Step::Go;
        }
        let more = done < max || max == MAXREPEAT;
        if self.word(i) == op::MIN_UNTIL {
            if more && *ptr != r.last {
                self.stack.push(Entry::MinUntilBody { ptr: *ptr });
            }
            return self.leave(i, pc);
        }
        if more && *ptr != r.last {
            self.stack.push(Entry::UntilTail { pc: i as u32, ptr: *ptr });
            self.save_counter(current);
            self.turn(current, done.saturating_add(1), Some(*ptr));
            *pc = body;
            return Step::Go;
        }
        self.leave(i, pc)
    }

    fn turn(&mut self, repeat: u32, count: u32, last: Option<usize>) {
        if let Some(r) = self.repeats.get_mut(repeat as usize) {
            r.count = count;
            if let Some(l) = last {
                r.last = l;
            }
        }
    }

    /// Goes on behind the current repeat.
    fn leave(&mut self, until: usize, pc: &mut usize) -> Step {
        let Some(r) = self.repeats.get(self.current as usize) else { return Step::Fail };
        let outer = r.outer;
        self.stack.push(Entry::Current { old: self.current, entered: false });
        self.current = outer;
        *pc = until + 1;
        Step::Go
    }

    fn enter(&mut self, kind: FrameKind, pc: usize, ptr: usize) {
        self.frames.push(Frame { kind, pc: pc as u32, ptr, base: self.stack.len() });
        self.stack.push(Entry::Barrier);
    }

    /// The end of the pattern, or of a frame's body.
    fn success(&mut self, pc: &mut usize, ptr: &mut usize) -> Step {
        let Some(f) = self.frames.pop() else {
            let refused = (self.match_all && *ptr != self.text.len()) || (self.must_advance && *ptr == self.start);
            return if refused { Step::Fail } else { Step::Done };
        };
        let tail = self.target(f.pc as usize + 1);
        match f.kind {
            FrameKind::AssertNot => {
                while self.stack.len() > f.base {
                    if let Some(e) = self.stack.pop() {
                        self.undo(e);
                    }
                }
                return Step::Fail;
            }
            FrameKind::Assert => {
                self.commit(f.base);
                *ptr = f.ptr;
                *pc = tail;
            }
            FrameKind::Atomic => {
                self.commit(f.base);
                *pc = tail;
            }
            FrameKind::Possessive { count } => {
                self.commit(f.base);
                let i = f.pc as usize;
                let (min, max) = (self.word(i + 2), self.word(i + 3));
                let count = count.saturating_add(1);
                if (count < max || max == MAXREPEAT) && (*ptr != f.ptr || count < min) {
                    self.enter(FrameKind::Possessive { count }, i, *ptr);
                    *pc = i + 4;
                } else {
                    *pc = tail + 1;
                }
            }
        }
        Step::Go
    }

    /// Removes the choices above `base` and keeps what is to be undone.
    fn commit(&mut self, base: usize) {
        let mut keep = base;
        for k in base..self.stack.len() {
            if matches!(self.stack[k], Entry::Mark { .. } | Entry::Counter { .. } | Entry::Current { .. }) {
                self.stack[keep] = self.stack[k];
                keep += 1;
            }
        }
        self.stack.truncate(keep);
    }

    fn undo(&mut self, e: Entry) {
        match e {
            Entry::Mark { index, last, old } => {
                if let Some(m) = self.marks.get_mut(index as usize) {
                    *m = old;
                }
                self.last_group = last;
            }
            Entry::Counter { repeat, count, last } => {
                if let Some(r) = self.repeats.get_mut(repeat as usize) {
                    r.count = count;
                    r.last = last;
                }
            }
            Entry::Current { old, entered } => {
                if entered {
                    self.repeats.pop();
                }
                self.current = old;
            }
            _ => {}
        }
    }

    /// Takes up the last open choice; false if there is none.
    fn backtrack(&mut self, pc: &mut usize, ptr: &mut usize) -> bool {
        while let Some(e) = self.stack.pop() {
            let step = match e {
                Entry::Choice { pc: p, ptr: q } => {
                    *ptr = q;
                    self.branch(p as usize, pc, q)
                }
                Entry::RepeatOne { pc: p, base, count } => self.give_back(p as usize, base, count, pc, ptr),
                Entry::MinRepeatOne { pc: p, ptr: q, count } => {
                    let i = p as usize;
                    let max = self.word(i + 3);
                    let accepted =
                        (count < max || max == MAXREPEAT) && self.at(q).is_some_and(|c| self.single(i + 4, c));
                    if accepted {
                        self.stack.push(Entry::MinRepeatOne { pc: p, ptr: q + 1, count: count.saturating_add(1) });
                        *pc = self.target(i + 1);
                        *ptr = q + 1;
                        Step::Go
                    } else {
                        Step::Fail
                    }
                }
                Entry::UntilTail { pc: p, ptr: q } => {
                    *ptr = q;
                    self.leave(p as usize, pc)
                }
                Entry::MinUntilBody { ptr: q } => {
                    let current = self.current;
                    self.save_counter(current);
                    match self.repeats.get(current as usize).copied() {
                        Some(r) => {
                            self.turn(current, r.count.saturating_add(1), Some(q));
                            *pc = r.pc as usize + 4;
                            *ptr = q;
                            Step::Go
                        }
                        None => Step::Fail,
                    }
                }
                Entry::Barrier => self.frame_failed(pc, ptr),
                undo => {
                    self.undo(undo);
                    Step::Fail
                }
            };
            if matches!(step, Step::Go) {
                return true;
            }
        }
        false
    }

    /// The body of the innermost frame cannot match.
    fn frame_failed(&mut self, pc: &mut usize, ptr: &mut usize) -> Step {
        let Some(f) = self.frames.pop() else { return Step::Fail };
        let i = f.pc as usize;
        let tail = self.target(i + 1);
        match f.kind {
            FrameKind::AssertNot => *pc = tail,
            FrameKind::Possessive { count } if count >= self.word(i + 2) => *pc = tail + 1,
            _ => return Step::Fail,
        }
        *ptr = f.ptr;
        Step::Go
    }

    fn group_ref(&self, i: usize, pc: &mut usize, ptr: &mut usize, fold: Fold) -> Step {
        let Some((a, b)) = self.group(self.word(i + 1) as usize) else { return Step::Fail };
        let Some(there) = self.text.get(*ptr..*ptr + (b - a)) else { return Step::Fail };
        let same = self.text[a..b].iter().zip(there).all(|(x, y)| match fold {
            Fold::None => x == y,
            Fold::Ascii => lower_ascii(x.code()) == lower_ascii(y.code()),
            Fold::Unicode => lower_unicode(x.code()) == lower_unicode(y.code()),
        });
        if !same {
            return Step::Fail;
        }
        *ptr += b - a;
        *pc = i + 2;
        Step::Go
    }

    /// Whether a position satisfies an anchor.
    fn position(&self, code: u32, ptr: usize) -> bool {
        let n = self.text.len();
        let before = || ptr.checked_sub(1).and_then(|p| self.at(p));
        let boundary = |word: fn(u32) -> bool| n > 0 && before().is_some_and(word) != self.at(ptr).is_some_and(word);
        match code {
            0 | 2 => ptr == 0,
            1 => ptr == 0 || before() == Some(10),
            3 | 8 => boundary(chars::is_ascii_word),
            4 | 9 => !boundary(chars::is_ascii_word),
            5 => ptr == n || (ptr + 1 == n && self.at(ptr) == Some(10)),
            6 => ptr == n || self.at(ptr) == Some(10),
            7 => ptr == n,
            10 => boundary(chars::is_unicode_word),
            11 => !boundary(chars::is_unicode_word),
            _ => false,
        }
    }
}

enum Step {
    Go,
    Done,
    Fail,
}
