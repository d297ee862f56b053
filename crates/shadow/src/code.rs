//! Shadow code, and the list of all of it, through which changes find the sites that depend on them.

use std::cell::{Cell, UnsafeCell};

use cinder_bytecode::op::{Field, Insn, Opcode, Operand};
use cinder_pyobj::Type;
use cinder_pyobj::shape::memory::Forget;

use crate::global;
use crate::ops::ShadowOp;
use crate::resolve::Kind;
use crate::site::{Entry, Site};
use crate::stats;

/// The mutable copy of one code object's instructions, with its sites.
pub struct Shadow {
    insns: Box<[Cell<Insn>]>,
    sites: Box<[Site]>,
}

struct Registry(UnsafeCell<Vec<*const Shadow>>);

// SAFETY: shadow code is made, used and dropped under the interpreter lock.
unsafe impl Sync for Registry {}

static ALL: Registry = Registry(UnsafeCell::new(Vec::new()));

fn all() -> &'static mut Vec<*const Shadow> {
    // SAFETY: see the reason above.
    unsafe { &mut *ALL.0.get() }
}

/// Whether field `c` of the generic instruction makes room for the number of the site (else `bx`).
fn site_in_c(op: Opcode) -> bool {
    !op.info().operands.iter().any(|(f, _)| *f == Field::bx)
}

/// Whether the next instruction uses the slice that this one makes, a temporary, as its subscript.
fn subscripts_next(slice: Insn, next: Option<&Insn>) -> bool {
    let is_temp = matches!(Operand::decode(slice.a(), 0x8000), Some(Operand::Temp(_)));
    is_temp && next.is_some_and(|i| i.op() == Some(Opcode::GetItem) && i.c() == slice.a() && i.b() != slice.a())
}

fn with_site(op: ShadowOp, original: Insn, site: u32) -> Insn {
    let number = u64::from(op.number() + stats::offset());
    if op.keeps_operands() {
        return Insn(original.0 & !0xffff | number);
    }
    if site_in_c(op.info().generic) {
        Insn(original.0 & 0x0000_ffff_ffff_0000 | number | (site as u64) << 48)
    } else {
        Insn(original.0 & 0x0000_0000_ffff_0000 | number | (site as u64) << 32)
    }
}

impl Shadow {
    /// The shadow of plain code. Sites past the 65,536th stay generic.
    pub fn new(code: &[Insn]) -> Box<Shadow> {
        let mut insns = Vec::with_capacity(code.len());
        let mut sites = Vec::new();
        for (at, &insn) in code.iter().enumerate() {
            let word = match insn.op() {
                Some(Opcode::JumpBackward) => Insn(insn.0 & !0xffff | u64::from(ShadowOp::JumpBackwardHot.number())),
                Some(Opcode::BuildSlice) if subscripts_next(insn, code.get(at + 1)) => {
                    Insn(insn.0 & !0xffff | u64::from(ShadowOp::BuildSliceGet.number()))
                }
                // Displays know the size of what they make.
                Some(Opcode::BuildList | Opcode::BuildMap) if insn.c() != 0 => insn,
                Some(op) => match ShadowOp::observing(op) {
                    Some(look) if sites.len() < 1 << 16 => {
                        let number = sites.len() as u32;
                        sites.push(Site::new(insn, at as u32, number));
                        with_site(look, insn, number)
                    }
                    _ => insn,
                },
                None => insn,
            };
            insns.push(Cell::new(word));
        }
        let s = Box::new(Shadow { insns: insns.into_boxed_slice(), sites: sites.into_boxed_slice() });
        all().push(&*s);
        s
    }

    /// Where the instructions begin.
    #[inline(always)]
    pub fn start(&self) -> *const Insn {
        self.insns.as_ptr() as *const Insn
    }

    /// Where the sites begin. Never null.
    #[inline(always)]
    pub fn sites_start(&self) -> *const Site {
        self.sites.as_ptr()
    }

    /// How many instructions there are: as many as in the plain code.
    pub fn len(&self) -> usize {
        self.insns.len()
    }

    /// Whether there is no instruction.
    pub fn is_empty(&self) -> bool {
        self.insns.is_empty()
    }

    /// The instruction at an index, as it is now.
    pub fn insn(&self, at: usize) -> Insn {
        self.insns[at].get()
    }

    /// A site by number.
    pub fn site(&self, n: u32) -> &Site {
        &self.sites[n as usize]
    }

    /// The sites, in the order of their instructions.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The number of the site that a specialised instruction names; those that keep all operands of the generic one name
    /// none.
    pub fn site_number(insn: Insn) -> Option<u32> {
        let op = ShadowOp::from_number(insn.op_number()).filter(|op| !op.keeps_operands())?;
        ShadowOp::observing(op.info().generic)?;
        Some(if site_in_c(op.info().generic) { insn.c().into() } else { insn.bx() })
    }

    /// The site of the instruction at an index.
    pub fn site_at(&self, at: u32) -> Option<&Site> {
        let n = self.sites.binary_search_by_key(&at, Site::at).ok()?;
        Some(&self.sites[n])
    }

    /// The site of the instruction at an address in this code.
    pub fn site_of(&self, pc: *const Insn) -> Option<&Site> {
        let distance = (pc as usize).wrapping_sub(self.start() as usize) / size_of::<Insn>();
        self.site_at(u32::try_from(distance).ok()?)
    }

    /// The generic form of the instruction at an index.
    pub fn generic(&self, at: usize) -> Insn {
        let insn = self.insn(at);
        match (self.site_at(at as u32), ShadowOp::from_number(insn.op_number())) {
            (Some(site), _) => site.original(),
            (None, Some(op)) => Insn(insn.0 & !0xffff | op.info().generic as u64),
            (None, None) => insn,
        }
    }

    /// Makes a site unspecialised.
    fn reset(&self, site: &Site) {
        let at = site.at.get() as usize;
        let original = site.original();
        site.forget_entries();
        site.kind.set(Kind::None);
        if let Some(m) = site.more() {
            m.forgotten.set(m.forgotten.get().saturating_add(1));
        }
        if let Some(look) = original.op().and_then(ShadowOp::observing) {
            self.insns[at].set(with_site(look, original, site.number));
        }
    }

    /// Makes all sites unspecialised, as if the code had just become warm.
    pub fn clear(&self) {
        for s in &self.sites {
            self.reset(s);
            s.wait.set(0);
            s.failures.set(0);
        }
    }

    fn forget(&self, depends: impl Fn(usize) -> bool) {
        for s in &self.sites {
            let known = |e: &Entry| depends(e.dep.get()) || depends(e.dep2.get());
            let hit = known(&s.entry) || s.more().is_some_and(|m| m.entries[..m.len.get() as usize].iter().any(known));
            if hit {
                s.more_or_new();
                self.reset(s);
            }
        }
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        let me: *const Shadow = self;
        all().retain(|s| *s != me);
        stats::bury(&self.sites);
    }
}

/// Replaces the operation of the instruction at `pc`, which lies in shadow code.
///
/// # Safety
/// `pc` must point into a live shadow, at an instruction of the same generic operation.
pub(crate) unsafe fn rewrite(pc: *const Insn, op: ShadowOp) {
    // SAFETY: by the caller's promise; shadow instructions are cells.
    unsafe {
        let cell = &*(pc as *const Cell<Insn>);
        cell.set(Insn(cell.get().0 & !0xffff | u64::from(op.number() + stats::offset())));
    }
}

/// Makes the instruction at `pc` another specialisation of what its site was made for.
///
/// # Safety
/// `pc` must be the address of the site's instruction in a live shadow.
pub(crate) unsafe fn specialise(pc: *const Insn, site: &Site, op: ShadowOp) {
    // SAFETY: by the caller's promise; shadow instructions are cells.
    unsafe { (*(pc as *const Cell<Insn>)).set(with_site(op, site.original(), site.number)) }
}

/// Makes the instruction at `pc` the plain one again, for good.
///
/// # Safety
/// `pc` must be the address of the site's instruction in a live shadow.
pub(crate) unsafe fn restore(pc: *const Insn, site: &Site) {
    // SAFETY: by the caller's promise; shadow instructions are cells.
    unsafe { (*(pc as *const Cell<Insn>)).set(site.original()) }
}

/// Gives all instructions with sites the numbers that count executions, or those that do not.
pub(crate) fn renumber_all() {
    for s in all().iter() {
        // SAFETY: shadows leave the list before they end.
        for cell in &unsafe { &**s }.insns {
            let insn = cell.get();
            let op = ShadowOp::from_number(insn.op_number());
            if let Some(op) = op.filter(|op| ShadowOp::observing(op.info().generic).is_some()) {
                cell.set(Insn(insn.0 & !0xffff | u64::from(op.number() + stats::offset())));
            }
        }
    }
}

/// Calls `f` with every site of all shadow code.
pub(crate) fn each_site(mut f: impl FnMut(&Site)) {
    for s in all().iter() {
        // SAFETY: shadows leave the list before they end.
        unsafe { &**s }.sites.iter().for_each(&mut f);
    }
}

/// What `cinder_pyobj::shape::memory::set_forget_hook` is given.
pub fn forget_hook(what: Forget<'_>) {
    global::clear();
    for s in all().iter() {
        // SAFETY: shadows leave the list before they end.
        let s = unsafe { &**s };
        match what {
            Forget::Types(types) => s.forget(|d| d != 0 && types.contains(&(d as *const Type))),
            Forget::Namespace(n) => s.forget(|d| d == n),
            Forget::All => s.forget(|d| d != 0),
        }
    }
}

/// Makes every site unspecialised.
pub fn clear_all() {
    global::clear();
    for s in all().iter() {
        // SAFETY: as in `forget_hook`.
        unsafe { &**s }.clear();
    }
}
