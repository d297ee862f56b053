//! Events and sets of them.

/// What can be observed, with the bit numbers of `sys.monitoring.events`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Event {
    PyStart,
    PyResume,
    PyReturn,
    PyYield,
    Call,
    Line,
    Instruction,
    Jump,
    BranchLeft,
    BranchRight,
    StopIteration,
    Raise,
    ExceptionHandled,
    PyUnwind,
    PyThrow,
    Reraise,
    CReturn,
    CRaise,
}

impl Event {
    /// All events, by number.
    pub(crate) const ALL: [Event; 18] = [
        Event::PyStart,
        Event::PyResume,
        Event::PyReturn,
        Event::PyYield,
        Event::Call,
        Event::Line,
        Event::Instruction,
        Event::Jump,
        Event::BranchLeft,
        Event::BranchRight,
        Event::StopIteration,
        Event::Raise,
        Event::ExceptionHandled,
        Event::PyUnwind,
        Event::PyThrow,
        Event::Reraise,
        Event::CReturn,
        Event::CRaise,
    ];

    /// The name in `sys.monitoring.events`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Event::PyStart => "PY_START",
            Event::PyResume => "PY_RESUME",
            Event::PyReturn => "PY_RETURN",
            Event::PyYield => "PY_YIELD",
            Event::Call => "CALL",
            Event::Line => "LINE",
            Event::Instruction => "INSTRUCTION",
            Event::Jump => "JUMP",
            Event::BranchLeft => "BRANCH_LEFT",
            Event::BranchRight => "BRANCH_RIGHT",
            Event::StopIteration => "STOP_ITERATION",
            Event::Raise => "RAISE",
            Event::ExceptionHandled => "EXCEPTION_HANDLED",
            Event::PyUnwind => "PY_UNWIND",
            Event::PyThrow => "PY_THROW",
            Event::Reraise => "RERAISE",
            Event::CReturn => "C_RETURN",
            Event::CRaise => "C_RAISE",
        }
    }

    pub(crate) fn bit(self) -> EventSet {
        EventSet(1 << self as u32)
    }

    /// Whether the event belongs to an instruction, so that code can ask for it alone and a callback can disable
    /// it where it happened.
    pub(crate) fn is_local(self) -> bool {
        (self as u8) <= Event::StopIteration as u8
    }
}

/// A set of events, as `sys.monitoring` writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct EventSet(pub u32);

impl EventSet {
    /// The events of instructions.
    pub(crate) const LOCAL: EventSet = EventSet((1 << 11) - 1);
    /// `BRANCH`, the old name of both branch events together.
    pub(crate) const BRANCH: u32 = 1 << 18;
    /// `C_RETURN` and `C_RAISE`, which come with `CALL`.
    pub(crate) const C_EVENTS: u32 = 1 << 16 | 1 << 17;

    pub(crate) fn has(self, e: Event) -> bool {
        self.0 & e.bit().0 != 0
    }

    pub(crate) fn of(events: &[Event]) -> EventSet {
        EventSet(events.iter().fold(0, |set, e| set | e.bit().0))
    }

    /// The events in the set.
    pub(crate) fn iter(self) -> impl Iterator<Item = Event> {
        Event::ALL.into_iter().filter(move |e| self.has(*e))
    }
}
