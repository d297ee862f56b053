//! Chains of filters, as lists of dicts.

use cinder_pyobj::types::str::as_utf8_lossy;
use cinder_pyobj::types::{dict, exc, int};
use cinder_pyobj::{Ctx, Obj, PyResult, Raised, intern};
use liblzma::stream::{Filters, LzmaOptions, MatchFinder, Mode};

use super::{PRESET_DEFAULT, failed, raise};

const LZMA1: u64 = 0x4000_0000_0000_0001;
const LZMA2: u64 = 0x21;
const DELTA: u64 = 3;
const X86: u64 = 4;
const POWERPC: u64 = 5;
const IA64: u64 = 6;
const ARM: u64 = 7;
const ARM_THUMB: u64 = 8;
const SPARC: u64 = 9;

pub(super) const CONSTANTS: [(&str, i64); 16] = [
    ("FILTER_LZMA1", LZMA1 as i64),
    ("FILTER_LZMA2", LZMA2 as i64),
    ("FILTER_DELTA", DELTA as i64),
    ("FILTER_X86", X86 as i64),
    ("FILTER_POWERPC", POWERPC as i64),
    ("FILTER_IA64", IA64 as i64),
    ("FILTER_ARM", ARM as i64),
    ("FILTER_ARMTHUMB", ARM_THUMB as i64),
    ("FILTER_SPARC", SPARC as i64),
    ("MF_HC3", MatchFinder::HashChain3 as i64),
    ("MF_HC4", MatchFinder::HashChain4 as i64),
    ("MF_BT2", MatchFinder::BinaryTree2 as i64),
    ("MF_BT3", MatchFinder::BinaryTree3 as i64),
    ("MF_BT4", MatchFinder::BinaryTree4 as i64),
    ("MODE_FAST", Mode::Fast as i64),
    ("MODE_NORMAL", Mode::Normal as i64),
];

/// The most filters of a chain.
const MOST: usize = 4;

/// An int of 32 bits without sign.
pub(super) fn number(cx: &Ctx, o: &Obj) -> PyResult<u32> {
    match u32::try_from(long(cx, o)?) {
        Ok(n) => Ok(n),
        Err(_) => Err(cx.overflow_error("Value too large for uint32_t type")),
    }
}

/// An int of 64 bits without sign.
pub(super) fn long(cx: &Ctx, o: &Obj) -> PyResult<u64> {
    let n = o.index(cx)?;
    match int::as_u64(&n) {
        Some(n) => Ok(n),
        None if int::is_negative(&n) => Err(cx.value_error("Cannot convert negative int")),
        None => Err(cx.overflow_error("Python int too large to convert to C unsigned long long")),
    }
}

/// A filter, its numbers read.
enum Filter {
    Lzma { one: bool, options: Options },
    Delta { dist: u32 },
    Branch { id: u64, start: u32 },
}

/// Options of the LZMA filters.
struct Options {
    dict_size: u32,
    lc: u32,
    lp: u32,
    pb: u32,
    made: LzmaOptions,
}

/// The dictionary sizes of the presets 0 to 9, as powers of two.
const DICT_BITS: [u32; 10] = [18, 20, 21, 22, 22, 23, 23, 24, 25, 26];

fn entry(cx: &Ctx, spec: &Obj, name: &str) -> PyResult<Option<Obj>> {
    let key = Obj::from(name);
    match spec.get_item(cx, &key) {
        Ok(v) => Ok(Some(v)),
        Err(r) => cx.swallow(r, exc::KeyError()).map(|()| None),
    }
}

/// Refuses entries other than those of a kind of filter.
fn only(cx: &Ctx, spec: &Obj, names: &[&str], kind: &str) -> PyResult<()> {
    let refuse = || cx.value_error(format!("Invalid filter specifier for {kind} filter"));
    let mut wrong = false;
    spec.call_method(cx, intern!("keys"), &[])?.for_each(cx, |k| {
        wrong |= !k.type_of().is_str_subtype() || !names.contains(&&*as_utf8_lossy(&k));
        Ok(())
    })?;
    if wrong { Err(refuse()) } else { Ok(()) }
}

fn lzma_options(cx: &Ctx, spec: &Obj) -> PyResult<Options> {
    let preset = match entry(cx, spec, "preset")? {
        Some(p) => number(cx, &p)?,
        None => PRESET_DEFAULT,
    };
    only(cx, spec, &["id", "preset", "dict_size", "lc", "lp", "pb", "mode", "nice_len", "mf", "depth"], "LZMA")?;
    let invalid_preset = || raise(cx, format!("Invalid compression preset: {preset}"));
    let mut made = LzmaOptions::new_preset(preset).map_err(|_| invalid_preset())?;
    let Some(bits) = DICT_BITS.get((preset & 31) as usize) else { return Err(invalid_preset()) };
    let get = |name: &str| -> PyResult<Option<u32>> {
        match entry(cx, spec, name)? {
            Some(v) => number(cx, &v).map(Some),
            None => Ok(None),
        }
    };
    let (mut dict_size, mut lc, mut lp, mut pb) = (1u32 << bits, 3, 0, 2);
    if let Some(n) = get("dict_size")? {
        made.dict_size(n);
        dict_size = n;
    }
    if let Some(n) = get("lc")? {
        made.literal_context_bits(n);
        lc = n;
    }
    if let Some(n) = get("lp")? {
        made.literal_position_bits(n);
        lp = n;
    }
    if let Some(n) = get("pb")? {
        made.position_bits(n);
        pb = n;
    }
    let unsupported = || failed(cx, liblzma::stream::Error::Options);
    if let Some(n) = get("mode")? {
        let mode = [Mode::Fast, Mode::Normal].into_iter().find(|m| *m as u32 == n).ok_or_else(unsupported)?;
        made.mode(mode);
    }
    if let Some(n) = get("nice_len")? {
        made.nice_len(n);
    }
    if let Some(n) = get("mf")? {
        use MatchFinder::*;
        let all = [HashChain3, HashChain4, BinaryTree2, BinaryTree3, BinaryTree4];
        made.match_finder(all.into_iter().find(|m| *m as u32 == n).ok_or_else(unsupported)?);
    }
    if let Some(n) = get("depth")? {
        made.depth(n);
    }
    Ok(Options { dict_size, lc, lp, pb, made })
}

fn is_mapping(o: &Obj) -> bool {
    dict::as_dict(o).is_some() || o.type_of().slots.getitem.get().is_some()
}

fn read(cx: &Ctx, spec: &Obj) -> PyResult<Filter> {
    if !is_mapping(spec) {
        return Err(cx.type_error("Filter specifier must be a dict or dict-like object"));
    }
    let Some(id) = entry(cx, spec, "id")? else {
        return Err(cx.value_error("Filter specifier must have an \"id\" entry"));
    };
    let id = long(cx, &id)?;
    let optional = |name: &str, default: u32| -> PyResult<u32> {
        match entry(cx, spec, name)? {
            Some(v) => number(cx, &v),
            None => Ok(default),
        }
    };
    match id {
        LZMA1 | LZMA2 => Ok(Filter::Lzma { one: id == LZMA1, options: lzma_options(cx, spec)? }),
        DELTA => {
            only(cx, spec, &["id", "dist"], "delta")?;
            Ok(Filter::Delta { dist: optional("dist", 1)? })
        }
        X86 | POWERPC | IA64 | ARM | ARM_THUMB | SPARC => {
            only(cx, spec, &["id", "start_offset"], "BCJ")?;
            Ok(Filter::Branch { id, start: optional("start_offset", 0)? })
        }
        _ => Err(cx.value_error(format!("Invalid filter ID: {id}"))),
    }
}

/// The chain that a sequence of dicts describes.
pub(super) fn chain(cx: &Ctx, specs: &Obj) -> PyResult<Filters> {
    if dict::as_dict(specs).is_some() {
        return Err(cx.type_error("dict is not a sequence"));
    }
    let count = specs.len(cx)?;
    if count > MOST {
        return Err(cx.value_error(format!("Too many filters - liblzma supports a maximum of {MOST}")));
    }
    if count == 0 {
        return Err(cx.value_error("Empty filter chain"));
    }
    let mut f = Filters::new();
    for i in 0..count {
        let spec = specs.get_item(cx, &Obj::from(i))?;
        let added = match read(cx, &spec)? {
            Filter::Lzma { one: true, options } => Ok(f.lzma1(&options.made)),
            Filter::Lzma { options, .. } => Ok(f.lzma2(&options.made)),
            Filter::Delta { dist } if (1..=256).contains(&dist) => f.delta_properties(&[(dist - 1) as u8]),
            Filter::Delta { .. } => Err(liblzma::stream::Error::Options),
            Filter::Branch { id, start: 0 } => Ok(match id {
                X86 => f.x86(),
                POWERPC => f.powerpc(),
                IA64 => f.ia64(),
                ARM => f.arm(),
                ARM_THUMB => f.arm_thumb(),
                _ => f.sparc(),
            }),
            Filter::Branch { id, start } => {
                let p = &start.to_le_bytes();
                match id {
                    X86 => f.x86_properties(p),
                    POWERPC => f.powerpc_properties(p),
                    IA64 => f.ia64_properties(p),
                    ARM => f.arm_properties(p),
                    ARM_THUMB => f.arm_thumb_properties(p),
                    _ => f.sparc_properties(p),
                }
            }
        };
        added.map_err(|e| failed(cx, e))?;
    }
    Ok(f)
}

/// The options of a chain that is a single LZMA1 filter.
pub(super) fn only_lzma1(cx: &Ctx, specs: &Obj) -> PyResult<LzmaOptions> {
    let refuse = || cx.value_error("Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter");
    if specs.len(cx)? != 1 {
        chain(cx, specs)?;
        return Err(refuse());
    }
    match read(cx, &specs.get_item(cx, &Obj::from(0))?)? {
        Filter::Lzma { one: true, options } => Ok(options.made),
        _ => Err(refuse()),
    }
}

/// Dictionary sizes of LZMA2 are `2^n` and `3 * 2^(n-1)`: code and size.
fn dictionary_code(size: u32) -> u8 {
    (0u8..40).find(|c| code_size(*c) >= size).unwrap_or(40)
}

fn code_size(code: u8) -> u32 {
    if code >= 40 { u32::MAX } else { (2 | u32::from(code & 1)) << (code / 2 + 11) }
}

/// The least dictionary of LZMA2.
const LEAST_DICT: u32 = 4096;

pub(super) fn encode_properties(cx: &Ctx, spec: &Obj) -> PyResult<Vec<u8>> {
    let unsupported = || failed(cx, liblzma::stream::Error::Options);
    match read(cx, spec)? {
        Filter::Lzma { one: true, options: o } => {
            if o.lc > 4 || o.lp > 4 || o.lc + o.lp > 4 || o.pb > 4 {
                return Err(failed(cx, liblzma::stream::Error::Program));
            }
            let mut out = vec![((o.pb * 5 + o.lp) * 9 + o.lc) as u8];
            out.extend(o.dict_size.to_le_bytes());
            Ok(out)
        }
        Filter::Lzma { options, .. } => Ok(vec![dictionary_code(options.dict_size.max(LEAST_DICT))]),
        Filter::Delta { dist } if (1..=256).contains(&dist) => Ok(vec![(dist - 1) as u8]),
        Filter::Delta { .. } => Err(unsupported()),
        Filter::Branch { start: 0, .. } => Ok(Vec::new()),
        Filter::Branch { start, .. } => Ok(start.to_le_bytes().to_vec()),
    }
}

/// A dict of numbers.
fn described(cx: &Ctx, id: u64, fields: &[(&str, u32)]) -> PyResult {
    let mut pairs = vec![(Obj::from("id"), Obj::from(id))];
    pairs.extend(fields.iter().map(|(k, n)| (Obj::from(*k), Obj::from(*n))));
    dict::from_pairs(cx, &pairs)
}

pub(super) fn decode_properties(cx: &Ctx, id: u64, props: &[u8]) -> PyResult {
    let unsupported = || -> Raised { failed(cx, liblzma::stream::Error::Options) };
    match (id, props) {
        (LZMA1, [first, size @ ..]) => {
            let Ok(size) = <[u8; 4]>::try_from(size) else { return Err(unsupported()) };
            let first = u32::from(*first);
            let (pb, lp, lc) = (first / 45, first / 9 % 5, first % 9);
            if pb > 4 || lc + lp > 4 {
                return Err(unsupported());
            }
            let size = u32::from_le_bytes(size);
            described(cx, id, &[("dict_size", size), ("lc", lc), ("lp", lp), ("pb", pb)])
        }
        (LZMA2, [code @ 0..=40]) => described(cx, id, &[("dict_size", code_size(*code))]),
        (DELTA, [dist]) => described(cx, id, &[("dist", u32::from(*dist) + 1)]),
        (X86 | POWERPC | IA64 | ARM | ARM_THUMB | SPARC, []) => described(cx, id, &[]),
        (X86 | POWERPC | IA64 | ARM | ARM_THUMB | SPARC, start) => match <[u8; 4]>::try_from(start) {
            Ok([0, 0, 0, 0]) => described(cx, id, &[]),
            Ok(b) => described(cx, id, &[("start_offset", u32::from_le_bytes(b))]),
            Err(_) => Err(unsupported()),
        },
        (LZMA1 | LZMA2 | DELTA, _) => Err(unsupported()),
        _ => Err(cx.value_error(format!("Invalid filter ID: {id}"))),
    }
}
